//! Serving, stopping, failing, and serving again.

use anyhow::{Result, bail, ensure};
use chasqui::server::Server;
use chasqui_client::{Draft, Update};
use chasqui_domain::{Seq, UserId};
use chasqui_runtime::Runtime;
use chasqui_testkit::CrashDisk;

use crate::bench::{after_a_message, client, get, options, sent_of, serving, text_of, update};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_and_see_what_became_of_it() -> Result<()> {
    let server = serving(CrashDisk::new().mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    let (bob, mut to_bob) = client(&server, "bob").await?;
    update(&mut to_bob, |update| matches!(update, Update::CaughtUp).then_some(())).await?;

    alice.send(Draft::text(UserId::new("bob")?, "hello")).await?;
    let sent = update(&mut to_alice, sent_of).await?;
    ensure!(sent.seq == Seq(1));
    ensure!(update(&mut to_bob, text_of).await? == (Seq(1), "hello".to_owned()));
    to_bob.done();
    bob.read(sent.chat, sent.seq).await?;
    let read = update(&mut to_alice, |update| match update {
        Update::Receipt(receipt) if receipt.read > Seq(0) => Some(receipt),
        _ => None,
    });
    let read = read.await?;
    ensure!((read.user.as_str(), read.delivered, read.read) == ("bob", Seq(1), Seq(1)));
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_is_there_after_a_stop() -> Result<()> {
    let disk = CrashDisk::new();
    let server = serving(disk.mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    alice.send(Draft::text(UserId::new("bob")?, "still there?")).await?;
    let sent = update(&mut to_alice, sent_of).await?;
    server.stop().await?;

    // What a clean stop leaves must not need what a crash may take.
    disk.crash(1);
    let server = serving(disk.mount(), options()).await?;
    let (status, page) = get(&server, "bob", &format!("/v1/chats/{}/messages", sent.chat)).await?;
    ensure!(status == 200 && page["messages"][0]["text"] == "still there?", "{page}");
    let (_, chats) = get(&server, "bob", "/v1/chats").await?;
    ensure!(chats["chats"][0]["unread"] == 1, "{chats}");
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_ends_a_life_and_the_next_one_serves() -> Result<()> {
    let disk = CrashDisk::new();
    let (server, alice, mut to_alice) = after_a_message(&disk).await?;
    let bob = UserId::new("bob")?;

    disk.fail_sync(1);
    update(&mut to_alice, |update| matches!(update, Update::Disconnected { .. }).then_some(())).await?;
    alice.send(Draft::text(bob, "after")).await?;
    ensure!(update(&mut to_alice, sent_of).await?.seq == Seq(2));
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_and_service_returns_with_room() -> Result<()> {
    let disk = CrashDisk::new();
    let (server, alice, mut to_alice) = after_a_message(&disk).await?;
    let bob = UserId::new("bob")?;

    disk.set_room(disk.used_bytes());
    // The log has made some room beforehand.
    let mut sent = 1;
    loop {
        alice.send(Draft::text(bob.clone(), "x".repeat(32 * 1024))).await?;
        let is_kept = update(&mut to_alice, |update| match update {
            Update::Sent { .. } => Some(false),
            Update::Retrying(_) | Update::Delayed { .. } | Update::Disconnected { .. } => Some(true),
            _ => None,
        });
        if is_kept.await? {
            break;
        }
        sent += 1;
        ensure!(sent < 100, "messages were sent that the disk has no room for");
    }
    let (status, why) = loop {
        let (status, why) = get(&server, "alice", "/ready").await?;
        if status == 503 {
            break (status, why);
        }
        tokio::task::yield_now().await;
    };
    ensure!(status == 503 && why["waiting"].to_string().contains("the disk is full: make room"), "{why}");

    disk.set_room(u64::MAX);
    ensure!(update(&mut to_alice, sent_of).await?.seq == Seq(sent + 1));
    while get(&server, "alice", "/ready").await?.0 != 200 {
        tokio::task::yield_now().await;
    }
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_can_be_stopped_before_it_serves() -> Result<()> {
    let server = Server::start(CrashDisk::new().mount(), options(), Runtime::real()).await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_nothing_starts() -> Result<()> {
    let mut options = options();
    options.auth.secret = None;
    let disk = CrashDisk::new();
    let Err(error) = Server::start(disk.mount(), options, Runtime::real()).await else { bail!("it started") };
    ensure!(error.to_string().contains("auth.secret"), "{error}");
    ensure!(disk.used_bytes() == 0);
    Ok(())
}
