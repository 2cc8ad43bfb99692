mod actions;
mod group;

use chasqui_domain::TimeMs;
use chasqui_wire::{
    Code,
    frames::{MemberReceipt, Receipt},
};

use super::{
    super::super::testing::{chat, device, message, unsent, user},
    *,
};

fn script() -> Script {
    Script::new(user("alice"), user("bob"), device(), TimeZone::UTC)
}

fn printed(effects: Vec<Effect>) -> Vec<String> {
    let print = |effect| match effect {
        Effect::Print(line) => Some(line),
        _ => None,
    };
    effects.into_iter().filter_map(print).collect()
}

fn connected(resumed: bool) -> Update {
    Update::Connected { user: user("alice"), device: device(), resumed, not_resumed: None }
}

fn sent(id: u64, seq: u64) -> Update {
    let (id, seq) = (Counter(id), Seq(seq));
    let sent = Sent { cursor: "c".to_owned(), chat: chat(), id, seq, time: TimeMs(0), repeated: false };
    Update::Sent { to: Some(user("bob").into()), sent }
}

fn receipt(name: &str, delivered: u64, read: u64) -> Update {
    Update::Receipt(Receipt {
        cursor: None,
        chat: chat(),
        user: user(name),
        delivered: Seq(delivered),
        read: Seq(read),
        time: TimeMs(0),
    })
}

#[test]
fn a_message_is_one_clean_line_and_is_read() {
    let mut script = script();
    let effects = script.update(Update::Message(Box::new(message(3, "bob", "hi\n\x1b[2Jthere"))));
    assert_eq!(effects, [Effect::Print("06:03 #3 bob: hi⏎␛[2Jthere".to_owned()), Effect::Read(Seq(3))]);
}

#[test]
fn what_comes_again_is_not_printed_again() {
    let mut script = script();
    assert_eq!(script.message(message(3, "bob", "hi")).len(), 2);
    for seq in [3, 2] {
        assert_eq!(script.update(Update::Message(Box::new(message(seq, "bob", "hi")))), []);
    }
    assert_eq!(printed(script.message(message(4, "alice", "from my phone"))), ["06:04 #4 alice: from my phone"]);
    let mut mine = message(5, "alice", "from here");
    mine.device = device();
    assert_eq!(script.message(mine), []);
}

#[test]
fn outcomes_and_receipts_are_told_once() {
    let mut script = script();
    script.queued(Counter(1));
    script.queued(Counter(2));
    assert_eq!(printed(script.update(sent(1, 5))), ["✓ 1 #5"]);
    assert_eq!(script.update(sent(1, 5)), []);
    assert_eq!(printed(script.update(sent(2, 7))), ["✓ 2 #7"]);
    assert_eq!(script.update(receipt("alice", 9, 9)), [], "one's own");
    assert_eq!(printed(script.update(receipt("bob", 7, 0))), ["✓✓ 1 delivered", "✓✓ 2 delivered"]);
    assert_eq!(printed(script.update(receipt("bob", 7, 6))), ["✓✓ 1 read"]);
    assert_eq!(printed(script.update(receipt("bob", 7, 6))), [""; 0]);
    assert_eq!(printed(script.update(receipt("bob", 7, 7))), ["✓✓ 2 read"]);
}

#[test]
fn it_is_done_when_everything_has_its_outcome_and_the_inbox_was_read() {
    let mut script = script();
    assert!(!script.is_done());
    script.update(Update::CaughtUp);
    assert!(script.is_done());
    script.waits(&unsent("carol", 8, "x"));
    assert_eq!(script.unsent(), 0, "of another chat");
    script.waits(&unsent("bob", 8, "x"));
    assert_eq!((script.is_done(), script.unsent()), (false, 1));
    let code = Code::NotAllowed;
    let failed = Failed {
        cursor: None,
        chat: None,
        to: Some(user("bob")),
        id: Some(Counter(8)),
        code,
        retry: false,
        retry_in_ms: None,
        message: "no".to_owned(),
        epoch: None,
    };
    assert_eq!(printed(script.update(Update::Failed(Box::new(failed)))), ["✗ 8 not_allowed: no"]);
    assert_eq!((script.is_done(), script.refused()), (true, 1));
}

#[test]
fn what_was_missed_begins_behind_what_was_read() {
    let mut script = script();
    assert_eq!(script.last_own(), None);
    assert!(!script.update(connected(true)).contains(&Effect::ReadMissed), "the inbox is read before");
    assert!(script.update(Update::CaughtUp).contains(&Effect::ReadMissed));
    assert!(!script.update(connected(true)).contains(&Effect::ReadMissed));
    assert!(script.update(connected(false)).contains(&Effect::ReadMissed));
    let member = |name: &str, read| MemberReceipt { user: user(name), delivered: Seq(9), read: Seq(read) };
    let item = ChatItem {
        chat: chat(),
        with: Some(user("bob")),
        group: None,
        last_seq: Seq(9),
        last_time: TimeMs(0),
        unread: 5,
        members: vec![member("bob", 9), member("alice", 4)],
        last_message: None,
        pinned: Vec::new(),
    };
    assert_eq!(script.missed_after(Some(&item)), Some(Seq(4)));
    assert_eq!(script.message(message(4, "bob", "read elsewhere")), []);
    script.message(message(6, "bob", "hi"));
    assert_eq!(script.missed_after(Some(&item)), Some(Seq(6)));
}
