//! The data keys, and what the store knows of the whole.

use chasqui_cluster_tests::keyspace::Keyspace;
use chasqui_domain::{Epoch, LogId};
use chasqui_store::{KeyTable, WRAPPED_KEY_BYTES};

use crate::rows::chat;

#[tokio::test]
async fn any_key_is_one_of_those_that_there_are() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    assert_eq!(store.any_key().await.unwrap(), None);
    let (epoch, key) = (Epoch(u32::MAX), [7; WRAPPED_KEY_BYTES]);
    store.create_key(chat("bob"), epoch, key).await.unwrap();
    assert_eq!(store.any_key().await.unwrap(), Some((chat("bob"), epoch, key)));
}

/// Processes agree on one key, also those of which none saw another's.
#[tokio::test]
async fn of_creations_by_several_processes_one_wins() {
    let keyspace = Keyspace::empty().await;
    let mut creations = tokio::task::JoinSet::new();
    for candidate in 0..4 {
        let store = keyspace.open().await;
        creations.spawn(async move {
            let created = store.create_key(chat("bob"), Epoch(1), [candidate; WRAPPED_KEY_BYTES]).await.unwrap();
            (created, store.key(chat("bob"), Epoch(1)).await.unwrap())
        });
    }
    let answers = creations.join_all().await;
    let winner = answers[0].0;
    assert!(answers.iter().all(|&answer| answer == (winner, Some(winner))), "{answers:?}");
}

#[tokio::test]
async fn the_life_of_the_topics_is_recorded() {
    let keyspace = Keyspace::empty().await;
    assert_eq!(keyspace.open().await.recorded_log().await.unwrap(), None);
    keyspace.open().await.record_log(LogId([3; 16])).await.unwrap();
    assert_eq!(keyspace.open().await.recorded_log().await.unwrap(), Some(LogId([3; 16])));
}
