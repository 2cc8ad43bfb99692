//! What crosses on its way, and who tries to make something of it.

use chasqui_domain::{Change, Decision, Effect, ProfilePart, Refusal, Role, UserId};

use super::fixtures::{Group, add, has, opens, part, remove, retitle, sent_again, set_role, users, writes};

fn recipients(decision: &Decision) -> Vec<&Vec<UserId>> {
    decision.effects.iter().map(|Effect::Place { recipients, .. }| recipients).collect()
}

#[test]
fn a_message_before_the_removal_of_its_author_is_in_and_one_after_it_is_not() {
    let mut group = Group::of(&[("bob", Role::Member), ("carol", Role::Member)]);
    let before = group.tell(&writes("bob", 1));
    assert_eq!(recipients(&before), [&users(&["alice", "bob", "carol"])]);
    let removal = group.changes("alice", remove("bob"));
    assert_eq!(*recipients(&removal)[0], users(&["alice", "bob", "carol"]), "he is told that he was removed");
    group.refuses(&writes("bob", 2), Refusal::NotAMember);
    // That it was accepted he learns even now.
    assert_eq!(group.tell(&writes("bob", 1)), sent_again("bob", 1, &before.events[0]));
    assert_eq!(recipients(&group.writes("carol")), [&users(&["alice", "carol"])]);
}

#[test]
fn of_two_admins_who_remove_each_other_the_first_wins() {
    let mut group = Group::of(&[("bob", Role::Admin), ("carol", Role::Admin)]);
    assert_eq!(group.changes("bob", remove("carol")).events.len(), 1);
    group.refuses_change("carol", remove("bob"), Refusal::NotAMember);
    assert_eq!(group.model.users(), users(&["alice", "bob"]));
}

#[test]
fn of_two_who_remove_the_same_the_second_learns_that_there_is_nobody() {
    let mut group = Group::of(&[("bob", Role::Admin), ("carol", Role::Member)]);
    assert_eq!(group.changes("alice", remove("carol")).events.len(), 1);
    group.refuses_change("bob", remove("carol"), Refusal::NoSuchMember);
    group.refuses_change("carol", Change::Leave, Refusal::NotAMember);
}

#[test]
fn of_two_who_add_the_same_the_second_changes_nothing() {
    let mut group = Group::of(&[("bob", Role::Admin)]);
    assert_eq!(group.changes("alice", add(&["carol"])).events.len(), 1);
    assert_eq!(group.changes("bob", add(&["carol"])).events.len(), 0);
}

#[test]
fn an_admin_who_is_lowered_meanwhile_changes_nothing_any_more() {
    let mut group = Group::of(&[("bob", Role::Admin), ("carol", Role::Member)]);
    group.changes("alice", set_role("bob", Role::Member));
    for change in [add(&["zoe"]), remove("carol"), set_role("bob", Role::Admin), retitle(3)] {
        group.refuses_change("bob", change, Refusal::NotPermitted);
    }
}

/// As an admin, he would have to fall with the owner whom he takes over.
#[test]
fn an_admin_gets_at_the_owner_in_no_way() {
    let mut group = Group::of(&[("bob", Role::Admin), ("carol", Role::Member)]);
    for change in [
        remove("alice"),
        set_role("alice", Role::Member),
        set_role("alice", Role::Owner),
        set_role("bob", Role::Owner),
        set_role("carol", Role::Owner),
    ] {
        group.refuses_change("bob", change, Refusal::NotPermitted);
    }
    assert_eq!(group.role("alice"), Some(Role::Owner));
}

#[test]
fn what_is_described_is_the_last_word_of_each_part_and_says_whose_it_is() {
    let mut group = Group::of(&[("bob", Role::Admin)]);
    group.changes("bob", Change::Describe { title: None, picture: Some(part(9)) });
    let profile = |group: &Group| {
        let part = |part: &Option<ProfilePart>| part.as_ref().map(|part| (part.by.to_string(), part.body.bytes.len()));
        (part(&group.chat.profile.title), part(&group.chat.profile.picture))
    };
    let by = |name: &str, bytes| Some((name.to_owned(), bytes));
    assert_eq!(profile(&group), (by("alice", 5), by("bob", 9)));
    group.changes("bob", retitle(6));
    assert_eq!(profile(&group), (by("bob", 6), by("bob", 9)));
    group.changes("alice", remove("bob"));
    assert_eq!(profile(&group), (by("bob", 6), by("bob", 9)), "it stays when its author goes");
}

#[test]
fn messages_of_those_who_went_wait_for_nobody_and_who_comes_counts_from_there() {
    let mut group = Group::of(&[("bob", Role::Member), ("carol", Role::Member)]);
    for sender in ["bob", "carol", "bob", "alice", "bob"] {
        group.writes(sender);
    }
    assert_eq!((group.unread("alice"), group.unread("bob"), group.unread("carol")), (4, 2, 4));
    group.changes("alice", remove("bob"));
    assert_eq!((group.unread("alice"), group.unread("carol")), (1, 1));
    group.changes("alice", add(&["bob"]));
    // What he wrote before he went stays uncounted; what he writes now counts, but not for him.
    assert_eq!((group.unread("alice"), group.unread("bob"), group.unread("carol")), (1, 0, 1));
    group.writes("bob");
    assert_eq!((group.unread("alice"), group.unread("bob"), group.unread("carol")), (2, 0, 2));
    group.tell(&opens("carol", 2));
    assert_eq!((group.unread("alice"), group.unread("carol")), (2, 2));
    group.changes("carol", Change::Leave);
    assert_eq!((group.unread("alice"), group.unread("bob")), (1, 0));
}

#[test]
fn receipts_of_who_comes_begin_with_what_is_written_then() {
    let mut group = Group::of(&[]);
    group.writes("alice");
    group.changes("alice", add(&["bob"]));
    let before = group.chat.version;
    for seq in [0, 1] {
        assert!(group.tell(&has("bob", seq)).events.is_empty());
        assert!(group.tell(&opens("bob", seq)).events.is_empty());
    }
    assert_eq!(group.chat.version, before);
    group.writes("alice");
    assert_eq!(group.tell(&opens("bob", 2)).events.len(), 1);
}
