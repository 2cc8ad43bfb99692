//! The places where a test can make a router fail. Run with the feature `failpoints`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

mod support;

use chasqui_store::Store;
use chasqui_wire::presence::PresenceKind::Attach;
use fail::FailScenario;

use chasqui_testkit::Faults;
use support::{World, pushed, reached};

const STEPS: [&str; 3] = ["router::after_rows", "router::after_push", "router::after_checkpoint"];

#[tokio::test]
async fn a_crash_or_an_error_between_any_two_steps_places_everything_once() {
    let scenario = FailScenario::setup();
    for (step, checkpoint_batches_max) in STEPS.into_iter().flat_map(|step| [(step, 1), (step, 32)]) {
        for batch in [0, 1, 4] {
            for action in ["panic", "return"] {
                fail::cfg(step, &format!("{batch}*off->1*{action}->off")).unwrap();
                let mut world = World::new(Faults::none());
                world.options.checkpoint_batches_max = checkpoint_batches_max;
                world.say("alice", 3, 1, 1, Attach).await;
                for source in (0..20).chain(5..20) {
                    world.message(source, &["alice", "bob"]).await;
                }
                let mut running = world.start();
                let end = world.end(&support::inbox()).await;
                let done = tokio::spawn(reached(running.progress.clone(), end)).await.is_ok();
                // When they may share a checkpoint there are too few of them to come to the last of these places.
                let comes = step != "router::after_checkpoint" || checkpoint_batches_max == 1;
                assert!(done == (action == "return") || !comes);
                if !done {
                    assert!((&mut running.task).await.unwrap_err().is_panic());
                    running = world.start();
                }
                world.settled(&running).await;
                let of = format!("{action} at {step}, batch {batch}, {checkpoint_batches_max} to a checkpoint");
                let offsets: Vec<u64> = world.rows("bob").await.iter().map(|row| row.position.offset.0).collect();
                assert_eq!(offsets, (0..20).collect::<Vec<_>>(), "{of}");
                let mut pushed = pushed(&world.told().await);
                let in_order = pushed.len();
                pushed.sort_unstable();
                pushed.dedup();
                assert_eq!(pushed, (0..20).collect::<Vec<_>>(), "{of}");
                let again = 2 * checkpoint_batches_max.min(batch + 1);
                assert!(in_order <= 20 + again, "only what no checkpoint has is pushed again: {in_order}, {of}");
                fail::remove(step);
            }
        }
    }
    scenario.teardown();
}

/// A session is answered, and the router ends before the row of its device is written: its successor writes it.
#[tokio::test]
async fn a_row_of_a_device_is_not_lost_behind_an_answer() {
    let scenario = FailScenario::setup();
    for action in ["panic", "return"] {
        fail::cfg("router::after_answers", &format!("1*off->1*{action}->off")).unwrap();
        let world = World::new(Faults::none());
        let mut running = world.start();
        world.settled(&running).await;
        world.say("alice", 3, 1, 1, Attach).await;
        if action == "panic" {
            assert!((&mut running.task).await.unwrap_err().is_panic());
            running = world.start();
        }
        world.settled(&running).await;
        let devices = world.store.devices_of(&support::user("alice"), None, 9).await.unwrap();
        assert_eq!(devices.len(), 1, "{action}");
        fail::remove("router::after_answers");
    }
    scenario.teardown();
}
