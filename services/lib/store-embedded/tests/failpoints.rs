//! What a store does when it fails at the points where it matters.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic, its helpers too")]

use std::{path::PathBuf, sync::Arc};

use chasqui_disk::{Disk, RealDisk};
use chasqui_domain::{ChatId, Epoch, LogId, Offset, Partition, UserId};
use chasqui_store::{Error, KeyTable, LogPartition, Store, WRAPPED_KEY_BYTES};
use chasqui_store_embedded::{EmbeddedStore, Options};

const OF: LogPartition = LogPartition { log: LogId([1; 16]), partition: Partition(0) };

fn open(folder: &tempfile::TempDir) -> Arc<EmbeddedStore> {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    EmbeddedStore::open(disk, PathBuf::from(folder.path()), Options::default()).unwrap()
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
            same(&store.failed().await);
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
