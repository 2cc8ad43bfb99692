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
        // One alone may have found room.
        let full = loop {
            match log.append(vec![record(&commands(0), value(taken))]).await {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, Error::Full { .. }), "{full:?}");
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
    // The room that was there before is taken.
    let mut end = 1;
    let full = loop {
        match log.append(vec![record(&commands(0), large())]).await {
            Ok(_) => end += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full { .. }), "{full:?}");
    assert_eq!(disk.used_bytes(), used);
    log.append(vec![record(&commands(0), "second")]).await.unwrap();
    disk.crash(0);
    drop(log);
    let log: Arc<dyn Log> = open(disk.mount(), one_segment()).unwrap();
    assert_eq!(read(&log, &commands(0), 0, end + 1).await[end].value, "second");
}

/// Somebody may have read ahead what a failed sync has lost.
#[tokio::test]
async fn after_a_failed_sync_the_log_fails_and_whoever_opens_it_goes_on() {
    for seed in 0..60 {
        let disk = CrashDisk::new();
        let log = open(disk.mount(), one_segment()).unwrap();
        log.append(vec![record(&commands(0), "first")]).await.unwrap();
        let mut ahead = log.reader_ahead(&commands(0), Offset(1)).await.unwrap();
        let mut synced = log.reader(&commands(0), Offset(1)).await.unwrap();
        disk.fail_sync(1);
        let failed = log.append(vec![record(&commands(0), large())]).await;
        assert!(matches!(&failed, Err(error @ Error::Unavailable { .. }) if error.is_unknown()), "{failed:?}");
        assert!(log.ended().await.is_retryable());
        assert_eq!(ahead.next(usize::MAX).await.unwrap().len(), 1, "it was seen ahead");
        for reader in [&mut ahead, &mut synced] {
            assert!(matches!(reader.next(usize::MAX).await, Err(Error::Unavailable { .. })));
        }
        for refused in [log.append(vec![record(&commands(0), "next")]).await.map(drop), log.settle().await] {
            assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
        }
        disk.crash(seed);
        drop(log);
        let log = open(disk.mount(), one_segment()).unwrap();
        log.append(vec![record(&commands(0), "second")]).await.unwrap();
        let end = log.bounds(&commands(0)).await.unwrap().end;
        let log: Arc<dyn Log> = log;
        let records = read(&log, &commands(0), 0, end.0 as usize).await;
        assert_eq!((&records[0].value[..], &records.last().unwrap().value[..]), (&b"first"[..], &b"second"[..]));
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
        let mut log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
        let mut confirmed = Vec::new();
        for number in 0..40 {
            if (seed + number) % 5 == 0 {
                disk.fail_sync(1);
            }
            match log.append(vec![record(&commands(0), value(number))]).await {
                Ok(appended) => confirmed.push((appended[0].offset, value(number))),
                // It has failed, or finds no room for its next segment and goes on.
                Err(_) => {
                    drop(log);
                    log = open(disk.mount(), options(Retention::Long)).unwrap();
                }
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

/// A segment becomes longer than it should when there is no room for the next.
#[tokio::test]
async fn what_has_its_place_has_room() {
    let disk = CrashDisk::new();
    let log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
    log.append(vec![record(&commands(0), value(0))]).await.unwrap();
    // Enough for what is appended, and not for a segment beside it.
    disk.set_room(disk.used_bytes() + 8 * 4096);
    let mut placed = 1;
    while log.append_ahead(vec![record(&commands(0), value(placed))]).await.is_ok() {
        placed += 1;
    }
    assert!(placed > 8, "{placed}");
    log.settle().await.unwrap();
    // What they did not need of it is there again.
    let full = loop {
        match log.append(vec![record(&commands(0), value(placed))]).await {
            Ok(_) => placed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full { .. }), "{full:?}");
    disk.crash(3);
    drop(log);
    let log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
    assert_eq!(read(&log, &commands(0), 0, placed as usize).await.len(), placed as usize);
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
