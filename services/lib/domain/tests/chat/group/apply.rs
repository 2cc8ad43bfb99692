//! Events that can't follow a group's state are refused, and the state stays as it was.

use chasqui_domain::{
    Change, Chat, ChatId, Counter, Event, EventKind, Message, Role, RulesNumber, Seq, Target, TimeMs, UserId, Version,
    chat::{Inapplicable, NotAbout, Runs},
};

use super::fixtures::{Group, add, group_id, part, remove, retitle, set_role, users};
use crate::fixtures::{actions, chat_id, delete, device, edit, pin, react, sealed, send, target, tell, unpin, user};

/// Alice's, with bob; one message, version 2.
fn group() -> Chat {
    let mut group = Group::of(&[("bob", Role::Member)]);
    group.writes("alice");
    group.chat
}

fn direct() -> Chat {
    let mut chat = Chat::new(chat_id());
    tell(&mut chat, &send("alice", "phone", 1), 1);
    chat
}

fn event(chat: ChatId, version: u64, kind: EventKind) -> Event {
    Event { chat, version: Version(version), time: TimeMs(40), rules: RulesNumber(1), kind }
}

fn created(members: Vec<UserId>) -> EventKind {
    let (by, device, counter) = (user("alice"), device("phone"), Counter(1));
    EventKind::Created { by, device, counter, members, title: part(3), picture: None }
}

fn changed(by: &str, after: u64, change: Change) -> EventKind {
    EventKind::Changed { by: user(by), device: device("phone"), counter: Counter(9), after: Seq(after), change }
}

fn assert_refused_for(chat: &Chat, kind: EventKind, reason: &str) {
    let mut after = chat.clone();
    let refused = after.apply(&event(chat.id, chat.version.0 + 1, kind)).unwrap_err();
    assert_eq!(after, *chat, "refused and left a trace");
    assert!(matches!(refused, Inapplicable::Event { why, .. } if why == reason), "{refused:?}");
}

#[test]
fn the_next_event_of_each_kind_is_taken() {
    Chat::new(group_id()).apply(&event(group_id(), 1, created(users(&["alice", "bob"])))).unwrap();
    for change in [add(&["carol"]), remove("bob"), set_role("bob", Role::Admin), retitle(3), Change::Leave] {
        let mut chat = group();
        chat.apply(&event(group_id(), 3, changed("alice", 1, change))).unwrap();
    }
}

#[test]
fn a_group_is_created_and_a_direct_chat_opened() {
    let opened = || EventKind::Opened { members: users(&["alice", "bob"]) };
    assert_refused_for(&Chat::new(group_id()), opened(), "a group is created");
    assert_refused_for(&Chat::new(chat_id()), created(users(&["alice", "bob"])), "only a group is created");
    assert_refused_for(&group(), created(users(&["alice"])), "the chat is open already");
    assert_refused_for(&group(), opened(), "the chat is open already");
    assert_refused_for(&direct(), created(users(&["alice"])), "the chat is open already");
}

#[test]
fn nobody_creates_a_group_without_being_in_it() {
    for members in [vec![], users(&["bob", "carol"])] {
        assert_refused_for(&Chat::new(group_id()), created(members), "its creator is not a member");
    }
}

#[test]
fn users_are_in_order_and_differ() {
    for names in [&["bob", "alice"], &["alice", "alice"]] {
        assert_refused_for(&Chat::new(group_id()), created(users(names)), "its users are not in order");
    }
    for names in [&["dave", "carol"], &["carol", "carol"]] {
        assert_refused_for(&group(), changed("alice", 1, add(names)), "its users are not in order");
    }
}

#[test]
fn only_a_group_is_changed_and_only_by_its_members() {
    for change in [add(&["carol"]), remove("bob"), set_role("bob", Role::Admin), retitle(3), Change::Leave] {
        assert_refused_for(&direct(), changed("alice", 1, change.clone()), "only a group is changed");
        assert_refused_for(&group(), changed("zoe", 1, change.clone()), "its user is not a member");
        assert_refused_for(&Chat::new(group_id()), changed("alice", 0, change), "its user is not a member");
    }
}

#[test]
fn a_change_follows_the_last_message() {
    for after in [0, 2] {
        assert_refused_for(&group(), changed("alice", after, retitle(3)), "it follows another message");
    }
}

#[test]
fn nobody_comes_twice_or_goes_without_being_there() {
    assert_refused_for(&group(), changed("alice", 1, add(&["bob", "carol"])), "its user is a member already");
    let stranger = "the user that it is about is not a member";
    assert_refused_for(&group(), changed("alice", 1, remove("zoe")), stranger);
    assert_refused_for(&group(), changed("alice", 1, set_role("zoe", Role::Admin)), stranger);
}

