//! A server on a disk in memory, and clients.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use chasqui::{
    server::{Phase, Server},
    token::{self, WriteTo},
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
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn options() -> Options {
    let mut options = Options::default().dev();
    options.listen = "127.0.0.1:0".to_owned();
    options.data = PathBuf::from("/data");
    options.gateway.drain_ms = 1_000;
    options
}

pub(crate) async fn serving(disk: Arc<dyn Disk>, options: Options) -> Result<Server> {
    let server = Server::start(disk, options, Runtime::real()).await?;
    reach(&server, |phase| *phase == Phase::Serving).await?;
    Ok(server)
}

pub(crate) async fn reach(server: &Server, phase: impl FnMut(&Phase) -> bool) -> Result<Phase> {
    let mut phases = server.phase();
    let reached = timeout(PATIENCE, phases.wait_for(phase)).await.context("the server doesn't come that far")??;
    Ok(reached.clone())
}

pub(crate) async fn client(server: &Server, user: &str) -> Result<(Client, Updates)> {
    let token =
        token::mint(&Options::default().dev(), &UserId::new(user)?, Duration::from_secs(3600), WriteTo::Everybody)?;
    let url = format!("ws://{}/v1/socket", server.address());
    Ok(Client::connect(chasqui_client::Options::new(url, Token(token))).await?)
}

/// The first update that `pick` wants; those before it are passed over.
pub(crate) async fn update<T>(updates: &mut Updates, mut pick: impl FnMut(Update) -> Option<T>) -> Result<T> {
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

pub(crate) fn sent_of(update: Update) -> Option<Sent> {
    match update {
        Update::Sent { sent, .. } => Some(sent),
        _ => None,
    }
}

pub(crate) fn text_of(update: Update) -> Option<(Seq, String)> {
    match update {
        Update::Message(message) => Some((message.seq, message.text.unwrap_or_default())),
        _ => None,
    }
}

/// The status and the body of an answer over HTTP.
pub(crate) async fn get(server: &Server, user: &str, path: &str) -> Result<(u16, serde_json::Value)> {
    let token =
        token::mint(&Options::default().dev(), &UserId::new(user)?, Duration::from_secs(3600), WriteTo::Everybody)?;
    let url = format!("http://{}{path}", server.address());
    let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

/// A server, and alice, whose first message to bob was sent.
pub(crate) async fn after_a_message(disk: &CrashDisk) -> Result<(Server, Client, Updates)> {
    let server = serving(disk.mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    alice.send(Draft::text(UserId::new("bob")?, "before")).await?;
    update(&mut to_alice, sent_of).await?;
    Ok((server, alice, to_alice))
}
