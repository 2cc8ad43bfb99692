//! Each refusal by itself.

mod messages;

use chasqui_domain::{
    Action, Change, Chat, ChatId, Command, Counter, Epoch, Refusal, Role, RulesNumber, Sealed, Send, TimeMs,
    UnknownRules, chat::decide::refuse_poison, decide,
};

use super::fixtures::{
    Group, add, asks, command, creates, group_id, group_of, has, opens, part, remove, retitle, set_role, writes,
};
use crate::fixtures::{actions, chat_id, device, refuses, sealed, send, target, tell, user};

const PROFILE_BYTES_MAX: usize = 2048;

/// Alice is the owner, bob an admin, carol a member.
fn three() -> Group {
    Group::of(&[("bob", Role::Admin), ("carol", Role::Member)])
}

/// Every change that can be asked for.
fn changes() -> [Change; 5] {
    [add(&["zoe"]), remove("carol"), Change::Leave, set_role("carol", Role::Admin), retitle(3)]
}

#[test]
fn wrong_chat_of_a_group_that_is_not_the_senders_to_make() {
    let mut by_another = creates(&[]);
    by_another.sender = user("bob");
    let mut on_another_device = creates(&[]);
    on_another_device.device = device("pad");
    let mut of_another_count = creates(&[]);
    group_of(&mut of_another_count).counter = Counter(2);
    for command in [by_another, on_another_device, of_another_count] {
        Group::new().refuses(&command, Refusal::WrongChat);
        three().refuses(&command, Refusal::WrongChat);
    }
}

#[test]
fn wrong_chat_of_a_message_to_a_user_and_of_a_direct_chat_that_is_to_be_changed() {
    for peer in ["bob", "alice", "zoe"] {
        let mut message = writes("alice", 9);
        message.action =
            Action::Send(Send { peer: Some(user(peer)), counter: Counter(9), allowed: true, body: sealed(3) });
        three().refuses(&message, Refusal::WrongChat);
    }
    for change in changes() {
        let mut command = asks("alice", 2, change);
        command.chat = chat_id();
        let mut direct = Chat::new(chat_id());
        assert_eq!(decide(&direct, None, &command, TimeMs(1)), Ok(refuses(&command, Refusal::WrongChat)));
        tell(&mut direct, &send("alice", "phone", 1), 1);
        assert_eq!(decide(&direct, None, &command, TimeMs(1)), Ok(refuses(&command, Refusal::WrongChat)));
        let create = Command { chat: chat_id(), ..creates(&["bob"]) };
        assert_eq!(decide(&direct, None, &create, TimeMs(1)), Ok(refuses(&create, Refusal::WrongChat)));
    }
}

#[test]
fn not_a_member() {
    for mut group in [Group::new(), three()] {
        for change in changes().into_iter().chain(actions(target(1, 2))) {
            group.refuses_change("zoe", change, Refusal::NotAMember);
        }
        // Not even what is wrong with it is told.
        group.refuses_change("zoe", retitle(64 * 1024), Refusal::NotAMember);
        group.refuses(&asks("zoe", 0, Change::Leave), Refusal::NotAMember);
        for command in [writes("zoe", 1), has("zoe", 0), opens("zoe", 7)] {
            group.refuses(&command, Refusal::NotAMember);
        }
    }
}

#[test]
fn not_permitted_to_members() {
    let mut group = three();
    for change in [
        add(&["zoe"]),
        add(&["bob"]),
        add(&[]),
        remove("alice"),
        remove("zoe"),
        set_role("bob", Role::Member),
        set_role("zoe", Role::Member),
        retitle(3),
        Change::Describe { title: None, picture: None },
    ] {
        group.refuses_change("carol", change, Refusal::NotPermitted);
    }
}

#[test]
fn not_permitted_to_raise_oneself() {
    let mut group = three();
    group.refuses_change("carol", set_role("carol", Role::Admin), Refusal::NotPermitted);
    group.refuses_change("carol", set_role("carol", Role::Owner), Refusal::NotPermitted);
    group.refuses_change("bob", set_role("bob", Role::Owner), Refusal::NotPermitted);
    assert_eq!((group.role("bob"), group.role("carol")), (Some(Role::Admin), Some(Role::Member)));
}

