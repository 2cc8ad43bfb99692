//! Thousands of runs that must hold, and those that once did not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{env, path::Path, thread, time::SystemTime};

use chasqui_sim::{Plan, Seeds, kept, run, search, show, shrink, shrink_while};

/// So many on every run of the tests: about a minute on two cores.
const SEEDS: u64 = 3_000;
/// So many in a soak: some hours. They are others every time.
const SEEDS_OF_A_SOAK: u64 = 2_000_000;

fn jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[test]
fn every_seed_holds() {
    let seeds = if env::var_os("CHASQUI_SOAK").is_some() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Seeds { from: now.as_secs() << 24, count: SEEDS_OF_A_SOAK, jobs: jobs(), all: false }
    } else {
        Seeds { from: 0, count: SEEDS, jobs: jobs(), all: false }
    };
    let found = search(&seeds, |_, _| {});
    let Some(failure) = found.failures.first() else {
        assert_eq!(found.done, seeds.count);
        return;
    };
    let (seed, plan) = (failure.seed, shrink(failure.seed));
    let (text, _) = show(&plan).unwrap();
    panic!(
        "seed {seed} fails:\n{}\n\nmade as small as can be:\n{text}\n\nkeep it: cargo run -p chasqui-sim -- shrink {seed} \
         --keep tests/sim/kept/NAME.json",
        failure.outcome.violations.join("\n")
    );
}

/// Each is what a bug looked like once it was made small.
#[test]
fn what_once_failed_holds() {
    let kept = kept(&Path::new(env!("CARGO_MANIFEST_DIR")).join("kept")).unwrap();
    assert!(!kept.is_empty());
    for (name, plan) in kept {
        let outcome = run(&plan, false);
        if !outcome.violations.is_empty() {
            panic!("{name} fails:\n{}", show(&plan).unwrap().0);
        }
    }
}

#[test]
fn a_seed_gives_the_same_run_every_time() {
    for seed in 0..20 {
        let [once, again] = [run(&Plan::of(seed), true), run(&Plan::of(seed), true)];
        assert_eq!((once.steps, once.messages, once.time), (again.steps, again.messages, again.time), "seed {seed}");
        assert_eq!(once.violations, again.violations, "seed {seed}");
        let differs = once.trace.iter().zip(&again.trace).find(|(one, other)| one != other);
        assert!(differs.is_none() && once.trace.len() == again.trace.len(), "seed {seed}: {differs:?}");
        let untraced = run(&Plan::of(seed), false);
        assert_eq!((once.steps, once.time), (untraced.steps, untraced.time), "looking changes nothing");
    }
}

#[test]
fn a_plan_is_made_small() {
    let seed = (0..).find(|seed| run(&Plan::of(*seed), false).messages > 20).unwrap();
    let (whole, small) = (Plan::of(seed), shrink_while(seed, |outcome| outcome.messages > 2));
    assert!(run(&small, false).messages > 2);
    assert!(small.faults.is_empty() && small.acts.len() <= 3 && small.acts.len() < whole.acts.len(), "{small:?}");
    assert_eq!((small.shape.users, small.shape.devices, small.shape.gateways, small.noise.fails), (2, 1, 1, 0));
}
