//! What becomes of messages, and of what is known of them in the chat.

use chasqui_domain::{Change, Decision, Effect, Entry, Message, Role, Seq};

use super::fixtures::{Group, add, asks, has, opens, remove, sent_again, users, writes};
use crate::fixtures::{actions, delete, edit, pin, react, take_back, unpin};

/// Alice, the owner, bob and carol; each wrote two messages, one after the other.
fn six_messages() -> Group {
    let mut group = Group::of(&[("bob", Role::Member), ("carol", Role::Member)]);
    for sender in ["alice", "bob", "carol", "alice", "bob", "carol"] {
        group.writes(sender);
    }
    group
}

/// The kinds of reactions, whose each is, and who reacts so.
fn reactions(message: &Message) -> Vec<(u8, String, Vec<String>)> {
    let of = |it: &chasqui_domain::MessageReaction| {
        (it.tag.0[0], it.by.to_string(), it.users.iter().map(ToString::to_string).collect())
    };
    message.reactions.iter().map(of).collect()
}

fn kind(tag: u8, by: &str, users: &[&str]) -> (u8, String, Vec<String>) {
    (tag, by.to_owned(), users.iter().map(|user| (*user).to_owned()).collect())
}

fn done(decision: &Decision) -> bool {
    matches!(decision.effects[..], [Effect::Place { entry: Entry::Done { .. }, .. }])
}

#[test]
fn all_members_are_told_of_what_is_done_to_a_message() {
    for (nth, _) in actions(six_messages().target(1)).into_iter().enumerate() {
        let mut group = six_messages();
        let message = group.target(1);
        group.changes("alice", react(message, 7));
        // An unpinning is something only of what is pinned.
        if nth == 5 {
            group.changes("alice", pin(message));
        }
        let decision = group.changes("alice", actions(message)[nth].clone());
        let entry = Entry::Changed { event: decision.events[0].clone() };
        let recipients = users(&["alice", "bob", "carol"]);
        assert_eq!(decision.effects, [Effect::Place { recipients, entry }]);
    }
}

#[test]
fn an_action_that_is_asked_again_is_done_whatever_became_of_the_message() {
    let mut group = six_messages();
    let message = group.target(1);
    let all = [edit(message, 3), react(message, 1), pin(message), unpin(message), delete(message)];
    let asked: Vec<_> = (100..).zip(all).map(|(counter, change)| asks("alice", counter, change)).collect();
    for command in &asked {
        assert_eq!(group.tell(command).events.len(), 1);
    }
    for command in &asked {
        let before = (group.chat.clone(), group.messages.clone());
        assert!(done(&group.tell(command)), "{command:?}");
        assert_eq!((group.chat.clone(), group.messages.clone()), before);
    }
    // The count is one with that of messages.
    let sent = group.tell(&writes("bob", 200));
    assert_eq!(sent.events.len(), 1);
    assert!(done(&group.tell(&writes("alice", 100))));
    let mut first = Group::of(&[]);
    let sent = first.tell(&writes("alice", 7));
    let message = first.target(1);
    assert_eq!(first.tell(&asks("alice", 7, delete(message))), sent_again("alice", 7, &sent.events[0]));
}

#[test]
fn what_is_so_already_is_done_without_an_event() {
    let mut group = six_messages();
    let message = group.target(2);
    for change in [take_back(message), unpin(message)] {
        assert!(done(&group.changes("alice", change)));
    }
    group.changes("alice", react(message, 1));
    assert!(done(&group.changes("alice", react(message, 1))));
    group.changes("alice", pin(message));
    assert!(done(&group.changes("alice", pin(message))));
    group.changes("bob", delete(message));
    assert!(done(&group.changes("bob", delete(message))));
    assert_eq!(group.message(2).actions.values().sum::<u32>(), 3, "only what happened is counted");
}

#[test]
fn a_message_is_edited_again_and_again_and_keeps_when() {
    let mut group = six_messages();
    let message = group.target(4);
    let events: Vec<_> = (1..4).map(|bytes| group.changes("alice", edit(message, bytes)).events.remove(0)).collect();
    let edits: Vec<_> = events.iter().map(|event| (event.version, event.time)).collect();
    assert_eq!((&group.message(4).edits, group.message(4).version), (&edits, group.chat.version));
    group.changes("alice", delete(message));
    assert_eq!((group.message(4).edits.len(), group.message(4).deleted), (3, Some(group.chat.last_time)));
}

