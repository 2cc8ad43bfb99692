//! The roles are ahead of the log's disk, and nobody outside notices.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use chasqui_client::Draft;
use chasqui_domain::UserId;
use chasqui_testkit::{Brake, CountedDisk, CrashDisk};
use tokio::time::timeout;

use crate::{
    bench::{client, get, options, sent_of, serving, update},
    metrics::{metrics_of, value},
};

/// How long nothing must happen. Whatever is not held up takes a small part of it.
const HELD: Duration = Duration::from_millis(500);

/// How often the store is flushed meanwhile, if nothing holds that up.
const FLUSH_EVERY_MS: u64 = 20;

const DECIDED: &str = "chasqui_role_done{role=\"sequencer\",partition=\"0\"}";
const FLUSHES: &str = "chasqui_store_flush_duration_seconds_count";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_the_process_before_the_log_is_synced() -> Result<()> {
    let (disk, brake) = (CrashDisk::new(), Arc::new(Brake::default()));
    let log = options().data.join("log");
    let held_up = brake.clone();
    let braked = CountedDisk::new(disk.mount(), move |_, path| {
        if path.starts_with(&log) {
            held_up.pass();
        }
    });
    let mut quick = options();
    quick.store.flush_interval_ms = FLUSH_EVERY_MS;
    let server = serving(Arc::new(braked), quick).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    let bob = UserId::new("bob")?;
    alice.send(Draft::text(bob.clone(), "durable")).await?;
    let chat = update(&mut to_alice, sent_of).await?.chat;
    let decided = value(&metrics_of(&server).await?, DECIDED)?;

    brake.pull();
    alice.send(Draft::text(bob, "ahead")).await?;
    while value(&metrics_of(&server).await?, DECIDED)? <= decided {
        tokio::task::yield_now().await;
    }
    let flushes = value(&metrics_of(&server).await?, FLUSHES)?;
    let history = format!("/v1/chats/{chat}/messages");
    ensure!(timeout(HELD, get(&server, "bob", &history)).await.is_err(), "a row was told that a crash can take back");
    ensure!(timeout(HELD, update(&mut to_alice, sent_of)).await.is_err(), "it is not sent yet");
    // One may have been under way.
    let flushed = value(&metrics_of(&server).await?, FLUSHES)? - flushes;
    ensure!(flushed <= 1.0, "the store was flushed {flushed} times, and is ahead of the log for good");

    disk.crash(7);
    brake.release();
    // It ends with its disk, or can't, which is the same.
    drop(server.stop().await);
    let server = serving(disk.mount(), options()).await?;
    let (status, page) = get(&server, "bob", &history).await?;
    let texts: Vec<_> = page["messages"].as_array().context("messages")?.iter().map(|it| &it["text"]).collect();
    ensure!(status == 200 && texts == ["durable"], "{page}");
    Ok(server.stop().await?)
}