#[test]
fn not_permitted_to_admins_what_is_the_owners() {
    let mut group = three();
    group.refuses_change("bob", remove("alice"), Refusal::NotPermitted);
    for role in [Role::Member, Role::Admin, Role::Owner] {
        group.refuses_change("bob", set_role("alice", role), Refusal::NotPermitted);
    }
    group.refuses_change("bob", set_role("carol", Role::Owner), Refusal::NotPermitted);
    assert_eq!(group.changes("bob", set_role("carol", Role::Admin)).events.len(), 1);
    assert_eq!(group.changes("bob", set_role("carol", Role::Member)).events.len(), 1);
}

#[test]
fn no_such_member() {
    let mut group = three();
    for sender in ["alice", "bob"] {
        group.refuses_change(sender, remove("zoe"), Refusal::NoSuchMember);
        group.refuses_change(sender, set_role("zoe", Role::Member), Refusal::NoSuchMember);
        group.refuses_change(sender, set_role("zoe", Role::Owner), Refusal::NoSuchMember);
    }
    group.changes("alice", remove("carol"));
    group.refuses_change("alice", remove("carol"), Refusal::NoSuchMember);
}

#[test]
fn too_many_members() {
    let limited = |mut command: Command, members_max: u32| {
        command.rules.members_max = members_max;
        command
    };
    // The creator counts, also if named, and nobody counts twice.
    let four = creates(&["bob", "carol", "dave"]);
    Group::new().refuses(&limited(four.clone(), 3), Refusal::TooManyMembers);
    assert_eq!(Group::new().tell(&limited(four, 4)).events.len(), 1);
    let two = creates(&["alice", "bob", "bob", "alice"]);
    assert_eq!(Group::new().tell(&limited(two, 2)).events.len(), 1);
    Group::new().refuses(&limited(creates(&[]), 0), Refusal::TooManyMembers);

    let mut group = three();
    group.refuses(&limited(asks("bob", 10, add(&["dave", "erin"])), 4), Refusal::TooManyMembers);
    let exactly = asks("bob", 10, add(&["dave", "carol", "alice", "dave"]));
    assert_eq!(group.tell(&limited(exactly, 4)).events.len(), 1);
    group.refuses(&limited(asks("bob", 11, add(&["erin"])), 4), Refusal::TooManyMembers);
    // Under a lower limit nobody has to go, and those who are there already are no more members.
    assert_eq!(group.tell(&limited(asks("bob", 11, add(&["dave"])), 1)).events.len(), 0);
    assert_eq!(group.tell(&limited(asks("bob", 12, retitle(3)), 1)).events.len(), 1);
    group.changes("dave", Change::Leave);
    assert_eq!(group.tell(&limited(asks("bob", 13, add(&["erin"])), 4)).events.len(), 1);
}

#[test]
fn not_allowed() {
    let mut create = creates(&["bob"]);
    group_of(&mut create).allowed = false;
    Group::new().refuses(&create, Refusal::NotAllowed);
    let disallowed =
        |sender, counter, change| command(sender, Action::Change { counter: Counter(counter), allowed: false, change });
    let mut group = three();
    group.refuses(&disallowed("alice", 10, add(&["zoe"])), Refusal::NotAllowed);
    group.refuses(&disallowed("carol", 10, add(&["zoe"])), Refusal::NotPermitted);
    assert!(group.tell(&disallowed("alice", 11, add(&["bob"]))).events.is_empty(), "nobody is added");
    assert_eq!(group.tell(&disallowed("alice", 12, retitle(3))).events.len(), 1, "nobody is added");
    let mut message = writes("carol", 10);
    if let Action::Send(send) = &mut message.action {
        send.allowed = false;
    }
    group.refuses(&message, Refusal::NotAllowed);
}

