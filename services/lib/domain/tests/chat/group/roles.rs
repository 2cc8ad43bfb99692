//! Who may become what, and to whom a group goes when its last owner does.

use chasqui_domain::{Change, Decision, EventKind, Refusal, Role};

use super::fixtures::{Group, add, creates, remove, set_role};

fn changes(decision: &Decision) -> Vec<Change> {
    let change = |kind: &EventKind| match kind {
        EventKind::Changed { change, .. } => change.clone(),
        other => panic!("not a change: {other:?}"),
    };
    decision.events.iter().map(|event| change(&event.kind)).collect()
}

/// Alice leaves; the group goes to the heir first.
fn assert_passed_on_to(group: &mut Group, heir: &str) {
    let decision = group.changes("alice", Change::Leave);
    assert_eq!(changes(&decision), [set_role(heir, Role::Owner), Change::Leave]);
    assert_eq!((group.role("alice"), group.role(heir)), (None, Some(Role::Owner)));
}

#[test]
fn the_last_owner_does_not_step_down() {
    let mut group = Group::of(&[("bob", Role::Admin)]);
    for role in [Role::Member, Role::Admin] {
        group.refuses_change("alice", set_role("alice", role), Refusal::LastOwner);
    }
    group.changes("alice", set_role("bob", Role::Owner));
    assert_eq!(group.changes("alice", set_role("alice", Role::Member)).events.len(), 1);
    group.refuses_change("bob", set_role("bob", Role::Member), Refusal::LastOwner);
}

#[test]
fn everybody_else_may_step_down() {
    let mut group = Group::of(&[("bob", Role::Owner), ("carol", Role::Admin)]);
    assert_eq!(group.changes("bob", set_role("bob", Role::Admin)).events.len(), 1);
    assert_eq!(group.changes("carol", set_role("carol", Role::Member)).events.len(), 1);
    group.refuses_change("bob", set_role("bob", Role::Owner), Refusal::NotPermitted);
    group.refuses_change("carol", set_role("carol", Role::Admin), Refusal::NotPermitted);
}

#[test]
fn of_two_owners_who_lower_each_other_the_first_wins() {
    let mut group = Group::of(&[("bob", Role::Owner)]);
    assert_eq!(group.changes("alice", set_role("bob", Role::Member)).events.len(), 1);
    group.refuses_change("bob", set_role("alice", Role::Member), Refusal::NotPermitted);
    assert_eq!((group.role("alice"), group.role("bob")), (Some(Role::Owner), Some(Role::Member)));
}

#[test]
fn an_owner_removes_another_and_an_admin_another_admin() {
    let mut group = Group::of(&[("bob", Role::Owner), ("carol", Role::Admin), ("dave", Role::Admin)]);
    assert_eq!(changes(&group.changes("bob", remove("alice"))), [remove("alice")]);
    assert_eq!(changes(&group.changes("carol", remove("dave"))), [remove("dave")]);
    group.refuses_change("carol", remove("bob"), Refusal::NotPermitted);
}

#[test]
fn the_last_owner_who_leaves_passes_the_group_to_an_admin_before_members_of_longer() {
    let mut group = Group::of(&[("bob", Role::Member), ("carol", Role::Member)]);
    group.changes("alice", add(&["dave"]));
    group.changes("alice", set_role("dave", Role::Admin));
    assert_passed_on_to(&mut group, "dave");
}

#[test]
fn the_last_owner_who_leaves_passes_the_group_to_the_admin_who_is_a_member_for_longest() {
    let mut group = Group::of(&[("bob", Role::Member), ("zoe", Role::Admin)]);
    group.changes("alice", add(&["carol"]));
    group.changes("alice", set_role("carol", Role::Admin));
    // Being made one later, or having been in it before, counts for nothing.
    group.changes("alice", remove("bob"));
    group.changes("alice", add(&["bob"]));
    group.changes("alice", set_role("bob", Role::Admin));
    assert_passed_on_to(&mut group, "zoe");
}

#[test]
fn the_last_owner_who_leaves_passes_the_group_to_the_lowest_id_of_equals() {
    let mut group = Group::of(&[("zoe", Role::Member), ("bob", Role::Member), ("carol", Role::Member)]);
    assert_passed_on_to(&mut group, "bob");
}

#[test]
fn an_owner_who_is_not_the_last_leaves_without_more() {
    let mut group = Group::of(&[("bob", Role::Owner), ("carol", Role::Member)]);
    assert_eq!(changes(&group.changes("alice", Change::Leave)), [Change::Leave]);
    let decision = group.changes("bob", Change::Leave);
    assert_eq!(changes(&decision), [set_role("carol", Role::Owner), Change::Leave]);
}

#[test]
fn to_remove_oneself_is_to_leave() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    assert_eq!(changes(&group.changes("alice", remove("alice"))), [set_role("bob", Role::Owner), Change::Leave]);
    assert_eq!(changes(&group.changes("bob", remove("bob"))), [Change::Leave]);
    assert!(group.chat.members.is_empty());
}

#[test]
fn nobody_comes_back_into_a_group_that_all_have_left() {
    let mut group = Group::of(&[("bob", Role::Owner)]);
    group.writes("bob");
    group.changes("bob", Change::Leave);
    group.changes("alice", Change::Leave);
    for name in ["alice", "bob"] {
        group.refuses_change(name, add(&[name]), Refusal::NotAMember);
    }
    assert!(group.tell(&creates(&["bob"])).events.is_empty());
    assert!(group.chat.members.is_empty());
}

#[test]
fn who_is_removed_and_added_again_has_no_role_from_before() {
    let mut group = Group::of(&[("bob", Role::Admin)]);
    group.changes("alice", remove("bob"));
    group.changes("alice", add(&["bob"]));
    assert_eq!(group.role("bob"), Some(Role::Member));
}
