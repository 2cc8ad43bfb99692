//! Two processes of each role, of which one after the other dies under load and is started again at once.

mod pauses;
mod plan;

use std::path::Path;

use anyhow::{Context, bail};
use chasqui_oracle::Evidence;
use chasqui_tests::{
    dice::{self, Dice},
    servers::{Place, Servers},
};

use crate::{
    cast::Cast,
    end, fold,
    history::Known,
    judge,
    load::{Load, Progress},
    plan::Death,
};
pub(crate) use pauses::Report;
use pauses::Stopwatch;
use plan::Round;

/// Kills them all; the report tells what that cost, however it ends.
pub(crate) async fn run(seed: u64, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let mut dice = Dice::new(seed);
    let mut servers = Servers::new(Place::Cluster, folder, &[])?;
    let addresses = servers.start(None).await?;
    servers.stay_at(&addresses);
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut cast = Cast::gather(folder, &addresses).await?;

    let mut load = Load::start(cast.take_writers(), &cast.pulse, &mut dice);
    let mut evidence = Evidence::default();
    let ended = match kill_one_after_the_other(&mut servers, &addresses, &mut load, &mut dice, report).await {
        Ok(()) => end::come_to_rest(&addresses, &mut cast, load, &mut evidence).await,
        Err(error) => Err(error),
    };
    judge(folder, &cast, &mut evidence, ended)?;
    // Nobody may have warned of anything: a dead owner is at work no more when another takes over, and a gateway is back
    // long before its lease lapses.
    servers.stop().await?;
    fold::is_what_commands_give(servers.options(), &evidence.served)
}

async fn kill_one_after_the_other(
    servers: &mut Servers,
    gateways: &[String],
    load: &mut Load,
    dice: &mut Dice,
    report: &mut Report,
) -> anyhow::Result<()> {
    let repetitions = if dice::is_soak() { 10 } else { 1 };
    let stopwatch = Stopwatch::start(&load.progress);
    for round in (0..repetitions).flat_map(|_| plan::rounds(dice)).collect::<Vec<_>>() {
        let progress = load.progress.clone();
        let lived_on = tokio::select! {
            lived_on = live_on(servers, gateways, &round, &progress) => lived_on,
            failed = load.failed() => Err(failed),
        };
        lived_on.with_context(|| format!("in the round {round:?}"))?;
        report.add(&round, stopwatch.take());
    }
    Ok(())
}

/// One dies; the others and its successor make up for it.
async fn live_on(servers: &mut Servers, gateways: &[String], round: &Round, progress: &Progress) -> anyhow::Result<()> {
    die(servers, round, progress).await?;
    let known = Known::of(&progress.journals);
    servers.start_again(round.role, round.number, None)?.ready().await?;
    for gateway in gateways {
        known.is_served(gateway).await?;
    }
    // Twice: what was sent meanwhile has waited for as long, and belongs to this round as well.
    progress.wait_for_outcomes().await?;
    progress.wait_for_outcomes().await
}

async fn die(servers: &mut Servers, round: &Round, progress: &Progress) -> anyhow::Result<()> {
    let Round { role, number, death } = *round;
    let accepted = progress.accepted();
    match death {
        Death::At(kill_at) => {
            // Only when it starts can it be told where to die. That belongs to the round, and to its pauses.
            let server = servers.one(role, number)?;
            server.stop_complaining().await?;
            server.complaints()?;
            servers.start_again(role, number, Some(kill_at))?.died().await?;
        }
        Death::FromOutside { after } => {
            progress.wait_for_accepted(accepted + after).await?;
            servers.one(role, number)?.kill().await?;
        }
        Death::Stopped { after } => {
            progress.wait_for_accepted(accepted + after).await?;
            servers.one(role, number)?.stop_complaining().await?;
        }
        Death::Starting(point) => bail!("nobody is to die at {point} while it starts"),
    }
    servers.one(role, number)?.complaints()
}
