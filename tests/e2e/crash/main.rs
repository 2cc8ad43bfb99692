//! Kills the real server again and again, at every place where that could hurt, while devices write, read and come
//! back. In the end nothing may be lost, doubled or out of order, and the recorded commands, decided from nothing by
//! another process, must give what is written and served.
//!
//! The same with two processes of each role on Kafka and CQL, of which one after the other dies; what it costs clients
//! in time is shown.
//!
//! `CHASQUI_SEED` replays the plan of a run; `CHASQUI_SOAK=1` runs many more rounds.

mod cast;
mod cluster;
mod end;
mod fold;
mod history;
mod load;
mod plan;

use std::{fs, path::Path};

use anyhow::{Context, bail, ensure};
use chasqui_oracle::Evidence;
use chasqui_tests::{
    dice::{self, Dice, SEED_VARIABLE},
    folder::Folder,
    process::{Server, Setup},
};

use cast::Cast;
use history::Known;
use load::{Load, Progress};
use plan::{Death, Round};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_cost_nothing_but_time() -> anyhow::Result<()> {
    with_seed(run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_of_any_role_cost_nothing_but_time() -> anyhow::Result<()> {
    let mut report = cluster::Report::default();
    let ended = with_seed(async |seed, folder| cluster::run(seed, folder, &mut report).await).await;
    eprint!("{report}");
    ended
}

/// Runs one of them on a seed, in a folder that stays when it fails.
async fn with_seed(run: impl AsyncFnOnce(u64, &Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (seed, folder) = (dice::seed()?, Folder::new("crash")?);
    let kept = format!("{SEED_VARIABLE}={seed} replays the plan; the files are kept in {}", folder.path().display());
    run(seed, folder.path()).await.context(kept)?;
    folder.remove()
}

async fn run(seed: u64, folder: &Path) -> anyhow::Result<()> {
    let mut dice = Dice::new(seed);
    // Small segments, so that recovery finds several.
    let mut setup = Setup::new(folder, &["log.segment_bytes=1048576"]);
    let mut server = Server::start(&setup, None)?;
    setup.listen = server.ready().await?;
    let mut cast = Cast::gather(folder, std::slice::from_ref(&setup.listen)).await?;
    server.stop().await?;

    let mut load = Load::start(cast.take_writers(), &cast.pulse, &mut dice);
    let mut evidence = Evidence::default();
    let ended = match kill_again_and_again(&setup, &mut load, &mut dice).await {
        Ok(()) => end::end(&setup, &mut cast, load, &mut evidence).await,
        Err(error) => Err(error),
    };
    judge(folder, &cast, &mut evidence, ended)?;
    fold::is_what_commands_give(&[format!("data={}", setup.data.display())], &evidence.served)
}

/// Judges what the devices saw and are served. Whatever went wrong: what they saw may tell more.
fn judge(folder: &Path, cast: &Cast, evidence: &mut Evidence, ended: anyhow::Result<()>) -> anyhow::Result<()> {
    evidence.transcripts = cast.transcripts();
    fs::write(folder.join("evidence.json"), serde_json::to_vec_pretty(evidence)?)?;
    let judged = chasqui_oracle::judge(evidence);
    if let Err(error) = ended {
        // Behind a failure much is unfinished, so this is a hint and no judgement.
        bail!("{error:#}\n\nwhat the devices saw by then: {judged:?}");
    }
    Ok(judged?)
}

async fn kill_again_and_again(setup: &Setup, load: &mut Load, dice: &mut Dice) -> anyhow::Result<()> {
    let repetitions = if dice::is_soak() { 10 } else { 1 };
    for round in (0..repetitions).flat_map(|_| plan::rounds(dice)).collect::<Vec<_>>() {
        let killed = kill(setup, load, &round).await;
        killed.with_context(|| format!("in the round {round:?}"))?;
    }
    Ok(())
}

/// A life of the server under load.
async fn kill(setup: &Setup, load: &mut Load, round: &Round) -> anyhow::Result<()> {
    let mut setup = setup.clone();
    setup.options.push(format!("store.flush_interval_ms={}", round.flush_interval_ms));
    load.want_new_chats(round.death.needs_new_chats());
    let progress = load.progress.clone();
    let server = Server::start(&setup, round.death.kill_at())?;
    tokio::select! {
        died = die(server, round.death, &progress) => died,
        failed = load.failed() => bail!(failed),
    }
}

async fn die(mut server: Server, death: Death, progress: &Progress) -> anyhow::Result<()> {
    let (accepted, known) = (progress.accepted(), Known::of(&progress.journals));
    if let Death::FromOutside { after } | Death::Stopped { after } = death {
        known.is_served(&server.ready().await?).await?;
        progress.wait_for_accepted(accepted + after).await?;
    }
    match death {
        Death::At(_) => server.died().await?,
        Death::Starting(_) => {
            server.died().await?;
            ensure!(!server.was_ready(), "the server took sessions before it died");
        }
        Death::FromOutside { .. } => server.kill().await?,
        Death::Stopped { .. } => return server.stop().await,
    }
    server.complaints()
}
