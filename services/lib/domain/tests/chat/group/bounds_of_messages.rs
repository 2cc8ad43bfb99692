//! The edges of what may be done to a message: how often, in how many kinds, and how many are pinned.

use chasqui_domain::{Change, Chat, Command, Decision, Event, Message, Refusal, Role, RulesNumber, Target, TimeMs};

use super::fixtures::{Group, asks, creates, group_id, set_role, writes};
use crate::{
    fixtures::{delete, device, edit, pin, react, reaction, refuses, take_back, target, tell, unpin, user},
    messages::Messages,
};

const OF_USER_MAX: u64 = 64;
const ACTIONS_MAX: usize = 8192;
const KINDS_MAX: u8 = 32;
const PINS_MAX: u64 = 32;
const ASKED: u64 = 10_000;

fn name(number: u64) -> String {
    format!("user-{number:04}")
}

/// Alice's group with so many others, in which she wrote a message; without the model, which takes its time.
struct Large {
    chat: Chat,
    messages: Messages,
    /// What was done to the message.
    acted: Vec<Event>,
}

impl Large {
    fn of(others: u64) -> Self {
        let names: Vec<_> = (0..others).map(name).collect();
        let (mut chat, mut messages) = (Chat::new(group_id()), Messages::default());
        tell(&mut chat, &creates(&names.iter().map(String::as_str).collect::<Vec<_>>()), 1);
        let written = tell(&mut chat, &writes("alice", 1), 2);
        messages.apply(&written.events[0]);
        Self { chat, messages, acted: vec![] }
    }

    fn tell(&mut self, command: &Command) -> Decision {
        let decision = self.messages.decide(&self.chat, command, TimeMs(3));
        for event in &decision.events {
            self.chat.apply(event).unwrap();
            self.messages.apply(event);
        }
        self.acted.extend(decision.events.iter().filter(|event| event.kind.target() == Some(the_message())).cloned());
        decision
    }

    /// Somebody reacts in another way than they do; whether that is taken. If not, it is one too many.
    fn reacts_anew(&mut self, pad: u64, sender: &str, counter: u64) -> bool {
        let former = self.message().reaction_of(&user(sender)).map(|reaction| reaction.tag);
        let tag = u8::from(former == Some(reaction(0, 3).tag));
        let action = asks(sender, counter, react(the_message(), tag));
        let command = Command { device: device(&format!("pad-{pad}")), ..action };
        let decision = self.tell(&command);
        let is_taken = !decision.events.is_empty();
        assert!(is_taken || decision == refuses(&command, Refusal::TooManyActions), "{decision:?}");
        is_taken
    }

    fn message(&self) -> &Message {
        self.messages.get(the_message()).unwrap()
    }

    fn is_full_for(&mut self, sender: &str, counter: u64, change: Change) {
        let command = asks(sender, counter, change);
        assert_eq!(self.tell(&command), refuses(&command, Refusal::TooManyActions));
    }
}

fn the_message() -> Target {
    target(1, 2)
}

#[test]
fn ten_thousand_reactions_of_few_are_taken_up_to_the_bound_of_each() {
    let mut large = Large::of(3);
    // Another device doesn't help.
    let taken = (1..=ASKED).filter(|counter| large.reacts_anew(counter % 30, &name(counter % 3), *counter)).count();
    assert_eq!((taken, large.acted.len()), (3 * OF_USER_MAX as usize, 3 * OF_USER_MAX as usize));
    large.chat.validate().unwrap();
    // Their bounds are theirs: alice may still, on this message, and they on another.
    assert_eq!(large.tell(&asks("alice", 2, react(the_message(), 7))).events.len(), 1);
    large.is_full_for(&name(1), ASKED + 1, take_back(the_message()));
    let written = large.tell(&writes("alice", 3));
    let (last, another) = (ASKED + 2, target(2, written.events[0].version.0));
    assert_eq!(large.tell(&asks(&name(1), last, react(another, 7))).events.len(), 1);
}

/// Alice's group, with one message that as much was done to as may be; it is pinned.
fn full() -> Large {
    let others = 160;
    let mut large = Large::of(others);
    assert_eq!(large.tell(&asks("alice", 2, pin(the_message()))).events.len(), 1);
    let taken = (0..ASKED).filter(|number| large.reacts_anew(0, &name(number % others), 1 + number / others)).count();
    assert_eq!(taken, ACTIONS_MAX - 1);
    assert_eq!(large.acted.len(), ACTIONS_MAX);
    large.chat.validate().unwrap();
    large
}

/// What is loaded with a message: its own event and what was done to it, which is at most `actions_max`, one unpinning
/// and the deletion.
#[test]
fn ten_thousand_reactions_of_many_are_taken_up_to_the_bound_and_then_only_its_unpinning_and_its_deletion() {
    let mut large = full();
    large.is_full_for("alice", 3, edit(the_message(), 3));
    large.is_full_for("alice", 3, react(the_message(), 9));
    large.is_full_for(&name(0), 99, take_back(the_message()));
    assert_eq!(large.tell(&asks("alice", 3, pin(the_message()))).events.len(), 0, "it is pinned already");
    assert_eq!(large.tell(&asks("alice", 4, unpin(the_message()))).events.len(), 1);
    large.is_full_for("alice", 5, pin(the_message()));
    assert_eq!(large.tell(&asks("alice", 5, unpin(the_message()))).events.len(), 0, "it is not pinned any more");
    assert_eq!(large.tell(&asks("alice", 6, delete(the_message()))).events.len(), 1);
    assert_eq!(large.tell(&asks("alice", 7, delete(the_message()))).events.len(), 0, "it is gone already");
    assert_eq!(large.acted.len(), ACTIONS_MAX + 2);
    assert_eq!(large.message().actions.values().sum::<u32>() as usize, ACTIONS_MAX + 2);
    large.chat.validate().unwrap();
}

