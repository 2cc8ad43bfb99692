//! A disk that is full, or that fails to sync.

use std::sync::Arc;

use chasqui_disk::Disk;
use chasqui_domain::Offset;
use chasqui_log::{
    Error, Log,
    suite::{Retention, commands, inbox, read, record},
};
use chasqui_log_embedded::Options;
use chasqui_testkit::CrashDisk;
use futures::future::join_all;

use crate::subjects::{folder, open, options};

/// Nothing is sealed because it is full.
fn one_segment() -> Options {
    Options { segment_bytes: 1024 * 1024, ..options(Retention::Long) }
}

/// A value over many pages, so that not all of them are written again with what follows it.
fn large() -> String {
    "x".repeat(50_000)
}

fn value(number: u64) -> String {
    format!("{number:0>1000}")
}

#[tokio::test]
async fn a_full_disk_refuses_all_of_a_batch_and_takes_more_once_there_is_room() {
    for spare in [0, 4096, 8192, 20_000] {
        let disk = CrashDisk::new();
        let log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
        log.append(vec![record(&commands(0), value(0))]).await.unwrap();
        disk.set_room(disk.used_bytes() + spare);
        let mut taken = 1;
        let error = loop {
            match log.append(vec![record(&commands(0), value(taken)), record(&inbox(0), value(taken))]).await {
                Ok(appended) => assert_eq!(appended[0].offset, Offset(taken)),
                Err(error) => break error,
            }
            taken += 1;
        };
        assert!(matches!(&error, Error::Full { place } if place == "/data/log"), "{error}");
        assert!(error.is_retryable() && !error.is_unknown());
        let full = log.append(vec![record(&commands(0), value(taken))]).await;
        assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
        // What is there can be read all the while.
        read(&log, &commands(0), 0, taken as usize).await;

        disk.set_room(u64::MAX);
        for number in taken..taken + 20 {
            let appended = log.append(vec![record(&commands(0), value(number))]).await.unwrap();
            assert_eq!(appended[0].offset, Offset(number));
        }
        disk.crash(spare);
        drop(log);
        let log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
        let records = read(&log, &commands(0), 0, taken as usize + 20).await;
        for (record, number) in records.iter().zip(0..) {
            assert_eq!(record.value, value(number));
        }
    }
}

#[tokio::test]
async fn what_was_written_of_a_refused_batch_gives_its_room_back() {
    let disk = CrashDisk::new();
    let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
    log.append(vec![record(&commands(0), "first")]).await.unwrap();
    let used = disk.used_bytes();
    disk.set_room(used + 20_000);
    let full = log.append(vec![record(&commands(0), large())]).await;
    assert!(matches!(full, Err(Error::Full { .. })), "{full:?}");
    assert_eq!(disk.used_bytes(), used);
    log.append(vec![record(&commands(0), "second")]).await.unwrap();
    disk.crash(0);
    drop(log);
    let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
    assert_eq!(read(&log, &commands(0), 0, 2).await[1].value, "second");
}

#[tokio::test]
async fn after_a_failed_sync_the_log_goes_on_and_no_crash_brings_back_what_it_gave_up() {
    for seed in 0..60 {
        let disk = CrashDisk::new();
        let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
        log.append(vec![record(&commands(0), "first")]).await.unwrap();
        let before = disk.list(&folder()).unwrap().len();
        disk.fail_sync(1);
        let failed = log.append(vec![record(&commands(0), large())]).await;
        assert!(matches!(&failed, Err(error @ Error::Unavailable { .. }) if error.is_unknown()), "{failed:?}");
        assert_eq!(log.bounds(&commands(0)).await.unwrap().end, Offset(1), "it is not visible");
        let appended = log.append(vec![record(&commands(0), "second")]).await.unwrap();
        assert_eq!(appended[0].offset, Offset(1), "its place is free");
        assert!(disk.list(&folder()).unwrap().len() > before, "the segment is not used any more");
        disk.crash(seed);
        drop(log);
        let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
        let records = read(&log, &commands(0), 0, 2).await;
        assert_eq!((&records[0].value[..], &records[1].value[..]), (&b"first"[..], &b"second"[..]), "seed {seed}");
    }
}

