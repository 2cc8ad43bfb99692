//! Runs the simulation by hand.

use std::{
    io::Write,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::Context;
use chasqui_sim::{
    Plan,
    mutants::{self, Mutants},
    run, search, shrink,
};
use clap::{Args, Parser, Subcommand};

/// Runs the whole of Chasqui in a simulation: people write, things go wrong, and an oracle judges.
#[derive(Parser)]
#[command(after_help = "Examples:\n  chasqui-sim search --seeds 10000\n  chasqui-sim show 4711\n  \
                        chasqui-sim shrink 4711 --keep tests/sim/kept/a_name.json")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run seeds until one fails.
    Search(Search),
    /// Run a seed, or a plan from a file, and show all that happens.
    Show {
        /// The seed, or the file.
        what: String,
    },
    /// Make the plan of a seed that fails as small as can be.
    Shrink {
        /// The seed.
        seed: u64,
        /// Where to keep the plan, to be run by the tests from now on.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Break the product on purpose, one line at a time, and see whether a seed notices.
    Mutants(Mutants),
}

#[derive(Args)]
struct Search {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// How many threads run seeds; each run has one.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Go on behind a seed that fails.
    #[arg(long)]
    all: bool,
    /// Pass over seeds that break nothing but this.
    #[arg(long)]
    despite: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Search(search) => Ok(look(&search)),
        Command::Show { what } => show(&what),
        Command::Shrink { seed, keep } => {
            let plan = shrink(seed);
            let text = serde_json::to_string_pretty(&plan)?;
            let outcome = run(&plan, true);
            say(&outcome.trace.join("\n"));
            say(&outcome.violations.join("\n"));
            say(&text);
            if let Some(path) = keep {
                std::fs::write(&path, text + "\n").with_context(|| format!("{} is written", path.display()))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Mutants(options) => {
            let all_found = mutants::run(&options, say, note)?;
            Ok(if all_found { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn look(options: &Search) -> ExitCode {
    let (began, done, failed, steps) = (Instant::now(), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let next = AtomicU64::new(options.from);
    let end = options.from.saturating_add(options.seeds);
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || (failed.load(Ordering::Relaxed) > 0 && !options.all) {
            return;
        }
        let found = search([seed], |_, outcome| {
            done.fetch_add(1, Ordering::Relaxed);
            steps.fetch_add(outcome.steps, Ordering::Relaxed);
        });
        let counts = |what: &String| options.despite.iter().all(|promise| !what.starts_with(promise));
        let violations: Vec<_> =
            found.into_iter().flat_map(|failure| failure.outcome.violations).filter(counts).collect();
        if !violations.is_empty() {
            failed.fetch_add(1, Ordering::Relaxed);
            say(&format!("seed {seed} fails:\n  {}", violations.join("\n  ")));
        }
    };
    std::thread::scope(|scope| (0..options.jobs.max(1)).for_each(|_| drop(scope.spawn(work))));
    let (done, failed) = (done.into_inner(), failed.into_inner());
    say(&format!("{done} seeds, {failed} fail, {} steps, {:.1?}", steps.into_inner(), began.elapsed()));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(what: &str) -> anyhow::Result<ExitCode> {
    let plan = match what.parse() {
        Ok(seed) => Plan::of(seed),
        Err(_) => serde_json::from_slice(&std::fs::read(what).with_context(|| format!("{what} is read"))?)?,
    };
    let outcome = run(&plan, true);
    say(&serde_json::to_string_pretty(&plan)?);
    say(&outcome.trace.join("\n"));
    say(&outcome.violations.join("\n"));
    say(&format!("{} steps, {} messages, {:?}", outcome.steps, outcome.messages, outcome.time));
    Ok(if outcome.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(text: &str) {
    // Whoever reads no further has seen enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[expect(clippy::print_stderr, reason = "this is how far the program is")]
fn note(text: &str) {
    eprintln!("{text}");
}
