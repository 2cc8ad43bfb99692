//! The joined process, on a disk in memory: what users see of its lives.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use chasqui::{
    server::{Error, Phase, Server},
    token,
};
use chasqui_client::{Client, Draft, Token, Update, Updates};
use chasqui_config::Options;
use chasqui_disk::Disk;
use chasqui_domain::{Seq, UserId};
use chasqui_runtime::Runtime;
use chasqui_testkit::CrashDisk;
use chasqui_wire::frames::Sent;
use tokio::time::timeout;

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first segment of a log.
const FIRST: &str = "00000000000000000000.segment";

fn options() -> Options {
    let mut options = Options::default().dev();
    options.listen = "127.0.0.1:0".to_owned();
    options.data = PathBuf::from("/data");
    options.gateway.drain_ms = 1_000;
    options
}

async fn serving(disk: Arc<dyn Disk>, options: Options) -> Result<Server> {
    let server = Server::start(disk, options, Runtime::real()).await?;
    reach(&server, |phase| *phase == Phase::Serving).await?;
    Ok(server)
}

async fn reach(server: &Server, phase: impl FnMut(&Phase) -> bool) -> Result<Phase> {
    let mut phases = server.phase();
    let reached = timeout(PATIENCE, phases.wait_for(phase)).await.context("the server doesn't come that far")??;
    Ok(reached.clone())
}

async fn client(server: &Server, user: &str) -> Result<(Client, Updates)> {
    let token = token::mint(&Options::default().dev(), &UserId::new(user)?, Duration::from_secs(3600))?;
    let url = format!("ws://{}/v1/socket", server.address());
    Ok(Client::connect(chasqui_client::Options { url, token: Token(token), device: None, state: None }).await?)
}

/// The first update that `pick` wants; those before it are passed over.
async fn update<T>(updates: &mut Updates, mut pick: impl FnMut(Update) -> Option<T>) -> Result<T> {
    let picked = async {
        while let Some(update) = updates.next().await {
            if let Some(picked) = pick(update) {
                return Ok(picked);
            }
        }
        bail!("the client has ended")
    };
    timeout(PATIENCE, picked).await.context("the update doesn't come")?
}

fn sent_of(update: Update) -> Option<Sent> {
    match update {
        Update::Sent { sent, .. } => Some(sent),
        _ => None,
    }
}

fn text_of(update: Update) -> Option<(Seq, String)> {
    match update {
        Update::Message(message) => Some((message.seq, message.text.unwrap_or_default())),
        _ => None,
    }
}

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

/// The status and the body of an answer over HTTP.
async fn get(server: &Server, user: &str, path: &str) -> Result<(u16, serde_json::Value)> {
    let token = token::mint(&Options::default().dev(), &UserId::new(user)?, Duration::from_secs(3600))?;
    let url = format!("http://{}{path}", server.address());
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
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
    ensure!(chats["chats"][0]["unread"] == 1 || chats["chats"][0]["unread"] == "1", "{chats}");
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_ends_a_life_and_the_next_one_serves() -> Result<()> {
    let disk = CrashDisk::new();
    let server = serving(disk.mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    let bob = UserId::new("bob")?;
    alice.send(Draft::text(bob.clone(), "before")).await?;
    update(&mut to_alice, sent_of).await?;

    disk.fail_sync(1);
    let mut phases = server.phase();
    timeout(PATIENCE, phases.wait_for(|phase| *phase != Phase::Serving)).await.context("no sync failed")??;
    alice.send(Draft::text(bob, "after")).await?;
    ensure!(update(&mut to_alice, sent_of).await?.seq == Seq(2));
    ensure!(*phases.borrow_and_update() == Phase::Serving);
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_and_service_returns_with_room() -> Result<()> {
    let disk = CrashDisk::new();
    let server = serving(disk.mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    let bob = UserId::new("bob")?;
    alice.send(Draft::text(bob.clone(), "before")).await?;
    update(&mut to_alice, sent_of).await?;

    disk.set_room(disk.used_bytes());
    alice.send(Draft::text(bob, "x".repeat(32 * 1024))).await?;
    let kept = update(&mut to_alice, |update| match update {
        Update::Sent { .. } => Some(false),
        Update::Retrying(_) | Update::Delayed { .. } | Update::Disconnected { .. } => Some(true),
        _ => None,
    });
    ensure!(kept.await?, "a message was sent that the disk has no room for");
    let (status, why) = loop {
        let (status, why) = get(&server, "alice", "/ready").await?;
        if status == 503 {
            break (status, why);
        }
        tokio::task::yield_now().await;
    };
    ensure!(status == 503 && why["waiting"].to_string().contains("the disk is full: make room in"), "{why}");

    disk.set_room(u64::MAX);
    ensure!(update(&mut to_alice, sent_of).await?.seq == Seq(2));
    while get(&server, "alice", "/ready").await?.0 != 200 {
        tokio::task::yield_now().await;
    }
    server.stop().await?;
    Ok(())
}

/// The files of a folder, with what they hold.
fn files(disk: &dyn Disk, folder: &str) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for name in disk.list(Path::new(folder))? {
        let path = Path::new(folder).join(name);
        let file = disk.open(&path, false)?;
        let mut bytes = vec![0; usize::try_from(file.size()?)?];
        file.read_exact_at(&mut bytes, 0)?;
        files.push((path, bytes));
    }
    Ok(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_from_before_the_store_ends_the_server() -> Result<()> {
    let disk = CrashDisk::new();
    serving(disk.mount(), options()).await?.stop().await?;
    let old_log = files(&*disk.mount(), "/data/log")?;
    let server = serving(disk.mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    alice.send(Draft::text(UserId::new("bob")?, "in a log that is lost")).await?;
    update(&mut to_alice, sent_of).await?;
    server.stop().await?;

    let mount = disk.mount();
    for (path, bytes) in old_log {
        let file = mount.open(&path, true)?;
        file.set_len(0)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
    }
    let mut server = Server::start(mount, options(), Runtime::real()).await?;
    let error = timeout(PATIENCE, server.ended()).await.context("it serves, or waits for ever")?;
    ensure!(matches!(error, Error::LogLost { .. }), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_without_work_does_not_hold_the_log_back() -> Result<()> {
    let disk = CrashDisk::new();
    let mut options = options();
    (options.log.segment_bytes, options.log.bytes_max) = (1 << 20, Some(2 << 20));
    options.store.flush_interval_ms = 20;
    let server = serving(disk.mount(), options).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    // One message in each of some chats, so that every partition has something to release, and many in one.
    for peer in 0..16 {
        alice.send(Draft::text(UserId::new(format!("peer-{peer}"))?, "once")).await?;
        update(&mut to_alice, sent_of).await?;
    }
    for _ in 0..80 {
        alice.send(Draft::text(UserId::new("bob")?, "x".repeat(32 * 1024))).await?;
        update(&mut to_alice, sent_of).await?;
    }
    let first_is_gone = async {
        while disk.mount().list(Path::new("/data/log")).is_ok_and(|names| names.iter().any(|name| name == FIRST)) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, first_is_gone).await.context("the first segment is kept")?;
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
