//! Why something is not done to a message.

use chasqui_domain::{Action, Change, Command, Epoch, Reaction, Refusal, Role, Rules, Sealed, Target};

use super::{Group, add, asks, remove, set_role, three};
use crate::fixtures::{actions, delete, edit, pin, react, reaction, sealed, take_back, target, unpin};

const BODY_BYTES_MAX: usize = 64 * 1024;
const REACTION_BYTES_MAX: usize = 128;

/// A group of three, in which bob wrote a message; its version is 3, since he became an admin.
fn with_message() -> (Group, Target) {
    let mut group = three();
    group.writes("bob");
    let message = group.target(1);
    assert_eq!(message, target(1, 3));
    (group, message)
}

fn limited(group: &Group, sender: &str, change: Change, limit: impl Fn(&mut Rules)) -> Command {
    let mut command = asks(sender, group.asked() + 1, change);
    limit(&mut command.rules);
    command
}

#[test]
fn no_such_message() {
    let (mut group, _) = with_message();
    group.writes("carol");
    // Neither beside them nor with the one's seq and the other's version.
    for wrong in [(0, 0), (0, 3), (1, 0), (1, 2), (1, 4), (2, 3), (2, 5), (3, 4), (3, 5), (u64::MAX, u64::MAX)] {
        for change in actions(target(wrong.0, wrong.1)) {
            group.refuses_change("bob", change, Refusal::NoSuchMessage);
        }
    }
    for change in actions(target(1, 2)) {
        three().refuses_change("bob", change, Refusal::NoSuchMessage);
    }
}

#[test]
fn no_such_message_from_before_one_came() {
    let (mut group, message) = with_message();
    group.changes("alice", add(&["dave"]));
    group.changes("alice", set_role("dave", Role::Owner));
    // Not even its author's, once he has gone and come again.
    group.changes("alice", remove("bob"));
    for change in actions(message) {
        group.refuses_change("bob", change, Refusal::NotAMember);
    }
    group.changes("alice", add(&["bob"]));
    for name in ["dave", "bob"] {
        for change in actions(message) {
            group.refuses_change(name, change, Refusal::NoSuchMessage);
        }
    }
    assert_eq!(group.changes("carol", react(message, 1)).events.len(), 1, "who was there does");
    group.writes("bob");
    let later = group.target(2);
    assert_eq!(group.changes("dave", react(later, 1)).events.len(), 1, "and who is there by now");
}

#[test]
fn no_such_message_once_it_is_deleted() {
    let (mut group, message) = with_message();
    group.changes("bob", delete(message));
    for change in [edit(message, 3), react(message, 1), take_back(message), pin(message)] {
        group.refuses_change("bob", change, Refusal::NoSuchMessage);
    }
    // It is as if these were done already.
    for change in [delete(message), unpin(message)] {
        assert!(group.changes("bob", change).events.is_empty());
    }
    group.refuses_change("alice", delete(message), Refusal::NotPermitted);
}

#[test]
fn not_permitted_to_anybody_but_the_author() {
    let (mut group, message) = with_message();
    for sender in ["alice", "carol"] {
        group.refuses_change(sender, edit(message, 3), Refusal::NotPermitted);
        group.refuses_change(sender, delete(message), Refusal::NotPermitted);
    }
    // Also when he has no other role any more.
    group.changes("alice", set_role("bob", Role::Member));
    assert_eq!(group.changes("bob", edit(message, 4)).events.len(), 1);
    assert_eq!(group.changes("bob", delete(message)).events.len(), 1);
}

#[test]
fn not_permitted_to_members_to_pin() {
    let (mut group, message) = with_message();
    group.writes("carol");
    let own = group.target(2);
    for message in [message, own] {
        group.refuses_change("carol", pin(message), Refusal::NotPermitted);
        group.refuses_change("carol", unpin(message), Refusal::NotPermitted);
    }
    assert_eq!(group.changes("bob", pin(own)).events.len(), 1);
    assert_eq!(group.changes("alice", unpin(own)).events.len(), 1);
}

