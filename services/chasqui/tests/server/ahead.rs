//! The roles are ahead of the log's disk, and nobody outside notices.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use chasqui::server::Server;
use chasqui_client::{Client, Draft, Updates};
use chasqui_domain::UserId;
use chasqui_testkit::{Brake, CountedDisk, CrashDisk};
use tokio::time::timeout;

use crate::{
    bench::{client, get, options, sent_of, serving, update},
    metrics::{metrics_of, value},
};

/// How long nothing must happen. Whatever is not held up takes a small part of it.
const HELD: Duration = Duration::from_millis(500);

const DECIDED: &str = "chasqui_role_done{role=\"sequencer\",partition=\"0\"}";
const FLUSHES: &str = "chasqui_store_flush_duration_seconds_count";

/// A server whose log can't be synced from when the brake is pulled, and Alice, who has sent a message before.
struct Braked {
    disk: CrashDisk,
    brake: Arc<Brake>,
    server: Server,
    alice: Client,
    to_alice: Updates,
    history: String,
}

impl Braked {
    async fn serving(flush_interval_ms: u64) -> Result<Self> {
        let (disk, brake) = (CrashDisk::new(), Arc::new(Brake::default()));
        let (log, held_up) = (options().data.join("log"), brake.clone());
        let braked = CountedDisk::new(disk.mount(), move |_, path| {
            if path.starts_with(&log) {
                held_up.pass();
            }
        });
        let mut given = options();
        given.store.flush_interval_ms = flush_interval_ms;
        let server = serving(Arc::new(braked), given).await?;
        let (alice, mut to_alice) = client(&server, "alice").await?;
        alice.send(Draft::text(UserId::new("bob")?, "durable")).await?;
        let chat = update(&mut to_alice, sent_of).await?.chat;
        let history = format!("/v1/chats/{chat}/messages");
        Ok(Self { disk, brake, server, alice, to_alice, history })
    }

    /// Sends a message that is decided, and written to the store, when this is over.
    async fn decide(&self) -> Result<()> {
        let decided = value(&metrics_of(&self.server).await?, DECIDED)?;
        self.alice.send(Draft::text(UserId::new("bob")?, "ahead")).await?;
        while value(&metrics_of(&self.server).await?, DECIDED)? <= decided {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_what_the_log_has_not_synced() -> Result<()> {
    // A flush would wait for the log, and so would whoever reads behind it.
    let mut all = Braked::serving(3_600_000).await?;
    let brake = all.brake.clone();
    let pulled = brake.pull();
    all.decide().await?;
    let asked = timeout(HELD, get(&all.server, "bob", &all.history)).await;
    ensure!(asked.is_err(), "a row was told that a crash can take back: {asked:?}");
    let sent = timeout(HELD, update(&mut all.to_alice, sent_of)).await;
    ensure!(sent.is_err(), "it is not sent yet");

    all.disk.crash(7);
    drop(pulled);
    // It ends with its disk, or can't, which is the same.
    drop(all.server.stop().await);
    let server = serving(all.disk.mount(), options()).await?;
    let (status, page) = get(&server, "bob", &all.history).await?;
    let texts: Vec<_> = page["messages"].as_array().context("messages")?.iter().map(|it| &it["text"]).collect();
    ensure!(status == 200 && texts == ["durable"], "{page}");
    Ok(server.stop().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_not_flushed_before_the_log_is_synced() -> Result<()> {
    let all = Braked::serving(20).await?;
    let brake = all.brake.clone();
    let pulled = brake.pull();
    all.decide().await?;
    let flushes = value(&metrics_of(&all.server).await?, FLUSHES)?;
    let flushed = async {
        // One may have been under way.
        while value(&metrics_of(&all.server).await?, FLUSHES)? <= flushes + 1.0 {
            tokio::task::yield_now().await;
        }
        Ok::<_, anyhow::Error>(())
    };
    ensure!(timeout(HELD, flushed).await.is_err(), "the store was flushed, and is ahead of the log for good");
    drop(pulled);
    Ok(all.server.stop().await?)
}
