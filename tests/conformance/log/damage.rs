//! Files that are not what was written. Nothing panics, nothing is believed, and the message says where.

use std::{path::PathBuf, sync::Arc};

use chasqui_disk::{Disk, File};
use chasqui_domain::Offset;
use chasqui_log::{
    Error, Log, Partitions,
    suite::{Retention, commands, events, gateway, read, record},
};
use chasqui_log_embedded::{EmbeddedLog, OpenError, Options};
use chasqui_testkit::CrashDisk;

use crate::subjects::{folder, open, options};

fn one_segment() -> Options {
    Options { segment_bytes: 1024 * 1024, cache_bytes: 0, ..options(Retention::Long) }
}

fn many_segments() -> Options {
    Options { cache_bytes: 0, ..options(Retention::Long) }
}

/// A log with a hundred records in commits of their own, closed.
async fn written(options: Options) -> CrashDisk {
    let disk = CrashDisk::new();
    let log = open(disk.mount(), options).unwrap();
    for number in 0..100 {
        log.append(vec![record(&commands(0), format!("{number:0>100}"))]).await.unwrap();
    }
    disk
}

fn names(disk: &CrashDisk, extension: &str) -> Vec<PathBuf> {
    let names = disk.list(&folder()).unwrap();
    names.into_iter().filter(|name| name.ends_with(extension)).map(|name| folder().join(name)).collect()
}

fn file(disk: &CrashDisk, path: &std::path::Path) -> Arc<dyn File> {
    disk.open(path, false).unwrap()
}

fn flip(disk: &CrashDisk, path: &std::path::Path, at: u64) {
    let file = file(disk, path);
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
}

fn last_segment(disk: &CrashDisk) -> (PathBuf, u64) {
    let path = names(disk, ".segment").pop().unwrap();
    let size = file(disk, &path).size().unwrap();
    (path, size)
}

async fn count(log: &Arc<EmbeddedLog>) -> u64 {
    log.bounds(&commands(0)).await.unwrap().end.0
}

/// That the log still takes records, and has the first `kept` of those that were there.
async fn goes_on(disk: &CrashDisk, options: Options, kept: u64) {
    let log: Arc<dyn Log> = open(disk.mount(), options).unwrap();
    let appended = log.append(vec![record(&commands(0), "after")]).await.unwrap();
    assert_eq!(appended[0].offset, Offset(kept));
    read(&log, &commands(0), 0, kept as usize + 1).await;
}

/// A last segment that is not even begun may be left by a crash; one that had records may not.
#[tokio::test]
async fn a_last_segment_that_is_longer_than_its_header_was_is_never_taken_for_an_unfinished_one() {
    for fill in [0, 0xa5] {
        let disk = written(many_segments()).await;
        let (path, size) = last_segment(&disk);
        file(&disk, &path).write_all_at(&vec![fill; size as usize], 0).unwrap();
        let refused = open(disk.mount(), many_segments()).map(drop).unwrap_err();
        assert!(matches!(&refused, OpenError::Corrupt { path: of, .. } if *of == path), "{refused}");
    }
}

#[tokio::test]
async fn a_tail_torn_anywhere_costs_only_the_last_commit() {
    let disk = written(one_segment()).await;
    let (path, size) = last_segment(&disk);
    let commit_bytes = {
        let log = open(disk.mount(), one_segment()).unwrap();
        log.append(vec![record(&commands(0), format!("{:0>100}", 100))]).await.unwrap();
        drop(log);
        file(&disk, &path).size().unwrap() - size
    };
    for cut in (1..commit_bytes).step_by(7) {
        file(&disk, &path).set_len(size + commit_bytes - cut).unwrap();
        goes_on(&disk, one_segment(), 100).await;
        let log = open(disk.mount(), one_segment()).unwrap();
        assert_eq!(count(&log).await, 101);
        drop(log);
        // Back to a hundred, and a whole commit behind them.
        file(&disk, &path).set_len(size).unwrap();
        let log = open(disk.mount(), one_segment()).unwrap();
        log.append(vec![record(&commands(0), format!("{:0>100}", 100))]).await.unwrap();
    }
}

#[tokio::test]
async fn a_commit_is_kept_whole_or_not_at_all() {
    let disk = written(one_segment()).await;
    let (path, before) = last_segment(&disk);
    let log = open(disk.mount(), one_segment()).unwrap();
    log.append(vec![record(&commands(0), "a"), record(&events(0), "b"), record(&gateway("g"), "c")]).await.unwrap();
    drop(log);
    let after = file(&disk, &path).size().unwrap();
    file(&disk, &path).set_len(after - 1).unwrap();
    let log = open(disk.mount(), one_segment()).unwrap();
    assert_eq!(count(&log).await, 100);
    assert_eq!(log.bounds(&events(0)).await.unwrap().end, Offset(0));
    assert_eq!(file(&disk, &path).size().unwrap(), before);
}

