//! Servers that don't answer: a clear error, in bounded time.

use std::time::{Duration, Instant};

use chasqui_cluster_tests::{cut::Way, keyspace::Keyspace};
use chasqui_domain::Offset;
use chasqui_store::{Error, Store, Stream};
use chasqui_store_cql::{CqlStore, OpenError, Options};
use tokio::net::TcpListener;

use crate::rows::{chat, event, of};

const PATIENCE: Duration = Duration::from_secs(10);

fn at(address: &str) -> Options {
    Options {
        contact_points: vec![address.to_owned()],
        connect_timeout: Duration::from_secs(1),
        request_timeout: Duration::from_secs(1),
        ..Options::default()
    }
}

#[tokio::test]
async fn nobody_at_the_contact_points() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let since = Instant::now();
    let error = CqlStore::open(at(&closed.to_string())).await.unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }) && error.is_retryable(), "{error}");
    assert!(error.to_string().starts_with("the servers of CQL can't be reached: "), "{error}");
    assert!(since.elapsed() < PATIENCE);
}

#[tokio::test]
async fn somebody_else_at_the_contact_points_who_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let since = Instant::now();
    let error = CqlStore::open(at(&silent.local_addr().unwrap().to_string())).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(since.elapsed() < PATIENCE, "{:?}", since.elapsed());
}

#[tokio::test]
async fn servers_that_go_away_fail_what_is_asked_and_nothing_hangs() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let options = Options { keyspace: keyspace.name().to_owned(), replication_factor: 1, ..at(way.address()) };
    let store = CqlStore::open(options).await.unwrap();
    store.commit(of(0), Offset(1), vec![]).await.unwrap();
    way.cut_after(0);
    let since = Instant::now();
    for _ in 0..3 {
        let error = store.commit(of(0), Offset(2), vec![]).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }) && error.is_retryable(), "{error}");
    }
    let rows = (1..=50).map(|version| event(chat("bob"), Stream::Content, version * 1024)).collect();
    assert!(store.write_events(of(0), rows, vec![]).await.is_err());
    assert!(store.committed(of(0)).await.is_err());
    assert!(since.elapsed() < PATIENCE, "{:?}", since.elapsed());
    assert!(way.is_cut());
}

#[tokio::test]
async fn no_more_calls_than_may_be_are_under_way() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let options = Options { contact_points: vec![way.address().to_owned()], concurrency_max: 2, ..keyspace.options() };
    let store = CqlStore::open(options).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for partition in 0..50 {
        let store = store.clone();
        calls.spawn(async move { store.commit(of(partition), Offset(1), vec![]).await });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap().unwrap();
    }
    assert!((1..=2).contains(&way.most_under_way()), "{} were", way.most_under_way());
}

#[tokio::test]
async fn a_datacenter_that_is_not_there_is_named() {
    let keyspace = Keyspace::empty().await;
    let options = Options { datacenter: Some("nowhere".into()), ..keyspace.options() };
    let error = CqlStore::open(options).await.unwrap_err();
    assert!(matches!(&error, OpenError::Datacenter { named, .. } if named == "nowhere"), "{error}");
}
