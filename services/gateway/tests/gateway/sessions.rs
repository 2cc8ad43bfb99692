//! How connections begin and end.

use std::time::Duration;

use chasqui_wire::frames::ServerFrame;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::{
    bench::{Bench, options, token, until},
    client::{attach, live, try_connect, welcomed},
};

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn who_is_not_proven_is_turned_away() {
    let bench = Bench::new().await;
    let mut client = try_connect(&bench).await.unwrap();
    client.hello("nonsense", "phone", None).await;
    assert_eq!(client.end().await, ("unauthorized".to_owned(), 4501));

    let mut client = try_connect(&bench).await.unwrap();
    client.say(json!({"type": "read", "chat": "x", "seq": 1})).await;
    assert_eq!(client.end().await, ("bad_frame".to_owned(), 4500));
}

#[tokio::test]
async fn who_says_nothing_is_turned_away() {
    let mut options = options();
    options.hello_ms = 50;
    let bench = Bench::with(options).await;
    let mut client = try_connect(&bench).await.unwrap();
    assert_eq!(client.end().await, ("hello_timeout".to_owned(), 4000));
}

#[tokio::test]
async fn the_older_session_of_a_device_is_replaced_although_the_newer_says_nothing() {
    let bench = Bench::new().await;
    let mut older = live(&bench, "alice", "phone").await;
    // It reads, and so answers pings; the next regular one comes far too late.
    let mut newer = live(&bench, "alice", "phone").await;
    assert_eq!(older.end().await, ("replaced".to_owned(), 4502));
    newer.say(json!({"type": "receipts", "chats": []})).await;
    assert!(matches!(newer.next().await, ServerFrame::Receipts(_)));
}

#[tokio::test]
async fn the_older_session_of_a_device_is_replaced_before_the_newer_ones_first_frame_is_handled() {
    let bench = Bench::new().await;
    let mut older = live(&bench, "alice", "phone").await;
    // The ping behind it is not read.
    let (mut newer, _) = welcomed(&bench, "alice", "phone", None).await;
    newer.say(json!({"type": "receipts", "chats": []})).await;
    assert_eq!(older.end().await, ("replaced".to_owned(), 4502));
}

#[tokio::test]
async fn a_dead_connection_that_is_read_late_does_not_end_the_living_one() {
    let bench = Bench::new().await;
    let mut living = live(&bench, "alice", "phone").await;
    let mut dead = try_connect(&bench).await.unwrap();
    let told = bench.presence_end().await;
    // All that it ever sent, and it reads nothing.
    dead.hello(&token("alice", LONG), "phone", None).await;
    dead.ping().await;
    until(async || bench.presence_end().await > told).await;
    living.nothing_waits().await;
    drop(dead);
    living.nothing_waits().await;
}

#[tokio::test]
async fn a_device_that_connects_again_and_again_without_answering_has_few_sessions() {
    let mut options = options();
    options.sessions_per_user_max = 1;
    let bench = Bench::with(options).await;
    let mut living = live(&bench, "alice", "phone").await;
    let mut flood = Vec::new();
    for _ in 0..9 {
        // The ping behind it is not read.
        flood.push(welcomed(&bench, "alice", "phone", None).await.0);
    }
    for gone in &mut flood[..5] {
        assert_eq!(gone.end_behind_caught_up().await, ("too_many_sessions".to_owned(), 4008));
    }
    living.nothing_waits().await;
    // Those that are left are sessions like others.
    flood[5].caught_up().await;
    flood[5].nothing_waits().await;
    assert_eq!(living.end().await, ("replaced".to_owned(), 4502));
}

#[tokio::test]
async fn a_cursor_of_another_user_or_life_is_not_taken_up() {
    let bench = Bench::new().await;
    let (mut alice, _) = attach(&bench, "alice", "phone", None).await;
    let cursor = alice.caught_up().await;
    assert!(attach(&bench, "alice", "laptop", Some(&cursor)).await.1);
    assert!(!attach(&bench, "bob", "phone", Some(&cursor)).await.1);
    assert!(!attach(&bench, "bob", "phone", Some("nonsense")).await.1);
}

#[tokio::test]
async fn a_frame_that_is_too_long_ends_the_session() {
    let bench = Bench::new().await;
    let mut client = live(&bench, "alice", "phone").await;
    client.raw("x".repeat(bench_frame_bytes_max() + 1)).await;
    assert_eq!(client.end().await, ("frame_too_large".to_owned(), 4504));
}

fn bench_frame_bytes_max() -> usize {
    options().frame_bytes_max
}

#[tokio::test]
async fn a_silent_session_is_closed_and_one_that_answers_pings_is_not() {
    let mut options = options();
    (options.idle_ms, options.ping_ms) = (600, 200);
    let bench = Bench::with(options).await;
    // This one is not read, so its pings have no answer.
    let mut silent = live(&bench, "alice", "phone").await;
    let mut answering = live(&bench, "bob", "phone").await;
    let read_for = tokio::time::timeout(Duration::from_millis(1_500), answering.next());
    assert!(read_for.await.is_err(), "it stays open");
    assert_eq!(silent.end().await, ("idle".to_owned(), 4001));
}

#[tokio::test]
async fn there_are_no_more_sessions_than_allowed() {
    let mut options = options();
    options.sessions_max = 1;
    let bench = Bench::with(options).await;
    let first = live(&bench, "alice", "phone").await;
    let Err(Error::Http(response)) = try_connect(&bench).await else { panic!("it was let in") };
    assert_eq!(response.status(), 503);
    drop(first);
    // The place is free once the gateway has noticed.
    until(async || try_connect(&bench).await.is_ok()).await;
}

#[tokio::test]
async fn a_drain_sends_everybody_elsewhere_and_lets_nobody_in() {
    let bench = Bench::new().await;
    let mut clients = Vec::new();
    for index in 0..20 {
        clients.push(live(&bench, &format!("user-{index}"), "phone").await);
    }
    let mut late = try_connect(&bench).await.unwrap();
    let ends = futures::future::join_all(clients.iter_mut().map(|client| client.end()));
    let (ends, ()) = tokio::join!(ends, bench.gateway.drain());
    assert!(ends.iter().all(|end| *end == ("draining".to_owned(), 4002)), "{ends:?}");
    late.hello(&token("late", LONG), "phone", None).await;
    assert_eq!(late.end().await.0, "draining");
    let Err(Error::Http(response)) = try_connect(&bench).await else { panic!("it was let in") };
    assert_eq!(response.status(), 503);
}
