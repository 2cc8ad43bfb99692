//! Neither side of a client keeps the other waiting.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chasqui_client::{Client, Draft, Error, Token, Update};
use chasqui_domain::Seq;

use crate::{
    memory::{Disk, Server, start},
    support::{chat, message, until, user},
};

/// More than the client takes at once, so that there is always another.
const CALLERS: u64 = 200;
/// Far more than either side may do before the other has its turns.
const ENOUGH: u64 = 20_000;

/// Calls without pause, until the client has ended or enough was called; gives the number of calls.
fn flood(client: &Client) -> Arc<AtomicU64> {
    let calls = Arc::new(AtomicU64::new(0));
    for _ in 0..CALLERS {
        let (client, calls) = (client.clone(), calls.clone());
        tokio::spawn(async move {
            while calls.fetch_add(1, Ordering::Relaxed) < ENOUGH {
                let seq = Seq(calls.load(Ordering::Relaxed));
                match client.read(chat(), seq).await {
                    Ok(()) => {}
                    Err(Error::Closed) => return,
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    calls
}

#[tokio::test]
async fn an_app_that_calls_without_pause_leaves_the_server_its_turns() {
    let server = Arc::new(Server::default());
    let mut peer = server.accept();
    let (client, mut updates) = start(&server, &Disk::new()).await;
    peer.welcome().await;
    until(&mut updates, |update| matches!(update, Update::Connected { .. })).await;
    let calls = flood(&client);
    while calls.load(Ordering::Relaxed) < CALLERS {
        tokio::task::yield_now().await;
    }
    (1..=20).for_each(|seq| peer.say(&message(seq)));
    until(&mut updates, |update| matches!(update, Update::Message(message) if message.seq == Seq(20))).await;
    assert!(calls.load(Ordering::Relaxed) < ENOUGH, "the server had to wait");
    drop(updates);
    let called = calls.load(Ordering::Relaxed);
    while client.read(chat(), Seq(1)).await.is_ok() {}
    assert!(calls.load(Ordering::Relaxed) < called + ENOUGH / 2, "the end had to wait");
}

#[tokio::test]
async fn a_server_that_talks_without_pause_leaves_the_app_its_turns() {
    let server = Arc::new(Server::default());
    let mut peer = server.accept();
    let (client, mut updates) = start(&server, &Disk::new()).await;
    peer.welcome().await;
    until(&mut updates, |update| matches!(update, Update::Connected { .. })).await;
    (1..=ENOUGH).for_each(|seq| peer.say(&message(seq)));
    let reader = tokio::spawn(async move {
        until(&mut updates, |update| matches!(update, Update::Message(message) if message.seq == Seq(ENOUGH))).await;
    });
    client.renew(Token("u".to_owned()));
    let id = client.send(Draft::text(user("bob"), "hi")).await.unwrap();
    assert_eq!(peer.next("renew").await.unwrap()["token"], "u");
    assert_eq!(peer.next("send").await.unwrap()["id"], id.to_string());
    assert!(!reader.is_finished(), "the app had to wait");
}