#[test]
fn not_allowed() {
    let (mut group, message) = with_message();
    for change in actions(message) {
        let is_delete = matches!(change, Change::Delete { .. });
        let mut command = asks("bob", group.asked() + 1, change);
        if let Action::Change { allowed, .. } = &mut command.action {
            *allowed = false;
        }
        if is_delete {
            assert_eq!(with_message().0.tell(&command).events.len(), 1, "that says nothing to anybody");
        } else {
            group.refuses(&command, Refusal::NotAllowed);
        }
    }
}

/// The message is of the time at which it was asked for, what is asked next of the one after.
#[test]
fn too_late() {
    let edits = |rules: &mut Rules, within_ms| rules.edit_within_ms = within_ms;
    let deletes = |rules: &mut Rules, within_ms| rules.delete_within_ms = within_ms;
    let message = with_message().1;
    for (change, limit) in [(edit(message, 3), edits as fn(&mut Rules, u32)), (delete(message), deletes)] {
        for age in 1..4_u32 {
            let (mut group, _) = with_message();
            (1..age).for_each(|_| drop(group.writes("carol")));
            let just_beyond = limited(&group, "bob", change.clone(), |rules| limit(rules, age - 1));
            let just_within = limited(&group, "bob", change.clone(), |rules| limit(rules, age));
            assert_eq!(group.clone().tell(&just_within).events.len(), 1, "at the age of {age}");
            group.refuses(&just_beyond, Refusal::TooLate);
        }
    }
}

#[test]
fn what_takes_no_time_limit_is_never_too_late() {
    let (mut group, message) = with_message();
    for change in [react(message, 1), take_back(message), pin(message), unpin(message)] {
        let none = limited(&group, "bob", change, |rules| (rules.edit_within_ms, rules.delete_within_ms) = (0, 0));
        assert_eq!(group.tell(&none).events.len(), 1);
    }
    // What is deleted already is not deleted too late.
    group.changes("bob", delete(message));
    let late = limited(&group, "bob", delete(message), |rules| rules.delete_within_ms = 0);
    assert!(group.tell(&late).events.is_empty());
}

#[test]
fn a_body_or_a_reaction_that_is_too_large() {
    let reacts = |message, bytes| Change::React { message, reaction: Some(reaction(1, bytes)) };
    for (change, bytes_max) in [(edit as fn(_, _) -> _, BODY_BYTES_MAX), (reacts, REACTION_BYTES_MAX)] {
        let (mut group, message) = with_message();
        group.refuses_change("bob", change(message, bytes_max + 1), Refusal::BodyTooLarge);
        assert_eq!(group.changes("bob", change(message, bytes_max)).events.len(), 1);
    }
    // The stamped limit is of bodies alone.
    let (mut group, message) = with_message();
    let limit = |rules: &mut Rules| rules.body_bytes_max = 4;
    let five = limited(&group, "bob", edit(message, 5), limit);
    group.refuses(&five, Refusal::BodyTooLarge);
    let four = limited(&group, "bob", edit(message, 4), limit);
    assert_eq!(group.tell(&four).events.len(), 1);
    let five = limited(&group, "bob", reacts(message, 5), limit);
    assert_eq!(group.tell(&five).events.len(), 1);
}

#[test]
fn stale_epoch_of_a_body_or_a_reaction() {
    let (mut group, message) = with_message();
    for epoch in [0, 2, u32::MAX] {
        let spoilt = Sealed { epoch: Epoch(epoch), ..sealed(3) };
        let reaction = Some(Reaction { kind: spoilt.clone(), ..reaction(1, 3) });
        for change in [Change::Edit { message, body: spoilt }, Change::React { message, reaction }] {
            group.refuses_change("bob", change, Refusal::StaleEpoch { current: Epoch(1) });
        }
    }
}

/// The epoch is the message's, whatever the chat's is by now.
#[test]
fn what_is_said_of_a_message_is_sealed_as_it_is() {
    let (mut group, message) = with_message();
    group.chat.epoch = Epoch(2);
    for change in [edit(message, 3), react(message, 1)] {
        let decision = group.messages.decide(&group.chat, &asks("bob", 99, change), chasqui_domain::TimeMs(9));
        assert_eq!(decision.events.len(), 1);
    }
}
