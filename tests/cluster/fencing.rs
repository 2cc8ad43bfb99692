//! Former owners wake when their partition, or their id, has long been somebody else's. What they do then reaches the
//! store and the topics, and changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program: helpers fail the test by panicking")]

mod stage;

use std::time::Duration;

use anyhow::{bail, ensure};
use chasqui_tests::process::Role;

use stage::{BATCHES_BEFORE, CheckpointRow, Stage};

/// How often both write while somebody sleeps.
const TALKS: u64 = 5;

/// A sequencer stands still with a batch that it has decided, until another has decided that batch and more. What it then
/// writes arrives, and the rows are as they were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequencer_that_wakes_late_changes_nothing() -> anyhow::Result<()> {
    let mut stage = Stage::set().await;
    // Behind the first message it holds the chat, and writes without another look at the store.
    let stop_at = format!("sequencer::after_read={}", BATCHES_BEFORE + 1);
    let former = stage.start(Role::Sequencer, Some(&stop_at))?;
    let other = stage.start(Role::Router, None)?;
    stage.ready(&[former, other]).await?;
    stage.open_town().await?;
    stage.write("the first").await?;
    stage.settled().await?;
    stage.write("the batch with which it stands still").await?;
    stage.server(former).stands_still().await?;

    let successor = stage.start(Role::Sequencer, None)?;
    stage.ready(&[successor]).await?;
    for number in 0..TALKS {
        stage.talk(&format!("{number} while it sleeps")).await?;
    }
    stage.quiet().await?;
    let (before, late) = (stage.dump().await, stage.statements(former));

    stage.server(former).wake()?;
    stage.until_statements(former, &late, &["put_event", "put_member", "put_offset"]).await?;
    let after = stage.dump().await;
    for (table, rows) in &before {
        ensure!(rows == &after[table], "{table} was {rows:?}, and is {:?}", after[table]);
    }
    stage.talk("behind what was late").await?;
    stage.end().await
}

/// A router stands still behind its pushes and before its checkpoint, until another has gone on. Its checkpoint arrives,
/// and no row of it is seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_wakes_late_moves_no_checkpoint() -> anyhow::Result<()> {
    let mut stage = Stage::set().await;
    let former = stage.start(Role::Router, Some("router::after_push=1"))?;
    let other = stage.start(Role::Sequencer, None)?;
    stage.ready(&[former, other]).await?;
    stage.open_town().await?;
    stage.write("the batch with which it stands still").await?;
    stage.server(former).stands_still().await?;

    let successor = stage.start(Role::Router, None)?;
    stage.ready(&[successor]).await?;
    for number in 0..TALKS {
        stage.talk(&format!("{number} while it sleeps")).await?;
    }
    stage.quiet().await?;
    let (before, late) = (stage.checkpoints().await, stage.statements(former));
    let [stands] = before.as_slice() else { bail!("only the successor's row stands: {before:?}") };

    stage.server(former).wake()?;
    stage.until_statements(former, &late, &["put_checkpoint"]).await?;
    let after = stage.checkpoints().await;
    // An ownership may have begun meanwhile where the successor stood; of those before there is nothing.
    let goes_on = |row: &CheckpointRow| row.term >= stands.term && row.value == stands.value;
    ensure!(!after.is_empty() && after.iter().all(goes_on), "the checkpoint was {stands:?}, and is {after:?}");
    stage.talk("behind what was late").await?;
    stage.end().await
}

/// A gateway stands still until another has its id and its users. When it wakes it ends, and nobody misses anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_wakes_beside_its_successor_ends() -> anyhow::Result<()> {
    let mut stage = Stage::set().await;
    let all = [stage.start(Role::Sequencer, None)?, stage.start(Role::Router, None)?];
    stage.ready(&all).await?;
    let former = stage.open_town().await?;
    stage.talk("before").await?;
    stage.server(former).stop_in_place()?;
    stage.server(former).stands_still().await?;

    let successor = stage.start(Role::Gateway, None)?;
    stage.move_town(successor).await?;
    for number in 0..TALKS {
        stage.talk(&format!("{number} while it sleeps")).await?;
    }
    stage.server(former).wake()?;
    stage.superseded(former).await?;
    // The successor goes on: nobody had to come back.
    tokio::time::timeout(Duration::from_secs(60), stage.talk("behind its end")).await??;
    stage.end().await
}
