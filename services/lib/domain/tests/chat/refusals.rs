//! Each refusal by itself, and what comes before all of them: recognising a repeat.

use bytes::Bytes;
use chasqui_domain::{
    Action, Chat, Command, Counter, Decision, Entry, Epoch, Refusal, RulesNumber, Seq, TimeMs, UnknownRules,
    chat::decide::refuse_poison, decide,
};

use crate::{
    fixtures::{
        actions, acts, chat_id, delete, delivered, device, edit, message_of, only_tells, pin, read, refuses, send,
        target, tell, user,
    },
    messages::Messages,
};

/// A chat with one message of alice's.
fn open() -> Chat {
    let mut chat = Chat::new(chat_id());
    assert_eq!(tell(&mut chat, &send("alice", "phone", 1), 10).events.len(), 2);
    chat
}

/// The same with the states of its messages: of the one, its version is 2.
fn with_messages() -> (Chat, Messages) {
    let (mut chat, mut messages) = (Chat::new(chat_id()), Messages::default());
    let opens = messages.decide(&chat, &send("alice", "phone", 1), TimeMs(10));
    messages.fold(&mut chat, &opens);
    (chat, messages)
}

fn assert_action_refused(command: &Command, refusal: Refusal) {
    let (chat, messages) = with_messages();
    assert_eq!(messages.decide(&chat, command, TimeMs(20)), refuses(command, refusal));
}

/// The command is refused, both by a chat with a message and, when it is one, by a new chat.
fn assert_send_refused(command: &Command, refusal: Refusal) {
    for chat in [Chat::new(chat_id()), open()] {
        assert_eq!(decide(&chat, None, command, TimeMs(20)), Ok(refuses(command, refusal)));
    }
}

#[test]
fn wrong_chat() {
    let mut to_another = send("alice", "phone", 2);
    message_of(&mut to_another).peer = Some(user("carol"));
    let mut to_herself = send("alice", "phone", 2);
    message_of(&mut to_herself).peer = Some(user("alice"));
    let mut to_nobody = send("alice", "phone", 2);
    message_of(&mut to_nobody).peer = None;
    for command in [to_another, to_herself, to_nobody, send("carol", "phone", 2)] {
        assert_send_refused(&command, Refusal::WrongChat);
    }
}

#[test]
fn not_a_member() {
    for command in [delivered("carol", 1), read("carol", 1), delivered("carol", 9)] {
        assert_eq!(decide(&open(), None, &command, TimeMs(20)), Ok(refuses(&command, Refusal::NotAMember)));
    }
    for command in [delivered("alice", 0), read("alice", 1)] {
        let nothing_yet = Chat::new(chat_id());
        assert_eq!(decide(&nothing_yet, None, &command, TimeMs(20)), Ok(refuses(&command, Refusal::NotAMember)));
    }
    for change in actions(target(1, 2)) {
        assert_action_refused(&acts("carol", 2, change.clone()), Refusal::NotAMember);
        let command = acts("alice", 2, change);
        let nothing_yet = Chat::new(chat_id());
        assert_eq!(decide(&nothing_yet, None, &command, TimeMs(20)), Ok(refuses(&command, Refusal::NotAMember)));
    }
}

#[test]
fn no_such_message() {
    for (seq, version) in [(0, 0), (0, 2), (1, 1), (1, 3), (2, 2), (2, 3), (u64::MAX, u64::MAX)] {
        for change in actions(target(seq, version)) {
            assert_action_refused(&acts("alice", 2, change), Refusal::NoSuchMessage);
        }
    }
    // Nor one whose state was not found, or is another's.
    let (chat, messages) = with_messages();
    for change in actions(target(1, 2)) {
        let command = acts("alice", 2, change);
        assert_eq!(decide(&chat, None, &command, TimeMs(20)), Ok(refuses(&command, Refusal::NoSuchMessage)));
        let mut other = messages.about(&command).unwrap().clone();
        other.target = target(1, 3);
        assert_eq!(decide(&chat, Some(&other), &command, TimeMs(20)), Ok(refuses(&command, Refusal::NoSuchMessage)));
    }
}

#[test]
fn not_permitted_to_the_other() {
    for change in [edit(target(1, 2), 3), delete(target(1, 2))] {
        assert_action_refused(&acts("bob", 1, change), Refusal::NotPermitted);
    }
    let (mut chat, mut messages) = with_messages();
    let pinned = messages.decide(&chat, &acts("bob", 1, pin(target(1, 2))), TimeMs(20));
    messages.fold(&mut chat, &pinned);
    assert_eq!(chat.pins, [target(1, 2)], "either of the two pins");
}

#[test]
fn too_late() {
    let (chat, messages) = with_messages();
    for (change, within_ms) in [(edit(target(1, 2), 3), 15 * 60 * 1000), (delete(target(1, 2)), 48 * 3600 * 1000)] {
        let command = acts("alice", 2, change);
        assert_eq!(messages.decide(&chat, &command, TimeMs(10 + within_ms)).events.len(), 1);
        let late = messages.decide(&chat, &command, TimeMs(11 + within_ms));
        assert_eq!(late, refuses(&command, Refusal::TooLate));
    }
}

