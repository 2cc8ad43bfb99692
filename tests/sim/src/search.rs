//! Looks for seeds that fail, and makes their plans smaller.

use std::{fs, path::Path};

use anyhow::Context;
use proptest::strategy::ValueTree;

use crate::{
    plan::{self, Plan},
    run::{Outcome, run},
};

/// How many plans are tried to make one smaller.
const SHRINK_RUNS_MAX: usize = 2_000;

/// A seed that fails.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What it breaks.
    pub outcome: Outcome,
}

/// Runs seeds until one fails. `done` is told of every run.
pub fn search(seeds: impl IntoIterator<Item = u64>, mut done: impl FnMut(u64, &Outcome)) -> Option<Failure> {
    seeds.into_iter().find_map(|seed| {
        let outcome = run(&Plan::of(seed), false);
        done(seed, &outcome);
        (!outcome.violations.is_empty()).then_some(Failure { seed, outcome })
    })
}

/// Makes the plan of a seed as small as can be, so that it still breaks the promise that the seed breaks first.
#[must_use]
pub fn shrink(seed: u64) -> Plan {
    let (_, mut tree) = plan::tree(seed);
    let promise = promises(&run(&tree.current(), false)).into_iter().next();
    let mut smallest = tree.current();
    for _ in 0..SHRINK_RUNS_MAX {
        let fails = promises(&run(&tree.current(), false)).into_iter().next() == promise;
        if fails {
            smallest = tree.current();
        }
        if !(if fails { tree.simplify() } else { tree.complicate() }) {
            break;
        }
    }
    smallest
}

/// The names of the promises that were broken.
fn promises(outcome: &Outcome) -> Vec<String> {
    outcome.violations.iter().map(|what| what.split(':').next().unwrap_or_default().to_owned()).collect()
}

/// Runs a plan; what it breaks and the trace of it are the error.
///
/// # Errors
/// When it breaks a promise.
pub fn check(plan: &Plan) -> anyhow::Result<()> {
    let outcome = run(plan, false);
    if outcome.violations.is_empty() {
        return Ok(());
    }
    let trace = run(plan, true).trace;
    let plan = serde_json::to_string_pretty(plan)?;
    anyhow::bail!("{}\n\n{plan}\n\n{}", trace.join("\n"), outcome.violations.join("\n"))
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
