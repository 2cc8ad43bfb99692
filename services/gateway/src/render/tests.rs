use bytes::Bytes;
use chasqui_domain::{ContentType, Epoch, LogId, Offset, RulesNumber, Version};

use super::*;
use crate::limits;

const LOG: LogId = LogId([1; 16]);

fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn device(text: &str) -> DeviceId {
    DeviceId::new(text).unwrap()
}

fn chat() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

fn event() -> Event {
    let body = Sealed {
        epoch: Epoch::FIRST,
        content_type: ContentType::new("text/plain").unwrap(),
        bytes: Bytes::from_static(b"sealed"),
    };
    let kind =
        EventKind::Message { seq: Seq(3), sender: user("alice"), device: device("phone"), counter: Counter(7), body };
    Event { chat: chat(), version: Version(4), time: TimeMs(9), rules: RulesNumber(1), kind }
}

fn frame(delivery: &Delivery) -> ServerFrame {
    frames::parse(delivery.frame.as_ref().unwrap()).unwrap()
}

fn at(offset: u64) -> Position {
    Position { log: LOG, offset: Offset(offset) }
}

fn cursor_of(name: &str) -> String {
    cursor::encode(&user(name), &Cursor { position: at(6), day: Day(3) })
}

fn of_body(body: Body) -> Opened {
    Opened { body: Some(body), ..Opened::default() }
}