#[tokio::test]
async fn garbage_behind_the_end_is_cut() {
    let disk = written(one_segment()).await;
    let (path, size) = last_segment(&disk);
    file(&disk, &path).write_all_at(&b"CHNK".repeat(3000), size).unwrap();
    goes_on(&disk, one_segment(), 100).await;
}

#[tokio::test]
async fn a_flipped_byte_in_the_middle_refuses_to_open() {
    let disk = written(one_segment()).await;
    let (path, size) = last_segment(&disk);
    for at in (0..size - 1000).step_by(97) {
        flip(&disk, &path, at);
        let Err(OpenError::Corrupt { path: named, position, .. }) = open(disk.mount(), one_segment()) else {
            panic!("byte {at} was not missed")
        };
        assert_eq!(named, path);
        assert!(position <= at && at < position + 300, "byte {at} is reported at {position}");
        flip(&disk, &path, at);
    }
    goes_on(&disk, one_segment(), 100).await;
}

#[tokio::test]
async fn a_flipped_byte_in_a_sealed_segment_is_reported_when_it_is_read() {
    let disk = written(many_segments()).await;
    let path = names(&disk, ".segment").remove(1);
    flip(&disk, &path, 2000);
    for without_index in [false, true] {
        if without_index {
            names(&disk, ".index").iter().for_each(|index| disk.remove(index).unwrap());
        }
        let log = open(disk.mount(), many_segments()).unwrap();
        let mut reader = log.reader(&commands(0), Offset(0)).await.unwrap();
        let error = loop {
            match reader.next(1).await {
                Ok(records) => assert!(records[0].offset < Offset(100), "the damage was not noticed"),
                Err(error) => break error,
            }
        };
        let Error::Corrupt { why } = &error else { panic!("{error}") };
        assert!(why.contains(path.to_str().unwrap()) && why.contains("at byte "), "{why}");
    }
}

#[tokio::test]
async fn a_missing_or_damaged_index_is_made_again() {
    let disk = written(many_segments()).await;
    let indexes = names(&disk, ".index");
    assert!(indexes.len() > 3, "there are several segments");
    disk.remove(&indexes[0]).unwrap();
    flip(&disk, &indexes[1], 60);
    file(&disk, &indexes[2]).set_len(10).unwrap();
    let log: Arc<dyn Log> = open(disk.mount(), many_segments()).unwrap();
    read(&log, &commands(0), 0, 100).await;
    assert_eq!(names(&disk, ".index"), indexes);
}

#[tokio::test]
async fn a_truncated_sealed_segment_refuses_to_open() {
    let disk = written(many_segments()).await;
    let path = names(&disk, ".segment").remove(1);
    let size = file(&disk, &path).size().unwrap();
    file(&disk, &path).set_len(size - 1).unwrap();
    let refused = open(disk.mount(), many_segments());
    assert!(
        matches!(refused, Err(OpenError::Corrupt { path: named, position, .. }) if named == path && position == size - 1)
    );
}

#[tokio::test]
async fn a_missing_segment_refuses_to_open() {
    let disk = written(many_segments()).await;
    let segments = names(&disk, ".segment");
    disk.remove(&segments[2]).unwrap();
    let refused = open(disk.mount(), many_segments());
    assert!(matches!(refused, Err(OpenError::Corrupt { path, .. }) if path == segments[3]));

    let disk = written(one_segment()).await;
    disk.remove(&names(&disk, ".segment")[0]).unwrap();
    assert!(matches!(open(disk.mount(), one_segment()), Err(OpenError::Corrupt { .. })));
}

#[tokio::test]
async fn a_segment_that_was_not_finished_is_removed() {
    let disk = written(many_segments()).await;
    let (path, _) = last_segment(&disk);
    let next = folder().join(format!("{:020}.segment", names(&disk, ".segment").len()));
    assert_ne!(path, next);
    disk.open(&next, true).unwrap().write_all_at(b"CHASQLOG\x10\0\0\0torn", 0).unwrap();
    goes_on(&disk, many_segments(), 100).await;
}

#[tokio::test]
async fn a_missing_or_damaged_meta_file_refuses_to_open() {
    let disk = written(one_segment()).await;
    let meta = folder().join("log.json");
    flip(&disk, &meta, 0);
    assert!(matches!(open(disk.mount(), one_segment()), Err(OpenError::Corrupt { path, .. }) if path == meta));
    disk.remove(&meta).unwrap();
    assert!(matches!(open(disk.mount(), one_segment()), Err(OpenError::Corrupt { path, .. }) if path == meta));
}

#[tokio::test]
async fn other_partition_counts_refuse_to_open_and_name_both() {
    let disk = written(one_segment()).await;
    let partitions = Partitions { chats: 64.try_into().unwrap(), users: 3.try_into().unwrap() };
    let refused = open(disk.mount(), Options { partitions, ..one_segment() }).err().unwrap().to_string();
    assert!(refused.contains("made with 4 chat and 3 user") && refused.contains("asks for 64 and 3"), "{refused}");
}
