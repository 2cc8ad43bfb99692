//! Looks for seeds that fail, and makes their plans smaller.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use anyhow::Context;
use parking_lot::Mutex;

use crate::{
    plan::Plan,
    run::{Outcome, run},
};

/// How often all is tried that could be left out.
const SHRINK_ROUNDS_MAX: usize = 3;
/// How many courses of events are tried of each plan: what is left out changes who runs next, and the bug may hide.
const SHRINK_COURSES: u64 = 4;

/// Which seeds to run.
#[derive(Debug, Clone, Copy)]
pub struct Seeds {
    /// The first.
    pub from: u64,
    /// How many.
    pub count: u64,
    /// How many threads run them; each run has one. At least 1.
    pub jobs: usize,
    /// Whether to go on behind one that fails.
    pub all: bool,
}

/// What became of them.
#[derive(Debug, Default)]
pub struct Found {
    /// How many were run.
    pub done: u64,
    /// How many steps tasks made in them.
    pub steps: u64,
    /// Those that failed, in ascending order of seed.
    pub failures: Vec<Failure>,
}

/// A seed that fails.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What it breaks.
    pub outcome: Outcome,
}

/// Runs seeds. `told` hears of every run, from several threads.
pub fn search(seeds: &Seeds, told: impl Fn(u64, &Outcome) + Sync) -> Found {
    let (next, end) = (AtomicU64::new(seeds.from), seeds.from.saturating_add(seeds.count));
    let (found, is_over) = (Mutex::new(Found::default()), AtomicBool::new(false));
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let outcome = run(&Plan::of(seed), false);
            told(seed, &outcome);
            let mut found = found.lock();
            found.done += 1;
            found.steps += outcome.steps;
            if !outcome.violations.is_empty() {
                found.failures.push(Failure { seed, outcome });
                is_over.fetch_or(!seeds.all, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..seeds.jobs.max(1) {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner();
    found.failures.sort_by_key(|failure| failure.seed);
    found
}

/// Makes the plan of a seed as small as can be, so that it still breaks the promise that the seed breaks first.
#[must_use]
pub fn shrink(seed: u64) -> Plan {
    let first = |outcome: &Outcome| outcome.promises().next().map(str::to_owned);
    let promise = first(&run(&Plan::of(seed), false));
    shrink_while(seed, |outcome| first(outcome) == promise)
}

/// Makes the plan of a seed as small as can be: fewer and less of everything, while `holds` says so of its run.
#[must_use]
pub fn shrink_while(seed: u64, holds: impl Fn(&Outcome) -> bool) -> Plan {
    let mut plan = Plan::of(seed);
    for _ in 0..SHRINK_ROUNDS_MAX {
        let before = plan.clone();
        let mut at = 0;
        // What was made smaller changes the rest, so they are counted anew each time.
        while let Some(smaller) = plan.smaller().get(at) {
            match courses(smaller).find(|plan| holds(&run(plan, false))) {
                Some(smaller) => plan = smaller,
                None => at += 1,
            }
        }
        if plan == before {
            break;
        }
    }
    plan
}

/// The same plan in several courses of events.
fn courses(plan: &Plan) -> impl Iterator<Item = Plan> {
    (0..SHRINK_COURSES).map(|number| Plan { seed: plan.seed.wrapping_add(number << 32), ..plan.clone() })
}

/// A run of a plan for people to read: the plan, what happened, and what is broken.
///
/// # Errors
/// When the plan can't be written.
pub fn show(plan: &Plan) -> anyhow::Result<(String, Outcome)> {
    let mut outcome = run(plan, true);
    let trace = std::mem::take(&mut outcome.trace).join("\n");
    let (steps, messages, time) = (outcome.steps, outcome.messages, outcome.time);
    let broken =
        if outcome.violations.is_empty() { "nothing is broken".to_owned() } else { outcome.violations.join("\n") };
    let plan = serde_json::to_string_pretty(plan)?;
    Ok((format!("{plan}\n\n{trace}\n\n{broken}\n{messages} messages, {steps} steps, {time:?}"), outcome))
}

/// The plans that once failed, with the names of their files.
///
/// # Errors
/// When one can't be read.
pub fn kept(folder: &Path) -> anyhow::Result<Vec<(String, Plan)>> {
    let mut kept = Vec::new();
    for file in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let path = file?.path();
        let plan = serde_json::from_slice(&fs::read(&path)?).with_context(|| format!("{}", path.display()))?;
        kept.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), plan));
    }
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(kept)
}