#[test]
fn what_a_user_does_is_counted_whatever_it_is_and_unpinning_and_deleting_are_never_one_too_many() {
    let mut group = Group::of(&[("bob", Role::Admin)]);
    group.writes("alice");
    let message = group.target(1);
    for round in 0..OF_USER_MAX / 4 {
        for change in [pin(message), unpin(message), edit(message, round as usize), react(message, round as u8)] {
            assert_eq!(group.changes("alice", change).events.len(), 1);
        }
    }
    for change in [pin(message), edit(message, 3), react(message, 99), take_back(message)] {
        group.refuses_change("alice", change, Refusal::TooManyActions);
    }
    // What is so already is done, also then.
    assert!(group.changes("alice", react(message, (OF_USER_MAX / 4 - 1) as u8)).events.is_empty());
    assert_eq!(group.changes("bob", pin(message)).events.len(), 1);
    assert_eq!(group.changes("alice", unpin(message)).events.len(), 1);
    assert_eq!(group.changes("alice", delete(message)).events.len(), 1);
    assert_eq!(group.message(1).actions.values().copied().collect::<Vec<_>>(), [OF_USER_MAX as u32 + 2, 1]);
}

#[test]
fn a_user_does_so_much_and_no_more() {
    let mut group = Group::of(&[]);
    group.writes("alice");
    let message = group.target(1);
    for round in 0..OF_USER_MAX {
        assert_eq!(group.changes("alice", edit(message, 3)).events.len(), 1, "the {round}th");
    }
    group.refuses_change("alice", edit(message, 3), Refusal::TooManyActions);
}

/// A group in which bob wrote, and each of so many others reacts to it in a way of their own.
fn with_kinds(kinds: u8) -> (Group, Target) {
    let names: Vec<_> = (0..u64::from(kinds)).map(name).collect();
    let others = names.iter().map(|name| (name.as_str(), Role::Member));
    let mut group = Group::of(&others.chain([("bob", Role::Member)]).collect::<Vec<_>>());
    group.writes("bob");
    let message = group.target(1);
    for (kind, name) in (0..kinds).zip(&names) {
        assert_eq!(group.changes(name, react(message, kind)).events.len(), 1, "the {kind}th");
    }
    (group, message)
}

#[test]
fn so_many_kinds_of_reactions_and_no_more() {
    let (mut group, message) = with_kinds(KINDS_MAX);
    assert_eq!(group.message(1).reactions.len(), usize::from(KINDS_MAX));
    group.refuses_change("alice", react(message, 99), Refusal::TooManyReactions);
    assert_eq!(group.changes("alice", react(message, 5)).events.len(), 1, "as another does");
    group.refuses_change("alice", react(message, 99), Refusal::TooManyReactions);
    group.refuses_change(&name(5), react(message, 99), Refusal::TooManyReactions);
    // Whose goes with them may take a new one.
    assert_eq!(group.changes(&name(6), react(message, 99)).events.len(), 1);
    assert_eq!(group.message(1).reactions.len(), usize::from(KINDS_MAX));
    group.refuses_change("bob", react(message, 6), Refusal::TooManyReactions);
    assert_eq!(group.changes(&name(7), take_back(message)).events.len(), 1);
    assert_eq!(group.changes("bob", react(message, 6)).events.len(), 1, "there is room again");
    // What was deleted has none.
    assert_eq!(group.changes("bob", delete(message)).events.len(), 1);
    assert_eq!(group.message(1).reactions, []);
}

#[test]
fn so_many_pins_and_no_more() {
    let mut group = Group::of(&[("bob", Role::Admin)]);
    (0..PINS_MAX + 3).for_each(|_| drop(group.writes("alice")));
    for seq in 1..=PINS_MAX {
        let sender = if seq % 2 == 0 { "alice" } else { "bob" };
        let message = group.target(seq);
        assert_eq!(group.changes(sender, pin(message)).events.len(), 1, "the {seq}th");
    }
    let next = [1, 2, 3].map(|beyond| group.target(PINS_MAX + beyond));
    group.refuses_change("alice", pin(next[0]), Refusal::TooManyPins);
    let (first, second) = (group.target(1), group.target(2));
    assert!(group.changes("alice", pin(first)).events.is_empty(), "that one is there already");
    assert_eq!(group.changes("bob", unpin(first)).events.len(), 1);
    assert_eq!(group.changes("alice", pin(next[0])).events.len(), 1);
    group.refuses_change("alice", pin(next[1]), Refusal::TooManyPins);
    // What is deleted is pinned no more.
    assert_eq!(group.changes("alice", delete(second)).events.len(), 1);
    assert_eq!(group.changes("alice", pin(next[2])).events.len(), 1);
    assert_eq!(group.chat.pins.len() as u64, PINS_MAX);
    assert_eq!(group.chat.pins[0], group.target(3), "they are in the order in which they were pinned");
    assert_eq!(group.changes("alice", set_role("bob", Role::Member)).events.len(), 1);
    group.refuses_change("bob", unpin(next[0]), Refusal::NotPermitted);
}

#[test]
fn the_limits_are_those_that_these_tests_and_the_model_have() {
    let rules = RulesNumber(1);
    assert_eq!((rules.actions_max() as usize, u64::from(rules.actions_of_user_max())), (ACTIONS_MAX, OF_USER_MAX));
    assert_eq!((rules.reaction_kinds_max(), rules.reaction_bytes_max()), (usize::from(KINDS_MAX), 128));
    assert_eq!(rules.pins_max() as u64, PINS_MAX);
}
