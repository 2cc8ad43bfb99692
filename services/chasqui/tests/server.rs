//! The joined process, on a disk in memory: what users see of its lives.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use chasqui::{
    server::{Phase, Server},
    token,
};
use chasqui_client::{Client, Draft, Token, Update, Updates};
use chasqui_config::Options;
use chasqui_disk::Disk;
use chasqui_domain::{Seq, UserId};
use chasqui_runtime::Runtime;
use chasqui_testkit::CrashDisk;
use tokio::time::timeout;

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(60);

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
    let sent = update(&mut to_alice, |update| match update {
        Update::Sent { sent, .. } => Some(sent),
        _ => None,
    });
    let sent = sent.await?;
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