#[test]
fn a_title_or_a_picture_that_is_too_large() {
    let picture = |bytes| Change::Describe { title: None, picture: Some(part(bytes)) };
    for bytes in [PROFILE_BYTES_MAX + 1, 64 * 1024] {
        let mut titled = creates(&[]);
        group_of(&mut titled).title = part(bytes);
        Group::new().refuses(&titled, Refusal::BodyTooLarge);
        let mut pictured = creates(&[]);
        group_of(&mut pictured).picture = Some(part(bytes));
        Group::new().refuses(&pictured, Refusal::BodyTooLarge);
        three().refuses_change("bob", retitle(bytes), Refusal::BodyTooLarge);
        three().refuses_change("bob", picture(bytes), Refusal::BodyTooLarge);
    }
    assert_eq!(three().changes("bob", retitle(PROFILE_BYTES_MAX)).events.len(), 1);
    assert_eq!(three().changes("bob", picture(PROFILE_BYTES_MAX)).events.len(), 1);
}

#[test]
fn stale_epoch_of_a_title_or_a_picture() {
    let spoilt = |epoch| Sealed { epoch: Epoch(epoch), ..part(3) };
    let stale = Refusal::StaleEpoch { current: Epoch(0) };
    for epoch in [1, 2] {
        let mut create = creates(&[]);
        group_of(&mut create).title = spoilt(epoch);
        Group::new().refuses(&create, stale);
        let mut create = creates(&[]);
        group_of(&mut create).picture = Some(spoilt(epoch));
        Group::new().refuses(&create, stale);
        let title = Change::Describe { title: Some(spoilt(epoch)), picture: Some(part(3)) };
        let picture = Change::Describe { title: Some(part(3)), picture: Some(spoilt(epoch)) };
        three().refuses_change("alice", title, stale);
        three().refuses_change("alice", picture, stale);
    }
    let mut message = writes("alice", 9);
    if let Action::Send(send) = &mut message.action {
        send.body.epoch = Epoch(0);
    }
    three().refuses(&message, Refusal::StaleEpoch { current: Epoch(1) });
}

#[test]
fn bad_counter() {
    for change in changes().into_iter().chain(actions(target(1, 2))) {
        three().refuses(&asks("alice", 0, change), Refusal::BadCounter);
    }
    three().refuses(&writes("carol", 0), Refusal::BadCounter);
    // Only who counts from 0 has made this its id.
    let id = ChatId::group(&user("alice"), &device("phone"), Counter(0));
    let mut create = Command { chat: id, ..creates(&[]) };
    group_of(&mut create).counter = Counter(0);
    assert_eq!(decide(&Chat::new(id), None, &create, TimeMs(1)), Ok(refuses(&create, Refusal::BadCounter)));
}

#[test]
fn counter_too_old_for_messages_and_changes_together() {
    let mut group = three();
    group.tell(&writes("alice", 200));
    for counter in [0, 1, 72] {
        group.refuses(&asks("alice", counter, retitle(3)), Refusal::CounterTooOld);
        group.refuses(&writes("alice", counter), Refusal::CounterTooOld);
    }
    assert_eq!(group.tell(&asks("alice", 73, retitle(3))).events.len(), 1, "the window reaches down to here");
    assert_eq!(group.tell(&asks("bob", 1, retitle(3))).events.len(), 1, "it is the device's own");
}

#[test]
fn seq_ahead() {
    let mut group = three();
    group.writes("alice");
    for command in [has("bob", 2), opens("carol", 2), opens("alice", u64::MAX)] {
        group.refuses(&command, Refusal::SeqAhead);
    }
}

#[test]
fn poison() {
    let all = [creates(&["bob"]), asks("bob", 7, retitle(3)), asks("zoe", 0, Change::Leave)];
    for command in all.into_iter().chain(actions(target(1, 2)).map(|change| asks("bob", 7, change))) {
        assert_eq!(refuse_poison(&command), refuses(&command, Refusal::Poison));
    }
}

#[test]
fn unknown_rules_are_not_decided_at_all() {
    for number in [0, RulesNumber::NEWEST.0 + 1] {
        let all = [creates(&[]), asks("alice", 2, retitle(3)), asks("zoe", 2, Change::Leave)];
        for mut command in all.into_iter().chain(actions(target(1, 2)).map(|change| asks("alice", 2, change))) {
            command.rules.number = RulesNumber(number);
            for chat in [&Chat::new(group_id()), &three().chat] {
                assert_eq!(decide(chat, None, &command, TimeMs(20)), Err(UnknownRules { number }));
            }
        }
    }
}
