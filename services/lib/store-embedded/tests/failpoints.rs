//! What a store does when it fails at the points where it matters.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic, its helpers too")]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chasqui_disk::{Disk, RealDisk};
use chasqui_domain::{ChatId, Epoch, LogId, Offset, Partition, Position, TimeMs, UserId};
use chasqui_store::{Error, InboxRow, KeyTable, LogPartition, Store, WRAPPED_KEY_BYTES};
use chasqui_store_embedded::{EmbeddedStore, Options};

/// A fault is told within this, or never.
const PATIENCE: Duration = Duration::from_secs(30);

const OF: LogPartition = LogPartition { log: LogId([1; 16]), partition: Partition(0) };

fn open(folder: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    open_with(folder, Options::default())
}

fn open_with(folder: &tempfile::TempDir, options: Options) -> Arc<EmbeddedStore> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    EmbeddedStore::open(disk, PathBuf::from(folder.path()), options).unwrap()
}

/// Counts how often a point is passed.
fn count(point: &str) -> Arc<AtomicU64> {
    let passed = Arc::new(AtomicU64::new(0));
    let counted = passed.clone();
    let callback = move || {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    fail::cfg_callback(point, callback).unwrap();
    passed
}

async fn write_row(store: &EmbeddedStore, offset: u64, bytes: usize) -> Result<(), Error> {
    let (user, position) = (UserId::new("alice").unwrap(), Position { log: OF.log, offset: Offset(offset) });
    store.write_inbox(vec![InboxRow { user, position, time: TimeMs(0), entry: Bytes::from(vec![0; bytes]) }]).await
}

fn chat() -> ChatId {
    ChatId::direct(&UserId::new("alice").unwrap(), &UserId::new("bob").unwrap())
}

/// The same for every point and fault: the call fails, all later ones too, whoever watches is told, and the store that
/// is opened again has what was flushed.
#[tokio::test]
async fn a_fault_at_any_point_fails_the_store_until_it_is_opened_again() {
    let scenario = fail::FailScenario::setup();
    for point in ["store::before_commit", "store::after_commit", "store::before_flush"] {
        for action in ["return", "return(full)", "return(damaged)", "panic"] {
            let folder = tempfile::tempdir().unwrap();
            let store = open(&folder);
            store.commit(OF, Offset(1), vec![]).await.unwrap();
            store.flush().await.unwrap();
            store.commit(OF, Offset(2), vec![]).await.unwrap();

            fail::cfg(point, action).unwrap();
            let failed = store.skip(OF, Offset(7)).await.unwrap_err();
            fail::remove(point);
            match action {
                "return" => assert!(matches!(failed, Error::Unavailable { .. }), "{failed:?}"),
                "return(full)" => assert!(matches!(failed, Error::Full { .. }), "{failed:?}"),
                _ => assert!(matches!(failed, Error::Corrupt { .. }), "{failed:?}"),
            }
            let same = |error: &Error| assert_eq!(error.to_string(), failed.to_string(), "{point} {action}");
            same(&tokio::time::timeout(PATIENCE, store.failed()).await.unwrap());
            same(&store.failure().unwrap());
            same(&store.committed(OF).await.unwrap_err());
            same(&store.flush().await.unwrap_err());
            same(&store.create_key(chat(), Epoch(1), [1; WRAPPED_KEY_BYTES]).await.unwrap_err());
            same(&store.close().await.unwrap_err());

            let store = open(&folder);
            let was_committed = point == "store::after_commit";
            let expected = if was_committed { 2 } else { 1 };
            assert_eq!(store.committed(OF).await.unwrap(), Some(Offset(expected)), "{point} {action}");
            assert_eq!(store.skipped(OF).await.unwrap().len(), usize::from(was_committed));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    store.create_key(chat(), Epoch(1), [1; WRAPPED_KEY_BYTES]).await.unwrap();
    fail::cfg("keys::before_sync", "return").unwrap();
    store.create_key(chat(), Epoch(2), [2; WRAPPED_KEY_BYTES]).await.unwrap_err();
    fail::remove("keys::before_sync");
    store.flush().await.unwrap_err();
    drop(store);
    let store = open(&folder);
    assert_eq!(store.key(chat(), Epoch(1)).await.unwrap(), Some([1; WRAPPED_KEY_BYTES]));
    store.create_key(chat(), Epoch(2), [3; WRAPPED_KEY_BYTES]).await.unwrap();
    scenario.teardown();
}

#[tokio::test]
async fn what_nobody_asks_for_is_not_committed() {
    let scenario = fail::FailScenario::setup();
    let (commits, flushes) = (count("store::before_commit"), count("store::before_flush"));
    let passed = || (commits.swap(0, Ordering::SeqCst), flushes.swap(0, Ordering::SeqCst));
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for n in 0..1000 {
        store.commit(OF, Offset(n), vec![]).await.unwrap();
        // Their writes are visible when they are answered.
        assert!(store.skipped(OF).await.unwrap().is_empty());
        assert!(store.bans(None, None, 1).await.unwrap().is_empty());
    }
    assert_eq!(passed(), (0, 0));
    assert_eq!(store.committed(OF).await.unwrap(), Some(Offset(999)));
    // Two if the writer had taken only a part when the read came.
    let (for_a_read, _) = passed();
    assert!((1..=2).contains(&for_a_read), "{for_a_read}");
    for _ in 0..100 {
        store.committed(OF).await.unwrap();
    }
    assert_eq!(passed(), (0, 0), "reads with nothing to wait for");
    store.commit(OF, Offset(999), vec![]).await.unwrap();
    let read = || {
        let store = store.clone();
        tokio::spawn(async move { store.committed(OF).await.unwrap() })
    };
    for read in (0..20).map(|_| read()).collect::<Vec<_>>() {
        read.await.unwrap();
    }
    let (for_all, _) = passed();
    assert!((1..=2).contains(&for_all), "{for_all}: they share one");
    store.flush().await.unwrap();
    assert_eq!(passed(), (1, 1));
    store.flush().await.unwrap();
    assert_eq!(passed(), (0, 0), "nothing is left to flush");
    store.commit(OF, Offset(1000), vec![]).await.unwrap();
    store.skip(OF, Offset(1)).await.unwrap();
    assert_eq!(passed(), (1, 1));
    store.commit(OF, Offset(1001), vec![]).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(passed(), (1, 1));
    scenario.teardown();
}

#[tokio::test]
async fn a_large_transaction_is_committed_although_nobody_asks() {
    const ROW: usize = 4096;
    const ROWS: usize = 128;
    let scenario = fail::FailScenario::setup();
    let commits = count("store::before_commit");
    let folder = tempfile::tempdir().unwrap();
    // A round takes in at most what the queue holds.
    let (transaction_bytes_max, queue_bytes_max) = (64 * 1024, 16 * 1024);
    let store = open_with(&folder, Options { transaction_bytes_max, queue_bytes_max, ..Options::default() });
    for n in 0..ROWS {
        write_row(&store, n as u64, ROW).await.unwrap();
    }
    // The last one is of the flush.
    store.flush().await.unwrap();
    let commits = commits.load(Ordering::SeqCst) as usize;
    let least = ROWS * ROW / (transaction_bytes_max + queue_bytes_max);
    // A row costs a little more than its entry.
    let most = ROWS * (ROW + 1024) / transaction_bytes_max + 1;
    assert!((least..=most).contains(&commits), "{least} <= {commits} <= {most}");
    scenario.teardown();
}

/// The writer has its answer; whoever comes next has the fault.
#[tokio::test]
async fn a_fault_after_an_answer_is_told_to_the_next_call_and_to_whoever_watches() {
    let scenario = fail::FailScenario::setup();
    for action in ["return(full)", "panic"] {
        // Found by a read that waits for what was answered.
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        store.commit(OF, Offset(1), vec![]).await.unwrap();
        store.flush().await.unwrap();
        fail::cfg("store::before_commit", action).unwrap();
        store.commit(OF, Offset(2), vec![]).await.unwrap();
        assert!(store.failure().is_none());
        let reads: Vec<_> = (0..10)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.committed(OF).await })
            })
            .collect();
        let failed = tokio::time::timeout(PATIENCE, store.failed()).await.unwrap();
        let same = |error: &Error| assert_eq!(error.to_string(), failed.to_string(), "{action}");
        for read in reads {
            same(&read.await.unwrap().unwrap_err());
        }
        fail::remove("store::before_commit");
        same(&store.commit(OF, Offset(3), vec![]).await.unwrap_err());
        same(&store.write_inbox(vec![]).await.unwrap_err());
        same(&store.close().await.unwrap_err());
        assert_eq!(open(&folder).committed(OF).await.unwrap(), Some(Offset(1)), "{action}");

        // Found by the writer alone, perhaps before the first call has its answer; those that wait for room get it as well.
        let folder = tempfile::tempdir().unwrap();
        let (transaction_bytes_max, queue_bytes_max) = (0, 4096);
        let store = open_with(&folder, Options { transaction_bytes_max, queue_bytes_max, ..Options::default() });
        fail::cfg("store::before_commit", action).unwrap();
        let mut offset = 0;
        let failed = loop {
            assert!(offset < 1000, "the writer commits a large transaction, and finds the fault");
            match write_row(&store, offset, 4096).await {
                Ok(()) => offset += 1,
                Err(error) => break error,
            }
        };
        fail::remove("store::before_commit");
        assert_eq!(store.failed().await.to_string(), failed.to_string(), "{action}");
    }
    scenario.teardown();
}