#[test]
fn not_allowed() {
    let mut command = send("bob", "phone", 2);
    message_of(&mut command).allowed = false;
    assert_send_refused(&command, Refusal::NotAllowed);
    for change in actions(target(1, 2)) {
        let is_delete = change == delete(target(1, 2));
        let mut command = acts("alice", 2, change);
        if let Action::Change { allowed, .. } = &mut command.action {
            *allowed = false;
        }
        if is_delete {
            let (chat, messages) = with_messages();
            assert_eq!(messages.decide(&chat, &command, TimeMs(20)).events.len(), 1, "also of who is blocked by now");
        } else {
            assert_action_refused(&command, Refusal::NotAllowed);
        }
    }
}

#[test]
fn body_too_large() {
    let mut command = send("bob", "phone", 2);
    command.rules.body_bytes_max = 3;
    message_of(&mut command).body.bytes = Bytes::from_static(b"four");
    assert_send_refused(&command, Refusal::BodyTooLarge);
    message_of(&mut command).body.bytes = Bytes::from_static(b"two");
    assert_eq!(tell(&mut open(), &command, 20).events.len(), 1, "a body of just the limit is taken");
}

#[test]
fn bad_counter() {
    assert_send_refused(&send("alice", "phone", 0), Refusal::BadCounter);
    assert_send_refused(&send("bob", "phone", 0), Refusal::BadCounter);
    for change in actions(target(1, 2)) {
        assert_action_refused(&acts("bob", 0, change), Refusal::BadCounter);
    }
}

#[test]
fn counter_too_old() {
    let mut chat = open();
    tell(&mut chat, &send("alice", "phone", 200), 10);
    for counter in [0, 1, 2, 72] {
        let command = send("alice", "phone", counter);
        assert_eq!(decide(&chat, None, &command, TimeMs(20)), Ok(refuses(&command, Refusal::CounterTooOld)));
    }
    assert_eq!(tell(&mut chat, &send("alice", "phone", 73), 20).events.len(), 1, "the window reaches down to here");
    assert_eq!(tell(&mut chat, &send("alice", "tablet", 1), 20).events.len(), 1, "it is the device's own");
    assert_eq!(tell(&mut chat, &send("bob", "phone", 1), 20).events.len(), 1, "and the user's");
}

#[test]
fn stale_epoch() {
    for epoch in [0, 2] {
        let mut command = send("bob", "phone", 2);
        message_of(&mut command).body.epoch = Epoch(epoch);
        assert_send_refused(&command, Refusal::StaleEpoch { current: Epoch(1) });
    }
}

#[test]
fn seq_ahead() {
    for command in [delivered("alice", 2), read("bob", 2), read("bob", u64::MAX)] {
        assert_eq!(decide(&open(), None, &command, TimeMs(20)), Ok(refuses(&command, Refusal::SeqAhead)));
    }
}

#[test]
fn poison() {
    for command in [send("alice", "phone", 2), delivered("bob", 1), read("carol", 1)] {
        assert_eq!(refuse_poison(&command), refuses(&command, Refusal::Poison));
    }
}

#[test]
fn unknown_rules_are_not_decided_at_all() {
    for number in [0, RulesNumber::NEWEST.0 + 1] {
        let all = [send("alice", "phone", 1), send("alice", "phone", 2), read("bob", 1)];
        for mut command in all.into_iter().chain(actions(target(1, 2)).map(|change| acts("alice", 2, change))) {
            command.rules.number = RulesNumber(number);
            assert_eq!(decide(&open(), None, &command, TimeMs(20)), Err(UnknownRules { number }));
        }
    }
}

#[test]
fn a_repeat_is_recognised_before_anything_else() {
    let spoil: [fn(&mut Command); 8] = [
        |_| {},
        |command| command.rules.body_bytes_max = 0,
        |command| message_of(command).body.epoch = Epoch(7),
        |command| message_of(command).allowed = false,
        |command| message_of(command).peer = Some(user("carol")),
        |command| message_of(command).peer = Some(user("alice")),
        |command| message_of(command).peer = None,
        |command| message_of(command).body.bytes = Bytes::from_static(b"something else"),
    ];
    let mut all_at_once = send("alice", "phone", 1);
    spoil.iter().for_each(|spoil| spoil(&mut all_at_once));
    let spoilt = spoil.map(|spoil| {
        let mut command = send("alice", "phone", 1);
        spoil(&mut command);
        command
    });
    let mut chat = open();
    tell(&mut chat, &send("bob", "phone", 1), 30);
    for command in spoilt.iter().chain([&all_at_once]) {
        assert_eq!(decide(&chat, None, command, TimeMs(40)), Ok(sent_again(1, 1, 10)), "{command:?}");
    }
}

#[test]
fn a_refused_message_may_be_sent_again() {
    let mut chat = Chat::new(chat_id());
    let mut stale = send("alice", "phone", 1);
    message_of(&mut stale).body.epoch = Epoch(2);
    assert_eq!(tell(&mut chat, &stale, 10), refuses(&stale, Refusal::StaleEpoch { current: Epoch(1) }));
    assert_eq!(tell(&mut chat, &send("alice", "phone", 1), 20).events.len(), 2);
    assert_eq!(tell(&mut chat, &send("alice", "phone", 1), 30), sent_again(1, 1, 20));
}

fn sent_again(counter: u64, seq: u64, time: u64) -> Decision {
    let entry = Entry::Repeated {
        chat: chat_id(),
        device: device("phone"),
        counter: Counter(counter),
        seq: Seq(seq),
        time: TimeMs(time),
    };
    only_tells(&user("alice"), entry)
}
