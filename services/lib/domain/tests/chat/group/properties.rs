//! What holds of every sequence of commands: that the model agrees is checked on the way.

use std::collections::BTreeSet;

use chasqui_domain::{Action, Chat};
use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};

use super::{fixtures::group_id, run::run, steps::steps};
use crate::{
    fixtures::{fold, restored},
    messages::Messages,
    outcome::outcome,
    properties::{config, decide_again, messages_after},
    run::Decided,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_group_agrees_with_the_model(steps in steps()) {
        run(&steps);
    }

    #[test]
    fn deciding_again_from_any_restored_state_gives_the_same_bytes(steps in steps(), from in any::<Index>()) {
        let run = run(&steps);
        let from = from.index(run.decided.len() + 1);
        let mut chat = restored(run.decided.get(from).map_or(&run.chat, |decided| &decided.before));
        let mut messages = messages_after(&run.decided[..from]);
        decide_again(&mut chat, &mut messages, &run.decided[from..]);
        prop_assert_eq!((chat, messages), (run.chat, run.messages));
    }

    #[test]
    fn folding_the_events_gives_every_state_on_the_way(steps in steps()) {
        let run = run(&steps);
        let mut chat = Chat::new(group_id());
        for decided in &run.decided {
            prop_assert_eq!(&chat, &decided.before);
            fold(&mut chat, &decided.decision);
        }
        prop_assert_eq!(chat, run.chat);
    }

    /// Without the commands that gave no events, all others are decided to what they were.
    #[test]
    fn a_command_without_events_changes_nothing(steps in steps()) {
        let run = run(&steps);
        let (mut chat, mut messages) = (Chat::new(group_id()), Messages::default());
        let with_events = run.decided.iter().filter(|decided| !decided.decision.events.is_empty());
        decide_again(&mut chat, &mut messages, with_events);
        prop_assert_eq!((chat, messages), (run.chat, run.messages));
    }

    #[test]
    fn an_event_applies_to_the_state_before_it_and_to_no_other(steps in steps(), at in any::<Index>()) {
        let run = run(&steps);
        let (states, last) = run.states();
        let before = states.get(at.index(states.len() + 1)).map_or(last, |(before, _)| before);
        for event in run.events() {
            let mut chat = before.clone();
            let follows = event.version == before.version.next();
            prop_assert_eq!(chat.apply(event).is_ok(), follows);
            prop_assert_eq!(chat != *before, follows);
        }
    }

    #[test]
    fn asking_the_same_again_at_once_changes_nothing(steps in steps(), at in any::<Index>()) {
        let run = run(&steps);
        let at = at.index(run.decided.len() + 1);
        if let Some(Decided { before, command, appended, decision }) = run.decided.get(at) {
            let (mut chat, mut messages) = (before.clone(), messages_after(&run.decided[..at]));
            messages.fold(&mut chat, decision);
            prop_assert_eq!(messages.decide(&chat, command, *appended).events, vec![]);
        }
    }
}

/// The random steps would prove little if some outcome were out of their reach.
#[test]
fn the_steps_reach_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..100 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        reached.extend(run(&steps).decided.iter().map(said));
    }
    let all = [
        "added",
        "bad counter",
        "body too large",
        "counter too old",
        "created",
        "created before",
        "deleted",
        "described",
        "done before",
        "edited",
        "last owner",
        "left",
        "left, counted",
        "message",
        "no change",
        "no such member",
        "no such message",
        "not a member",
        "not allowed",
        "not permitted",
        "nothing to change",
        "passed on and left",
        "pinned",
        "reacted",
        "reaction taken back",
        "receipt",
        "receipt, counted",
        "removed",
        "removed, counted",
        "repeated",
        "role set",
        "seq ahead",
        "stale epoch",
        "too late",
        "too many members",
        "unpinned",
        "wrong chat",
    ];
    assert_eq!(reached, BTreeSet::from(all));
}

fn said(Decided { before, command, decision, .. }: &Decided) -> &'static str {
    let accepted =
        before.devices.iter().filter(|device| (&device.user, &device.id) == (&command.sender, &command.device));
    let mut counters = accepted.flat_map(|device| &device.accepted).map(|accepted| Some(accepted.counter));
    match (outcome(decision), &command.action) {
        ("done", Action::Create(_)) => "created before",
        ("done", action) if counters.any(|counter| counter == action.counter()) => "done before",
        ("done", _) => "nothing to change",
        ("left", _) if decision.effects.len() > 1 => "left, counted",
        ("removed", _) if decision.effects.len() > 1 => "removed, counted",
        (other, _) => other,
    }
}
