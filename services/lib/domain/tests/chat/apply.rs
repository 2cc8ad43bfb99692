//! Events that can't follow the state are refused, and the state stays as it was.

use chasqui_domain::{
    Chat, ChatId, Counter, Event, EventKind, RulesNumber, Seq, TimeMs, UserId, Version, chat::Inapplicable,
};

use crate::fixtures::{chat_id, device, read, sealed, send, tell, user};

/// Two messages and a receipt: version 4, seq 2, time 30.
fn open() -> Chat {
    let mut chat = Chat::new(chat_id());
    tell(&mut chat, &send("alice", "phone", 1), 10);
    tell(&mut chat, &send("bob", "phone", 1), 20);
    tell(&mut chat, &read("alice", 1), 30);
    chat
}

fn event(version: u64, kind: EventKind) -> Event {
    Event { chat: chat_id(), version: Version(version), time: TimeMs(40), rules: RulesNumber(1), kind }
}

fn message(version: u64, seq: u64, sender: &str) -> Event {
    let kind = EventKind::Message {
        seq: Seq(seq),
        sender: user(sender),
        device: device("phone"),
        counter: Counter(2),
        body: sealed(3),
    };
    event(version, kind)
}

fn opened(version: u64) -> Event {
    event(version, EventKind::Opened { members: vec![user("alice"), user("bob")] })
}

fn receipts(version: u64, member: UserId, seq: u64) -> [Event; 2] {
    let delivered = EventKind::Delivered { member: member.clone(), seq: Seq(seq) };
    let read = EventKind::Read { member, seq: Seq(seq) };
    [event(version, delivered), event(version, read)]
}

fn refuse(chat: &Chat, event: &Event) -> Inapplicable {
    let mut after = chat.clone();
    let refused = after.apply(event).unwrap_err();
    assert_eq!(after, *chat, "{event:?} was refused and left a trace");
    refused
}

fn assert_refused_for(chat: &Chat, event: &Event, reason: &str) {
    let refused = refuse(chat, event);
    assert!(matches!(refused, Inapplicable::Event { why, .. } if why == reason), "{refused:?}");
}

#[test]
fn the_next_event_of_each_kind_is_taken() {
    open().apply(&message(5, 3, "bob")).unwrap();
    for event in receipts(5, user("bob"), 2) {
        open().apply(&event).unwrap();
    }
    Chat::new(chat_id()).apply(&opened(1)).unwrap();
}

#[test]
fn another_version() {
    for version in [0, 3, 4, 6, u64::MAX] {
        let refused = Inapplicable::Version { chat: chat_id(), last: Version(4), found: Version(version) };
        for event in [message(version, 3, "bob"), opened(version)].into_iter().chain(receipts(version, user("bob"), 2))
        {
            assert_eq!(refuse(&open(), &event), refused);
        }
    }
}

#[test]
fn another_seq() {
    for seq in [0, 2, 4, u64::MAX] {
        let refused = Inapplicable::Seq { chat: chat_id(), last: Seq(2), found: Seq(seq) };
        assert_eq!(refuse(&open(), &message(5, seq, "bob")), refused);
    }
}

#[test]
fn another_chat() {
    let mut foreign = message(5, 3, "bob");
    foreign.chat = ChatId::direct(&user("bob"), &user("carol"));
    assert_refused_for(&open(), &foreign, "it is another chat's");
}

#[test]
fn an_earlier_time() {
    let mut early = message(5, 3, "bob");
    early.time = TimeMs(29);
    assert_refused_for(&open(), &early, "its time lies before the chat's");
    early.time = TimeMs(30);
    open().apply(&early).unwrap();
}

#[test]
fn unknown_rules() {
    for number in [0, RulesNumber::NEWEST.0 + 1] {
        let mut event = message(5, 3, "bob");
        event.rules = RulesNumber(number);
        assert!(matches!(refuse(&open(), &event), Inapplicable::Rules(_)));
    }
}

#[test]
fn a_second_opening() {
    assert_refused_for(&open(), &opened(5), "the chat is open already");
}

#[test]
fn somebody_who_is_not_a_member() {
    assert_refused_for(&open(), &message(5, 3, "carol"), "its user is not a member");
    assert_refused_for(&Chat::new(chat_id()), &message(1, 1, "alice"), "its user is not a member");
    for event in receipts(5, user("carol"), 1) {
        assert_refused_for(&open(), &event, "its user is not a member");
    }
}

#[test]
fn a_watermark_beyond_the_last_message() {
    for event in receipts(5, user("bob"), 3) {
        assert_refused_for(&open(), &event, "its watermark lies beyond the last message");
    }
}

/// No decision gives such events; still, folding one must not take back what others were told.
#[test]
fn a_lower_watermark_lowers_nothing() {
    let mut before = open();
    tell(&mut before, &read("bob", 2), 40);
    for event in receipts(6, user("bob"), 1) {
        let mut after = before.clone();
        after.apply(&event).unwrap();
        after.validate().unwrap();
        assert_eq!((after.version, &after.members), (Version(6), &before.members));
    }
}