#[test]
fn a_user_reacts_in_one_way_and_kinds_are_in_the_order_in_which_they_came_up() {
    let mut group = six_messages();
    let message = group.target(1);
    for (sender, tag) in [("carol", 9), ("bob", 4), ("alice", 9)] {
        group.changes(sender, react(message, tag));
    }
    assert_eq!(reactions(group.message(1)), [kind(9, "carol", &["alice", "carol"]), kind(4, "bob", &["bob"])]);
    group.changes("carol", react(message, 4));
    // It stays as it was sealed first, also when who did so reacts in another way.
    assert_eq!(reactions(group.message(1)), [kind(9, "carol", &["alice"]), kind(4, "bob", &["bob", "carol"])]);
    group.changes("alice", take_back(message));
    group.changes("bob", react(message, 9));
    assert_eq!(reactions(group.message(1)), [kind(4, "bob", &["carol"]), kind(9, "bob", &["bob"])]);
    // They stay when their users go.
    group.changes("alice", remove("carol"));
    group.changes("bob", Change::Leave);
    assert_eq!(reactions(group.message(1)).len(), 2);
}

#[test]
fn what_is_deleted_counts_for_nobody_whether_they_have_read_it_or_not() {
    let mut group = six_messages();
    group.tell(&opens("carol", 2));
    group.tell(&opens("alice", 4));
    let unread = |group: &Group| ["alice", "bob", "carol"].map(|name| group.unread(name));
    assert_eq!(unread(&group), [2, 4, 2]);
    for (seq, author, expected) in
        [(2, "bob", [2, 4, 2]), (5, "bob", [1, 4, 1]), (1, "alice", [1, 3, 1]), (6, "carol", [0, 2, 1])]
    {
        let message = group.target(seq);
        assert_eq!(group.changes(author, delete(message)).events.len(), 1);
        assert_eq!(unread(&group), expected, "without {seq}");
    }
    // Whoever comes, goes or reads on, it stays so.
    group.changes("alice", add(&["dave"]));
    group.changes("alice", remove("carol"));
    group.tell(&opens("bob", 3));
    assert_eq!((group.unread("alice"), group.unread("bob"), group.unread("dave")), (0, 1, 0));
    group.tell(&opens("bob", 6));
    group.tell(&opens("alice", 6));
    assert_eq!(group.chat.uncounted.iter().len(), 0, "nothing is remembered of what all have read");
}

/// Of what is gone, no author is told how many have it.
#[test]
fn of_a_deleted_message_no_ticks_turn() {
    let mut group = six_messages();
    for (seq, author) in [(1, "alice"), (2, "bob")] {
        let message = group.target(seq);
        group.changes(author, delete(message));
    }
    let decision = group.tell(&has("carol", 4));
    let Effect::Place { entry: Entry::Counts(counts), recipients } = &decision.effects[1] else {
        panic!("{decision:?}")
    };
    assert_eq!(recipients, &users(&["alice"]));
    let seqs: Vec<_> = counts.authors[0].messages.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, [Seq(4)]);
}

#[test]
fn the_last_message_is_acted_upon_until_another_is_written() {
    for (nth, change) in actions(six_messages().target(6)).into_iter().enumerate() {
        let mut group = six_messages();
        group.changes("alice", remove("bob"));
        let (earlier, last) = (group.target(3), group.target(6));
        assert!(!group.chat.last_is_acted);
        group.changes("carol", actions(earlier)[nth].clone());
        assert!(!group.chat.last_is_acted, "it is about another");
        // Carol wrote it, alice pins.
        let sender = if nth < 4 { "carol" } else { "alice" };
        let happens = !group.changes(sender, change).events.is_empty();
        assert_eq!(group.chat.last_is_acted, happens);
        group.changes("alice", pin(last));
        group.writes("alice");
        assert!(!group.chat.last_is_acted);
    }
}

#[test]
fn pins_are_in_the_order_in_which_they_were_and_stay_when_who_pinned_goes() {
    let mut group = six_messages();
    let [first, second, third] = [5, 1, 3].map(|seq| group.target(seq));
    for message in [first, second, third] {
        group.changes("alice", pin(message));
    }
    assert_eq!(group.chat.pins, [first, second, third]);
    group.changes("alice", unpin(first));
    group.changes("alice", pin(first));
    assert_eq!(group.chat.pins, [second, third, first]);
    group.changes("alice", delete(second));
    assert_eq!(group.chat.pins, [third, first]);
    group.changes("alice", Change::Leave);
    group.changes("bob", remove("carol"));
    assert_eq!(group.chat.pins, [third, first]);
}