#[test]
fn a_message_is_sent_to_its_device_and_a_message_to_all_others() {
    let body = Body { text: Some(cursor_of("alice")), meta: Some(r#"{"a":1}"#.to_owned()), ..Body::default() };
    let mut rendered = Rendered::new(at(5), Day(3), Entry::Message { event: event() }, of_body(body));

    let own = rendered.delivery(&user("alice"), &device("phone"));
    assert_eq!((own.offset, own.kept, own.settles), (Offset(5), true, Some((chat(), Counter(7)))));
    let ServerFrame::Sent(sent) = frame(&own) else { panic!() };
    assert_eq!((sent.cursor, sent.id, sent.seq, sent.repeated), (cursor_of("alice"), Counter(7), Seq(3), false));

    let mut shown = Vec::new();
    for (name, device_name) in [("alice", "laptop"), ("bob", "phone"), ("bob", "laptop")] {
        let delivery = rendered.delivery(&user(name), &device(device_name));
        assert_eq!(delivery.settles, None);
        let ServerFrame::Message(message) = frame(&delivery) else { panic!() };
        assert_eq!(message.cursor, Some(cursor_of(name)));
        // The text looks like the first user's cursor and stays what it is.
        assert_eq!(message.text, Some(cursor_of("alice")));
        assert_eq!(message.meta, Some(serde_json::json!({"a": 1})));
        shown.push(delivery.frame.unwrap());
    }
    assert_eq!(shown[1].as_str().as_ptr(), shown[2].as_str().as_ptr(), "sessions of a user share the frame");
}

#[test]
fn outcomes_are_for_the_device_that_asked() {
    let refusal = Refusal::StaleEpoch { current: Epoch(2) };
    let refused = Entry::Refused { chat: chat(), device: device("phone"), counter: Some(Counter(7)), refusal };
    let mut rendered = Rendered::new(at(5), Day(3), refused, Opened::default());
    let ServerFrame::Failed(failed) = frame(&rendered.delivery(&user("alice"), &device("phone"))) else { panic!() };
    assert_eq!((failed.code, failed.retry, failed.epoch), (Code::StaleEpoch, true, Some(Epoch(2))));
    assert_eq!((failed.id, failed.cursor), (Some(Counter(7)), Some(cursor_of("alice"))));
    let other = rendered.delivery(&user("alice"), &device("laptop"));
    assert_eq!((other.frame, other.settles), (None, None));

    let (counter, seq) = (Counter(7), Seq(3));
    let repeated = Entry::Repeated { chat: chat(), device: device("phone"), counter, seq, time: TimeMs(9) };
    let delivery = Rendered::new(at(5), Day(3), repeated, Opened::default()).delivery(&user("alice"), &device("phone"));
    assert_eq!(delivery.settles, Some((chat(), counter)));
    assert!(matches!(frame(&delivery), ServerFrame::Sent(Sent { repeated: true, .. })));
}

#[test]
fn a_receipt_is_not_kept() {
    let receipt = Entry::Receipt {
        chat: chat(),
        version: Version(5),
        time: TimeMs(9),
        member: user("bob"),
        delivered: Seq(3),
        read: Seq(2),
    };
    let mut rendered = Rendered::new(at(5), Day(3), receipt, Opened::default());
    for name in ["alice", "bob"] {
        let delivery = rendered.delivery(&user(name), &device("phone"));
        assert!(!delivery.kept);
        let ServerFrame::Receipt(receipt) = frame(&delivery) else { panic!() };
        assert_eq!((receipt.cursor, receipt.delivered, receipt.read), (Some(cursor_of(name)), Seq(3), Seq(2)));
    }
}

#[test]
fn a_change_is_done_for_its_device_and_a_change_for_all_others() {
    let kind = EventKind::Changed {
        by: user("alice"),
        device: device("phone"),
        counter: Counter(7),
        after: Seq(3),
        change: Change::Describe { title: None, picture: None },
    };
    let entry = Entry::Changed { event: Event { kind, ..event() } };
    let opened = Opened { title: Some("t".to_owned()), ..Opened::default() };
    let mut rendered = Rendered::new(at(5), Day(3), entry, opened);
    let own = rendered.delivery(&user("alice"), &device("phone"));
    assert_eq!((own.kept, own.settles), (true, Some((chat(), Counter(7)))));
    let ServerFrame::Done(done) = frame(&own) else { panic!() };
    assert_eq!((done.cursor, done.id, done.repeated), (cursor_of("alice"), Counter(7), false));
    for (name, device_name) in [("alice", "laptop"), ("bob", "phone")] {
        let delivery = rendered.delivery(&user(name), &device(device_name));
        let ServerFrame::Changed(changed) = frame(&delivery) else { panic!() };
        assert_eq!((changed.cursor, changed.after, changed.by), (Some(cursor_of(name)), Seq(3), user("alice")));
        assert_eq!(changed.change, ChangeMade::Describe { title: Some("t".to_owned()), picture: None });
    }
    let done = Entry::Done { chat: chat(), device: device("phone"), counter: Counter(7), time: TimeMs(9) };
    let mut rendered = Rendered::new(at(5), Day(3), done, Opened::default());
    let delivery = rendered.delivery(&user("alice"), &device("phone"));
    assert!(matches!(frame(&delivery), ServerFrame::Done(Done { repeated: true, .. })));
    assert_eq!(rendered.delivery(&user("alice"), &device("laptop")).frame, None);
}

/// The socket refuses what is longer, whatever the limits on messages are.
#[test]
fn the_longest_change_fits_into_what_a_socket_holds_back() {
    let users = (0..limits::GROUP_MEMBERS_LIMIT).map(|n| user(&format!("{n:04}{}", "\"".repeat(124)))).collect();
    let (by, kind) = (user(&"\\".repeat(128)), |by, change| EventKind::Changed {
        by,
        device: device("phone"),
        counter: Counter(7),
        after: Seq(3),
        change,
    });
    let event = Event { kind: kind(by, Change::Add { users }), ..event() };
    let mut rendered = Rendered::new(at(5), Day(3), Entry::Changed { event }, Opened::default());
    let shown = rendered.delivery(&user("bob"), &device("phone")).frame.unwrap();
    assert!(shown.len() > 250 * 1024, "{} bytes", shown.len());
    assert!(shown.len() <= limits::write_buffer_bytes_max(1), "{} bytes", shown.len());
}