#[tokio::test]
async fn what_a_failed_sync_left_is_durable_once_a_new_process_has_seen_it() {
    for seed in 0..60 {
        let disk = CrashDisk::new();
        let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
        log.append(vec![record(&commands(0), "first")]).await.unwrap();
        disk.fail_sync(1);
        log.append(vec![record(&commands(0), large())]).await.unwrap_err();
        // Only the process ends. The operating system still has the bytes, and believes that they are written.
        drop(log);
        let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
        let seen = log.bounds(&commands(0)).await.unwrap().end.0;
        log.append(vec![record(&commands(0), "next")]).await.unwrap();
        let before = read(&log, &commands(0), 0, seen as usize + 1).await;
        disk.crash(seed);
        drop(log);
        let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
        assert_eq!(read(&log, &commands(0), 0, seen as usize + 1).await, before, "seed {seed}");
    }
}

#[tokio::test]
async fn syncs_that_fail_again_and_again_lose_nothing_that_was_confirmed() {
    for seed in 0..40 {
        let disk = CrashDisk::new();
        let log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
        let mut confirmed = Vec::new();
        for number in 0..40 {
            if (seed + number) % 5 == 0 {
                disk.fail_sync(1 + (seed % 3) as u32);
            }
            if let Ok(appended) = log.append(vec![record(&commands(0), value(number))]).await {
                confirmed.push((appended[0].offset, value(number)));
            }
        }
        assert!(confirmed.len() > 5);
        disk.crash(seed);
        drop(log);
        let log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
        let records = read(&log, &commands(0), 0, log.bounds(&commands(0)).await.unwrap().end.0 as usize).await;
        for (offset, value) in confirmed {
            assert_eq!(records[offset.0 as usize].value, value, "seed {seed}");
        }
    }
}

/// One writer alone costs one sync a record; many together share them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_together_share_a_sync() {
    let disk = CrashDisk::new();
    let log: Arc<dyn Log> = open(disk.mount(), Options::new(chasqui_log::suite::PARTITIONS)).unwrap();
    let start = disk.syncs();
    let mut pending = Vec::new();
    for number in 0..5000 {
        pending.push(log.enqueue(vec![record(&commands(0), number.to_string())]).await.unwrap());
    }
    for answer in join_all(pending).await {
        answer.unwrap();
    }
    let syncs = disk.syncs() - start;
    assert!(syncs < 2500, "{syncs} syncs for 5000 records");
}

#[tokio::test]
async fn a_closed_log_writes_what_is_queued_and_ends_its_readers() {
    let disk = CrashDisk::new();
    let log = open(disk.mount(), options(Retention::Long)).unwrap();
    let mut reader = log.reader(&commands(0), Offset(0)).await.unwrap();
    let mut pending = Vec::new();
    for number in 0..100 {
        pending.push(log.enqueue(vec![record(&commands(0), value(number))]).await.unwrap());
    }
    drop(log);
    for (answer, number) in join_all(pending).await.into_iter().zip(0..) {
        assert_eq!(answer.unwrap()[0].offset, Offset(number));
    }
    let mut read = 0;
    let ended = loop {
        match reader.next(10_000).await {
            Ok(records) => read += records.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(read, 100);
    assert!(matches!(ended, Error::Closed), "{ended}");
}

#[tokio::test]
async fn a_log_above_its_bytes_goes_back_to_them_once_all_is_released() {
    let disk = CrashDisk::new();
    let options = Options { bytes_max: Some(20_000), ..options(Retention::Long) };
    let log: Arc<dyn Log> = open(disk.mount(), options).unwrap();
    for number in 0..100 {
        log.append(vec![record(&commands(0), value(number))]).await.unwrap();
    }
    assert!(disk.used_bytes() > 100_000, "nothing that is not released goes");
    log.release(&commands(0), Offset(100)).await.unwrap();
    // The writer looks at retention before it writes this.
    log.append(vec![record(&commands(0), value(100))]).await.unwrap();
    let segments = disk.list(&folder()).unwrap().into_iter().filter(|name| name.ends_with(".segment")).count();
    assert!(segments <= 7, "{segments} segments of 4 KiB each");
    assert!(log.bounds(&commands(0)).await.unwrap().start > Offset(70));
}