#[test]
fn the_next_event_about_a_message_is_taken_in_a_group_and_in_a_direct_chat() {
    for chat in [group(), direct()] {
        let message = target(1, 2);
        assert_eq!((chat.last_seq, chat.last_message), (message.seq, message.version));
        for change in actions(message).into_iter().filter(|change| *change != unpin(message)) {
            let mut chat = chat.clone();
            chat.apply(&event(chat.id, chat.version.0 + 1, changed("alice", 1, change))).unwrap();
            chat.validate().unwrap();
        }
    }
}

#[test]
fn what_is_done_is_done_to_one_of_the_chats_messages() {
    for (seq, version) in [(0, 0), (0, 2), (1, 0), (1, 1), (1, 3), (2, 2), (2, 3), (u64::MAX, u64::MAX)] {
        for change in actions(target(seq, version)) {
            for chat in [group(), direct()] {
                assert_refused_for(&chat, changed("alice", 1, change.clone()), "its message is not one of the chat's");
            }
        }
    }
    for change in actions(target(1, 2)) {
        let mut empty = Group::of(&[("bob", Role::Admin)]).chat;
        empty.pins = vec![];
        assert_refused_for(&empty, changed("alice", 0, change), "its message is not one of the chat's");
        assert_refused_for(&group(), changed("zoe", 1, delete(target(1, 2))), "its user is not a member");
        assert_refused_for(&group(), changed("alice", 0, edit(target(1, 2), 3)), "it follows another message");
    }
}

#[test]
fn a_message_is_pinned_once_and_unpinned_once() {
    let message = target(1, 2);
    assert_refused_for(&group(), changed("alice", 1, unpin(message)), "its message is not pinned");
    let mut pinned = group();
    pinned.apply(&event(group_id(), 3, changed("alice", 1, pin(message)))).unwrap();
    assert_refused_for(&pinned, changed("alice", 1, pin(message)), "its message is pinned already");
}

#[test]
fn a_message_takes_no_event_that_is_not_about_it_or_not_new() {
    let written = EventKind::Message {
        seq: Seq(1),
        sender: user("alice"),
        device: device("phone"),
        counter: Counter(1),
        body: sealed(3),
    };
    let written = event(group_id(), 2, written);
    let mut message = Message::written(&written).unwrap();
    let act = |version, change| event(group_id(), version, changed("alice", 1, change));
    assert_eq!(Message::written(&act(3, delete(target(1, 2)))), None);
    message.apply(&act(5, react(target(1, 2), 1))).unwrap();
    let others = [
        act(6, react(target(1, 3), 1)),
        act(6, react(target(2, 2), 1)),
        act(6, retitle(3)),
        // Nor what it knows, or what lies before.
        act(5, react(target(1, 2), 2)),
        act(4, delete(target(1, 2))),
        act(2, delete(target(1, 2))),
        written,
    ];
    for other in others {
        let before = message.clone();
        assert_eq!(message.apply(&other), Err(NotAbout { message: Version(2), found: other.version }));
        assert_eq!(message, before);
    }
}

/// No decision gives such events, so folding them shows that the state is checked.
#[test]
fn a_state_without_an_owner_or_a_title_is_not_valid() {
    assert_eq!(group().validate(), Ok(()));
    let mut lowered = group();
    lowered.apply(&event(group_id(), 3, changed("alice", 1, set_role("alice", Role::Member)))).unwrap();
    assert!(lowered.validate().is_err());
    let mut untitled = group();
    untitled.profile.title = None;
    assert!(untitled.validate().is_err());
    let mut ranked = direct();
    ranked.members[0].role = Role::Owner;
    assert!(ranked.validate().is_err());
    let mut new = Chat::new(group_id());
    new.members = group().members;
    assert!(new.validate().is_err());
    let mut early = group();
    early.last_message = Version(0);
    assert!(early.validate().is_err());
}

#[test]
fn a_state_with_pins_or_actions_upon_nothing_is_not_valid() {
    let with = |pins: Vec<Target>| Chat { pins, ..group() };
    assert_eq!(with(vec![target(1, 2)]).validate(), Ok(()));
    for pins in [[target(1, 2), target(1, 2)], [target(1, 2), target(2, 3)], [target(1, 2), target(1, 1)]] {
        assert!(with(pins.to_vec()).validate().is_err(), "{pins:?}");
    }
    let nothing_written = Chat { last_is_acted: true, ..Group::of(&[]).chat };
    assert!(nothing_written.validate().is_err());
}

/// Else more would be taken off what is unread than there is.
#[test]
fn a_state_with_a_message_that_is_left_out_of_what_is_unread_twice_is_not_valid() {
    let run = |seq| Runs::from_parts(Seq(0), [(Seq(seq), Seq(seq))]);
    let mut chat = group();
    assert_eq!(chat.members[0].own, run(1));
    chat.uncounted = run(1);
    assert!(chat.validate().is_err());
    chat.members[0].own = Runs::default();
    assert_eq!(chat.validate(), Ok(()));
    // Nor one that all have read.
    for member in &mut chat.members {
        (member.delivered, member.read) = (Seq(1), Seq(1));
    }
    assert!(chat.validate().is_err());
}
