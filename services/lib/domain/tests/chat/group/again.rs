//! What is asked again, and what is so already: it is done, and nothing happens.

use chasqui_domain::{
    Action, Change, Chat, ChatId, Command, Counter, Decision, Effect, Entry, EventKind, Refusal, Role, TimeMs, decide,
};

use super::fixtures::{
    Group, add, asks, command, creates, group_id, group_of, part, remove, retitle, sent_again, set_role, users, writes,
};
use crate::fixtures::{device, only_tells, tell, user};

fn done(sender: &str, counter: u64, time: u64) -> Decision {
    let (chat, device, counter) = (group_id(), device("phone"), Counter(counter));
    only_tells(&user(sender), Entry::Done { chat, device, counter, time: TimeMs(time) })
}

fn assert_nothing_to_change(group: &mut Group, sender: &str, change: Change) {
    let before = group.chat.clone();
    let decision = group.changes(sender, change);
    assert!(matches!(decision.effects[..], [Effect::Place { entry: Entry::Done { .. }, .. }]), "{decision:?}");
    assert_eq!(group.chat, before);
}

#[test]
fn a_change_that_is_asked_again_is_recognised_before_anything_else() {
    let mut group = Group::of(&[("bob", Role::Admin), ("carol", Role::Member)]);
    let asked = group.tell(&asks("bob", 7, retitle(3)));
    let told = done("bob", 7, asked.events[0].time.0);
    let spoilt = |change, allowed, members_max| {
        let mut command = command("bob", Action::Change { counter: Counter(7), allowed, change });
        command.rules.members_max = members_max;
        command
    };
    let all = [
        spoilt(retitle(3), true, 1024),
        spoilt(retitle(64 * 1024), true, 1024),
        spoilt(add(&["zoe"]), false, 0),
        spoilt(remove("alice"), true, 1024),
        spoilt(remove("zoe"), true, 1024),
        spoilt(set_role("bob", Role::Owner), true, 1024),
        spoilt(Change::Leave, true, 1024),
        // Whatever has its count now, it is what was asked first.
        writes("bob", 7),
    ];
    for command in &all {
        assert_eq!(group.tell(command), told, "{command:?}");
    }
    // Also when he is an admin no more, and when he is not in it any more.
    group.changes("alice", set_role("bob", Role::Member));
    all.iter().for_each(|command| assert_eq!(group.tell(command), told, "{command:?}"));
    group.changes("alice", remove("bob"));
    all.iter().for_each(|command| assert_eq!(group.tell(command), told, "{command:?}"));
}

#[test]
fn a_change_with_the_count_of_a_message_is_that_message() {
    let mut group = Group::of(&[]);
    let sent = group.tell(&writes("alice", 7));
    assert_eq!(group.tell(&asks("alice", 7, Change::Leave)), sent_again("alice", 7, &sent.events[0]));
}

#[test]
fn leaving_is_recognised_also_by_who_was_the_last_owner() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    let left = group.tell(&asks("alice", 7, Change::Leave));
    assert_eq!(left.events.len(), 2);
    let told = done("alice", 7, left.events[1].time.0);
    assert_eq!(group.tell(&asks("alice", 7, Change::Leave)), told);
    // She has asked for leaving the group, not for leaving it again.
    group.changes("bob", add(&["alice"]));
    assert_eq!(group.tell(&asks("alice", 7, Change::Leave)), told);
    assert_eq!(group.role("alice"), Some(Role::Member));
}

#[test]
fn a_removal_that_is_asked_again_does_not_remove_who_came_back() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    group.tell(&asks("alice", 7, remove("bob")));
    group.changes("alice", add(&["bob"]));
    assert!(group.tell(&asks("alice", 7, remove("bob"))).events.is_empty());
    assert_eq!(group.role("bob"), Some(Role::Member));
}

#[test]
fn a_refused_change_may_be_asked_again() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    group.refuses(&asks("bob", 7, retitle(3)), Refusal::NotPermitted);
    group.changes("alice", set_role("bob", Role::Admin));
    assert_eq!(group.tell(&asks("bob", 7, retitle(3))).events.len(), 1);
    assert!(group.tell(&asks("bob", 7, retitle(4))).events.is_empty());
}

#[test]
fn what_is_so_already_is_done_without_an_event() {
    let mut group = Group::of(&[("bob", Role::Admin), ("carol", Role::Member)]);
    for change in [
        add(&["carol"]),
        add(&["bob", "carol", "alice", "bob"]),
        add(&[]),
        set_role("alice", Role::Owner),
        set_role("bob", Role::Admin),
        set_role("carol", Role::Member),
        Change::Describe { title: None, picture: None },
    ] {
        assert_nothing_to_change(&mut group, "alice", change);
    }
    assert_nothing_to_change(&mut group, "carol", set_role("carol", Role::Member));
}

#[test]
fn who_is_there_already_is_not_added_with_the_others() {
    let mut group = Group::of(&[("bob", Role::Admin), ("carol", Role::Member)]);
    let decision = group.changes("alice", add(&["zoe", "carol", "dave", "zoe"]));
    let EventKind::Changed { change, .. } = &decision.events[0].kind else { panic!("{decision:?}") };
    assert_eq!(*change, Change::Add { users: users(&["dave", "zoe"]) });
}

#[test]
fn a_group_that_is_made_again_is_done_however_often_and_late_and_whatever_else_is_asked() {
    let mut group = Group::new();
    let create = creates(&["bob"]);
    assert_eq!(group.tell(&create).events.len(), 1);
    let done = |time| done("alice", 1, time);
    assert_eq!(group.tell(&create), done(1));
    let mut another = creates(&["bob", "zoe"]);
    group_of(&mut another).title = part(64 * 1024);
    group_of(&mut another).allowed = false;
    assert_eq!(group.tell(&another), done(1));
    // Neither what else the device asked meanwhile makes it too old, nor that she has left, or all have.
    group.tell(&writes("alice", 1000));
    assert_eq!(group.tell(&create), done(1));
    assert_eq!(group.tell(&asks("alice", 1001, Change::Leave)).events.len(), 2);
    assert_eq!(group.tell(&create), done(1));
    assert_eq!(group.changes("bob", Change::Leave).events.len(), 1);
    let last = group.model.last_time().0;
    assert_eq!(decide(&group.chat, None, &create, TimeMs(last + 9)), Ok(done(last + 9)));
}

/// Groups and what is asked in them are counted apart: the first message of the device that made its fifth group is that
/// group's first.
#[test]
fn the_count_of_groups_takes_none_of_the_counts_in_them() {
    for count in [1, 5, 500] {
        let chat_id = ChatId::group(&user("alice"), &device("phone"), Counter(count));
        let (mut chat, mut create) = (Chat::new(chat_id), Command { chat: chat_id, ..creates(&[]) });
        group_of(&mut create).counter = Counter(count);
        assert_eq!(tell(&mut chat, &create, 1).events.len(), 1);
        for counter in [1, 2, 5, 120] {
            let message = Command { chat: chat_id, ..writes("alice", counter) };
            assert_eq!(tell(&mut chat, &message, 2).events.len(), 1, "{counter} in the {count}th");
        }
        assert!(tell(&mut chat, &create, 3).events.is_empty());
    }
}
