//! What is promised of messages, read off the events of a group; the model has no part in it.

use std::collections::BTreeMap;

use chasqui_domain::{Change, Event, EventKind, Message, Refusal, Target, TimeMs, UserId, Version};
use proptest::prelude::*;

use super::{
    fixtures::asks,
    run::{Run, run_apart},
    steps::steps,
};
use crate::{
    fixtures::{actions, refuses, user},
    properties::config,
};

/// By version, the events of messages.
fn written(run: &Run) -> BTreeMap<Version, &Event> {
    let is_message = |event: &&Event| matches!(event.kind, EventKind::Message { .. });
    run.events().filter(is_message).map(|event| (event.version, event)).collect()
}

fn author(event: &Event) -> &UserId {
    let EventKind::Message { sender, .. } = &event.kind else { panic!("not a message: {event:?}") };
    sender
}

/// What was done to messages: by whom, what, to which, and its event.
fn done(run: &Run) -> impl Iterator<Item = (&UserId, &Change, Target, &Event)> {
    run.events().filter_map(|event| match &event.kind {
        EventKind::Changed { by, change, .. } => Some((by, change, change.target()?, event)),
        _ => None,
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_done_is_done_to_a_message_that_is_there(steps in steps()) {
        let run = run_apart(&steps);
        let written = written(&run);
        for (_, _, target, event) in done(&run) {
            let EventKind::Message { seq, .. } = &written[&target.version].kind else { unreachable!() };
            prop_assert_eq!(*seq, target.seq);
            prop_assert!(target.version < event.version);
        }
    }

    #[test]
    fn nobody_but_the_author_edits_or_deletes(steps in steps()) {
        let run = run_apart(&steps);
        let written = written(&run);
        for (by, change, target, _) in done(&run) {
            if matches!(change, Change::Edit { .. } | Change::Delete { .. }) {
                prop_assert_eq!(by, author(written[&target.version]));
            }
        }
    }

    #[test]
    fn nobody_does_anything_to_a_message_from_before_they_came_or_after_they_are_gone(steps in steps()) {
        let run = run_apart(&steps);
        for (before, event) in &run.states().0 {
            let EventKind::Changed { by, change, .. } = &event.kind else { continue };
            let Some(target) = change.target() else { continue };
            let joined = before.member(by).map(|member| member.joined.version);
            prop_assert!(joined.is_some_and(|joined| joined < target.version), "{:?} of {:?}", event, joined);
        }
    }

    #[test]
    fn nothing_more_is_done_to_what_is_deleted_and_nothing_of_it_stays(steps in steps()) {
        let run = run_apart(&steps);
        for (_, change, target, event) in done(&run) {
            if matches!(change, Change::Delete { .. }) {
                let later = done(&run).find(|(_, _, other, later)| *other == target && later.version > event.version);
                prop_assert!(later.is_none(), "{:?}", later);
                let message = run.messages.get(target).unwrap();
                prop_assert_eq!((message.deleted, message.reactions.len()), (Some(event.time), 0));
                prop_assert!(!run.chat.pins.contains(&target));
            }
        }
    }

    #[test]
    fn a_user_reacts_in_one_way_and_no_kind_is_without_users_or_there_twice(steps in steps()) {
        let run = run_apart(&steps);
        for message in run.messages.iter() {
            let users: Vec<_> = message.reactions.iter().flat_map(|reaction| &reaction.users).collect();
            prop_assert!(users.iter().enumerate().all(|(at, user)| !users[..at].contains(user)), "{:?}", message);
            prop_assert!(message.reactions.iter().all(|reaction| !reaction.users.is_empty()), "{:?}", message);
            let tags: Vec<_> = message.reactions.iter().map(|reaction| reaction.tag).collect();
            prop_assert!(tags.iter().enumerate().all(|(at, tag)| !tags[..at].contains(tag)), "{:?}", message);
        }
    }

    /// So it can be built whenever it is asked for, from what lies under its seq.
    #[test]
    fn a_messages_state_is_that_of_the_events_about_it_alone(steps in steps()) {
        let run = run_apart(&steps);
        let written = written(&run);
        prop_assert_eq!(run.messages.iter().count(), written.len());
        for kept in run.messages.iter() {
            let mut message = Message::written(written[&kept.target.version]).unwrap();
            for event in run.events().filter(|event| event.kind.target() == Some(kept.target)) {
                message.apply(event).unwrap();
            }
            prop_assert_eq!(&message, kept);
        }
    }

    #[test]
    fn a_message_takes_events_about_it_that_are_new_and_no_others(steps in steps()) {
        let run = run_apart(&steps);
        for kept in run.messages.iter() {
            for event in run.events() {
                let mut message = kept.clone();
                prop_assert!(message.apply(event).is_err(), "{:?} knows {:?}", kept, event);
                prop_assert_eq!(&message, kept);
                let mut message = Message::written(written(&run)[&kept.target.version]).unwrap();
                prop_assert_eq!(message.apply(event).is_ok(), event.kind.target() == Some(kept.target));
            }
        }
    }

    #[test]
    fn who_is_not_in_it_does_nothing_to_any_message(steps in steps()) {
        let run = run_apart(&steps);
        let names = ["alice", "bob", "carol", "dave", "erin", "frank", "zoe"];
        for name in names.into_iter().filter(|name| run.chat.member(&user(name)).is_none()) {
            for change in run.messages.iter().flat_map(|message| actions(message.target)) {
                let mut command = asks(name, 1, change);
                command.device = crate::fixtures::device("watch");
                let refused = refuses(&command, Refusal::NotAMember);
                prop_assert_eq!(run.messages.decide(&run.chat, &command, TimeMs(0)), refused);
            }
        }
    }

    #[test]
    fn a_message_is_changed_only_as_long_as_the_stamped_limit_says(steps in steps()) {
        let run = run_apart(&steps);
        let written = written(&run);
        for decided in &run.decided {
            for event in &decided.decision.events {
                let EventKind::Changed { change, .. } = &event.kind else { continue };
                let within = match change {
                    Change::Edit { .. } => decided.command.rules.edit_within_ms,
                    Change::Delete { .. } => decided.command.rules.delete_within_ms,
                    _ => continue,
                };
                let message = written[&change.target().unwrap().version];
                prop_assert!(event.time.0 - message.time.0 <= u64::from(within), "{:?} of {:?}", event, message);
            }
        }
    }
}
