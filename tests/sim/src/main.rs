//! Runs the simulation by hand.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::Context;
use chasqui_sim::{
    Plan, Seeds,
    mutants::{self, Mutants},
    search, show, shrink,
};
use clap::{Args, Parser, Subcommand};

/// Runs the whole of Chasqui in a simulation: people write, things go wrong, and an oracle judges.
#[derive(Parser)]
#[command(after_help = "Examples:\n  chasqui-sim search --seeds 10000\n  chasqui-sim show 4711\n  \
                        chasqui-sim shrink 4711 --keep tests/sim/kept/a_name.json\n  chasqui-sim mutants --only 'dedupe off'")]
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
    /// Make the plan of a seed that fails as small as can be, and show it.
    Shrink {
        /// The seed.
        seed: u64,
        /// Where to keep the plan, to be run by the tests from now on.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Break the product on purpose, one place at a time, and see whether a seed notices.
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
    jobs: usize,
    /// Go on behind a seed that fails.
    #[arg(long)]
    all: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Search(search) => Ok(look(&search)),
        Command::Show { what } => {
            let plan = match what.parse() {
                Ok(seed) => Plan::of(seed),
                Err(_) => {
                    let file = std::fs::read(&what).with_context(|| format!("{what} is neither a seed nor a file"))?;
                    serde_json::from_slice(&file).with_context(|| format!("{what} holds no plan of today"))?
                }
            };
            let (text, outcome) = show(&plan)?;
            say(&text);
            Ok(code(outcome.violations.is_empty()))
        }
        Command::Shrink { seed, keep } => {
            let plan = shrink(seed);
            let (text, outcome) = show(&plan)?;
            say(&text);
            if outcome.violations.is_empty() {
                say(&format!("seed {seed} breaks nothing: there is nothing to make smaller"));
            } else if let Some(path) = keep {
                let text = serde_json::to_string_pretty(&plan)? + "\n";
                std::fs::write(&path, text).with_context(|| format!("{} is written", path.display()))?;
            }
            Ok(code(!outcome.violations.is_empty()))
        }
        Command::Mutants(options) => Ok(code(mutants::run(&options, say, note)?)),
    }
}

fn look(options: &Search) -> ExitCode {
    let &Search { from, seeds: count, jobs, all } = options;
    let (began, done, is_watched) = (Instant::now(), AtomicU64::new(0), std::io::stderr().is_terminal());
    let found = search(&Seeds { from, count, jobs, all }, |seed, outcome| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if !outcome.violations.is_empty() {
            say(&format!("seed {seed} fails:\n  {}", outcome.violations.join("\n  ")));
        }
        if is_watched && done % 100 == 0 {
            let _ = write!(std::io::stderr(), "\r{done} of {count} seeds");
        }
    });
    let (failed, steps, took) = (found.failures.len(), found.steps, began.elapsed());
    say(&format!("{} seeds, {failed} fail, {steps} steps, {took:.1?}", found.done));
    if let Some(failure) = found.failures.first() {
        say(&format!("see what happens: chasqui-sim shrink {}", failure.seed));
    }
    code(failed == 0)
}

/// Progress goes beside the results.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn code(is_well: bool) -> ExitCode {
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(text: &str) {
    // Whoever reads no further has seen enough.
    let _ = writeln!(std::io::stdout(), "{text}");
}
