//! The places where a test can make a sequencer fail. Run with the feature `failpoints`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

mod support;

use chasqui_domain::{Entry, Offset, Refusal};
use chasqui_store::Store;
use chasqui_wire::inbox::InboxRecord;
use fail::FailScenario;

use chasqui_testkit::Faults;
use chasqui_testkit::workload::{OF, mixed};
use support::{World, reached, undisturbed};

const STEPS: [&str; 4] =
    ["sequencer::after_read", "sequencer::after_rows", "sequencer::after_publish", "sequencer::after_commit"];

/// Runs sequencers, a new one after each that panics, until all is done; gives how many panicked.
async fn run(world: &World) -> usize {
    let mut panicked = 0;
    loop {
        let sequencer = world.sequencer();
        let progress = sequencer.progress();
        let mut running = tokio::spawn(sequencer.run());
        let end = world.end().await;
        tokio::select! {
            ended = &mut running => {
                assert!(ended.unwrap_err().is_panic());
                panicked += 1;
            }
            done = tokio::spawn(reached(progress, end)) => {
                if done.is_ok() {
                    running.abort();
                    return panicked;
                }
                // The sequencer went first.
                assert!(running.await.unwrap_err().is_panic());
                panicked += 1;
            }
        }
    }
}

#[tokio::test]
async fn a_crash_or_an_error_between_any_two_steps_changes_no_byte() {
    let scenario = FailScenario::setup();
    let workload = mixed();
    let whole = undisturbed(&workload).await;
    for (step, commit_batches_max) in STEPS.into_iter().flat_map(|step| [(step, 1), (step, 100)]) {
        for batch in [0, 1, 5] {
            for action in ["panic", "return"] {
                fail::cfg(step, &format!("{batch}*off->1*{action}->off")).unwrap();
                let mut world = World::new(&workload, Faults::none()).await;
                world.options.commit_batches_max = commit_batches_max;
                // All of them share one commit when as many as there are may share it.
                let comes = step != "sequencer::after_commit" || commit_batches_max == 1 || batch == 0;
                assert_eq!(run(&world).await, usize::from(action == "panic" && comes));
                let of = format!("{action} at {step}, batch {batch}, {commit_batches_max} to a commit");
                assert_eq!(world.outcome().await, whole, "{of}");
                fail::remove(step);
            }
        }
    }
    scenario.teardown();
}

#[tokio::test]
async fn a_command_that_panics_is_put_on_the_skip_list_and_refused() {
    let scenario = FailScenario::setup();
    let workload = mixed();
    // The first command of the second batch; the batch before it is committed by then.
    fail::cfg("sequencer::decide", "3*off->1*panic->off").unwrap();
    let world = World::new(&workload, Faults::none()).await;
    assert_eq!(run(&world).await, 0, "the panic is caught");
    let outcome = world.outcome().await;
    assert_eq!(outcome.skipped.iter().copied().collect::<Vec<_>>(), [Offset(3), Offset(11)]);
    let records = outcome.inbox.values().flat_map(|placed| placed.values());
    let refused: Vec<_> = records
        .map(|(_, value, _)| InboxRecord::decode(value).unwrap())
        .filter(|record| matches!(record.entry, Entry::Refused { refusal: Refusal::Poison, .. }))
        .collect();
    assert_eq!(refused.iter().map(|record| record.source.offset).collect::<Vec<_>>(), [Offset(3)]);

    // Whoever begins again refuses it too, though it would not panic any more.
    world.store.commit(OF, Offset(0), Vec::new()).await.unwrap();
    run(&world).await;
    assert_eq!(world.outcome().await, outcome);
    scenario.teardown();
}
