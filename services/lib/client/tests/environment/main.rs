//! The client over connections, a storage and a clock that are the test's.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these are tests")]

mod fairness;
mod memory;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::{sync::Arc, time::Duration};

use chasqui_client::{ConnectError, Draft, End, Error, TransportError, Update};
use chasqui_wire::Code;
use memory::{Disk, Save, Server, start};
use support::{until, user};
use tokio::runtime;

#[tokio::test]
async fn a_refusal_and_a_close_count_whatever_carries_them() {
    let server = Arc::new(Server::default());
    server.fail(ConnectError::Refused { code: Code::Unavailable, retry_in_ms: Some(5000) });
    server.fail(ConnectError::Failed(TransportError("nobody is there".into())));
    let mut peer = server.accept();
    let (_client, mut updates) = start(&server, &Disk::new()).await;
    let Some(Update::Disconnected { code, again_in }) = updates.next().await else { panic!("it was refused") };
    assert_eq!(code, Some(Code::Unavailable));
    assert!(again_in.is_some_and(|again_in| again_in > Duration::from_secs(5)));
    peer.welcome().await;
    until(&mut updates, |update| matches!(update, Update::Connected { .. })).await;
    peer.close(Code::Banned.close().unwrap(), "banned");
    assert_eq!(updates.next().await, Some(Update::Ended(End::Refused(Code::Banned))));
}

#[tokio::test]
async fn what_was_not_kept_is_not_sent() {
    let (server, disk) = (Arc::new(Server::default()), Disk::new());
    let mut peer = server.accept();
    let (client, mut updates) = start(&server, &disk).await;
    peer.welcome().await;
    until(&mut updates, |update| matches!(update, Update::Connected { .. })).await;
    disk.set(Save::Failed);
    assert!(matches!(client.send(Draft::text(user("bob"), "hi")).await, Err(Error::Closed)));
    let end = until(&mut updates, |update| matches!(update, Update::Ended(_))).await;
    assert_eq!(end, Update::Ended(End::State("the state in memory can't be kept: full".to_owned())));
    assert_eq!(peer.next("send").await, None);
}

/// Killed while it saves a message, a client leaves it there or not, and the next one goes on from that.
#[test]
fn a_client_that_is_killed_leaves_what_its_storage_has() {
    for has_happened in [false, true] {
        let (server, disk) = (Arc::new(Server::default()), Disk::new());
        let mut peer = server.accept();
        let killed = runtime::Builder::new_current_thread().build().unwrap();
        killed.block_on(async {
            let (client, mut updates) = start(&server, &disk).await;
            peer.welcome().await;
            until(&mut updates, |update| matches!(update, Update::Connected { .. })).await;
            disk.set(Save::Hangs { has_happened });
            let mut send = std::pin::pin!(client.send(Draft::text(user("bob"), "hi")));
            for _ in 0..100 {
                assert!(futures::poll!(&mut send).is_pending());
                tokio::task::yield_now().await;
            }
        });
        drop(killed);
        disk.set(Save::Done);
        let again = runtime::Builder::new_current_thread().build().unwrap();
        again.block_on(async {
            let mut peer = server.accept();
            let (client, _updates) = start(&server, &disk).await;
            assert_eq!(client.unsent().len(), usize::from(has_happened));
            peer.welcome().await;
            let next = client.send(Draft::text(user("bob"), "next")).await.unwrap();
            assert_eq!(next.0, 1 + u64::from(has_happened));
            let first = peer.next("send").await.unwrap();
            assert_eq!(first["text"], if has_happened { "hi" } else { "next" });
        });
    }
}
