//! What is called before rows become durable.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic, its helpers too")]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use chasqui_disk::{Disk, RealDisk};
use chasqui_domain::{LogId, Offset, Partition, Term, TimeMs, UserId};
use chasqui_store::{Ban, BanKey, Checkpoint, Error, LogPartition, Store};
use chasqui_store_embedded::{BeforeDurable, EmbeddedStore, Options};

const OF: LogPartition = LogPartition { log: LogId([1; 16]), partition: Partition(0) };

/// Counts the calls, and refuses when it is told to.
#[derive(Debug, Clone, Default)]
struct Hook {
    calls: Arc<AtomicU64>,
    refuses: Arc<AtomicBool>,
}

impl Hook {
    fn calls(&self) -> u64 {
        self.calls.swap(0, Ordering::SeqCst)
    }
}

fn open(folder: &tempfile::TempDir, hook: &Hook) -> Arc<EmbeddedStore> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let hook = hook.clone();
    let before_durable = BeforeDurable::new(move || {
        hook.calls.fetch_add(1, Ordering::SeqCst);
        if hook.refuses.load(Ordering::SeqCst) { Err("the log is not durable".into()) } else { Ok(()) }
    });
    let options = Options { before_durable: Some(before_durable), ..Options::default() };
    EmbeddedStore::open(disk, PathBuf::from(folder.path()), options).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { term: Term(1), inbox: Offset(1), presence: Offset(1), state: Bytes::new() }
}

fn ban() -> Ban {
    let key = BanKey { user: UserId::new("alice").unwrap(), device: None };
    Ban { key, since: TimeMs(1), reason: None }
}

/// What makes rows durable.
#[derive(Debug, Clone, Copy)]
enum Act {
    Flush,
    Skip,
    Ban,
    Unban,
    Close,
}

const ACTS: [Act; 5] = [Act::Flush, Act::Skip, Act::Ban, Act::Unban, Act::Close];

async fn act(store: &Arc<EmbeddedStore>, act: Act) -> Result<(), Error> {
    match act {
        Act::Flush => store.flush().await,
        Act::Skip => store.skip(OF, Offset(7)).await,
        Act::Ban => store.ban(ban()).await,
        Act::Unban => store.unban(&ban().key).await,
        Act::Close => store.clone().close().await,
    }
}

#[tokio::test]
async fn it_is_called_once_before_each_durable_commit_and_not_without_one() {
    for last in ACTS {
        let (folder, hook) = (tempfile::tempdir().unwrap(), Hook::default());
        let store = open(&folder, &hook);
        store.flush().await.unwrap();
        store.commit(OF, Offset(1), vec![]).await.unwrap();
        store.committed(OF).await.unwrap();
        store.save_checkpoint(OF, checkpoint()).await.unwrap();
        assert_eq!(hook.calls(), 0, "{last:?}: nothing is durable yet");
        act(&store, last).await.unwrap();
        assert_eq!(hook.calls(), 1, "{last:?}");
        // Nothing is left to become durable.
        if !matches!(last, Act::Close) {
            store.flush().await.unwrap();
            store.close().await.unwrap();
        }
        assert_eq!(hook.calls(), 0, "{last:?}");
    }
}

#[tokio::test]
async fn its_error_fails_the_store_and_nothing_more_is_durable() {
    // What is only in the open transaction, and what reads have seen already.
    for (last, is_seen) in ACTS.into_iter().flat_map(|act| [(act, false), (act, true)]) {
        let (folder, hook) = (tempfile::tempdir().unwrap(), Hook::default());
        let store = open(&folder, &hook);
        store.commit(OF, Offset(1), vec![]).await.unwrap();
        store.flush().await.unwrap();
        store.commit(OF, Offset(2), vec![]).await.unwrap();
        if is_seen {
            assert_eq!(store.committed(OF).await.unwrap(), Some(Offset(2)));
        }
        hook.refuses.store(true, Ordering::SeqCst);
        let failed = act(&store, last).await.unwrap_err();
        assert!(matches!(&failed, Error::Unavailable { why } if why == "the log is not durable"), "{failed:?}");
        let same = |error: &Error| assert_eq!(error.to_string(), failed.to_string(), "{last:?}");
        same(&store.failed().await);
        same(&store.commit(OF, Offset(3), vec![]).await.unwrap_err());
        same(&store.committed(OF).await.unwrap_err());
        same(&store.clone().close().await.unwrap_err());
        drop(store);

        hook.refuses.store(false, Ordering::SeqCst);
        let store = open(&folder, &hook);
        assert_eq!(store.committed(OF).await.unwrap(), Some(Offset(1)), "{last:?}");
        assert!(store.skipped(OF).await.unwrap().is_empty());
        assert!(store.bans(None, None, 10).await.unwrap().is_empty());
    }
}
