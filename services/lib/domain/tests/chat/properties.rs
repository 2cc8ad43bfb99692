//! What holds of every sequence of commands.

use std::collections::BTreeSet;

use chasqui_domain::Chat;
use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    fixtures::{chat_id, fold, restored},
    messages::Messages,
    outcome::outcome,
    run::{Decided, run},
    steps::{few_devices, many_devices},
};

/// No files are written beside the tests: a sequence that fails is worth a test of its own. `PROPTEST_CASES` counts.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Decides the same commands again; what comes out must be the same.
pub(crate) fn decide_again<'a>(
    chat: &mut Chat,
    messages: &mut Messages,
    decided: impl IntoIterator<Item = &'a Decided>,
) {
    for earlier in decided {
        let again = messages.decide(chat, &earlier.command, earlier.appended);
        assert_eq!(again, earlier.decision);
        assert_eq!(format!("{again:?}"), format!("{:?}", earlier.decision));
        messages.fold(chat, &again);
    }
}

/// The states of messages after some commands.
pub(crate) fn messages_after(decided: &[Decided]) -> Messages {
    Messages::of(decided.iter().flat_map(|decided| &decided.decision.events))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_chat_agrees_with_the_model_and_takes_each_message_once(steps in few_devices()) {
        let run = run(&steps);
        let ids: BTreeSet<_> =
            run.model.accepted().iter().map(|it| (&it.sender, &it.device, it.counter)).collect();
        prop_assert_eq!(ids.len(), run.model.accepted().len());
    }

    #[test]
    fn deciding_again_from_any_state_gives_the_same(steps in few_devices(), from in any::<Index>()) {
        let run = run(&steps);
        let from = from.index(run.decided.len() + 1);
        let mut chat = restored(run.decided.get(from).map_or(&run.chat, |decided| &decided.before));
        let mut messages = messages_after(&run.decided[..from]);
        decide_again(&mut chat, &mut messages, &run.decided[from..]);
        prop_assert_eq!((chat, messages), (run.chat, run.messages));
    }

    #[test]
    fn folding_the_events_gives_every_state_on_the_way(steps in few_devices()) {
        let run = run(&steps);
        let mut chat = Chat::new(chat_id());
        for decided in &run.decided {
            prop_assert_eq!(&chat, &decided.before);
            fold(&mut chat, &decided.decision);
        }
        prop_assert_eq!(chat, run.chat);
    }

    /// Without the commands that gave no events, all others are decided to what they were: also their append times
    /// leave no trace.
    #[test]
    fn a_command_without_events_changes_nothing(steps in few_devices()) {
        let run = run(&steps);
        let (mut chat, mut messages) = (Chat::new(chat_id()), Messages::default());
        let with_events = run.decided.iter().filter(|decided| !decided.decision.events.is_empty());
        decide_again(&mut chat, &mut messages, with_events);
        prop_assert_eq!((chat, messages), (run.chat, run.messages));
    }

    #[test]
    fn an_event_applies_to_the_state_before_it_and_to_no_other(steps in few_devices(), at in any::<Index>()) {
        let run = run(&steps);
        let at = at.index(run.decided.len() + 1);
        let before = run.decided.get(at).map_or(&run.chat, |decided| &decided.before);
        for event in run.events() {
            let mut chat = before.clone();
            let follows = event.version == before.version.next();
            prop_assert_eq!(chat.apply(event).is_ok(), follows);
            prop_assert_eq!(chat != *before, follows);
        }
    }
}

proptest! {
    // Fewer: with so many devices, comparing all of them after each step takes long.
    #![proptest_config(ProptestConfig { cases: config().cases.div_ceil(4), ..config() })]

    #[test]
    fn the_chat_agrees_with_the_model_when_devices_give_way(steps in many_devices()) {
        run(&steps);
    }
}

/// The random steps would prove little if some outcome were out of their reach.
#[test]
fn the_steps_reach_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeSet::new();
    for _ in 0..50 {
        let steps = few_devices().new_tree(&mut runner).unwrap().current();
        for decided in run(&steps).decided {
            reached.insert(outcome(&decided.decision));
        }
    }
    let all = [
        "bad counter",
        "body too large",
        "counter too old",
        "deleted",
        "done",
        "edited",
        "message",
        "no change",
        "no such message",
        "not a member",
        "not allowed",
        "not permitted",
        "pinned",
        "reacted",
        "reaction taken back",
        "receipt",
        "repeated",
        "seq ahead",
        "stale epoch",
        "too late",
        "unpinned",
        "wrong chat",
    ];
    assert_eq!(reached, BTreeSet::from(all));
}
