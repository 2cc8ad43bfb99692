//! What is done again and again while a message goes its way, with a text of 100 bytes.

use std::{fmt::Debug, hint::black_box};

use bytes::Bytes;
use chasqui_domain::{
    Action, Chat, ChatId, Command, ContentType, Counter, Day, DeviceId, Entry, Epoch, Event, EventKind, Incarnation,
    LogId, Offset, Partition, Position, Rules, RulesNumber, Sealed, Send, Seq, Source, Term, TimeMs, UserId, Version,
};
use chasqui_wire::{
    Error,
    body::Body,
    command,
    cursor::{self, Cursor},
    entry, event,
    frames::{self, Ack, ClientFrame, Message, Receipt, SendFrame, Sent, ServerFrame},
    gateway_record::GatewayRecord,
    inbox::InboxRecord,
    member::{self, ChatMember},
    message::{self, MessageState, Reacted},
    summary::{self, ChatSummary},
};

/// One of them.
pub(crate) struct Operation {
    pub(crate) name: String,
    /// Whether it is one of a record, which apache-avro can do as well.
    pub(crate) is_of_record: bool,
    pub(crate) run: Box<dyn Fn()>,
}

struct Operations(Vec<Operation>);

impl Operations {
    fn add<T: 'static>(&mut self, name: &str, run: impl Fn() -> T + 'static) {
        self.push(name, false, run);
    }

    fn record<T: 'static + Debug>(
        &mut self,
        name: &str,
        encode: impl Fn() -> Result<Bytes, Error> + 'static,
        decode: impl Fn(&[u8]) -> Result<T, Error> + 'static,
    ) {
        let bytes = encode().unwrap();
        decode(&bytes).unwrap();
        self.push(&format!("{name}, encode"), true, encode);
        self.push(&format!("{name}, decode"), true, move || decode(black_box(&bytes)));
    }

    fn push<T: 'static>(&mut self, name: &str, is_of_record: bool, run: impl Fn() -> T + 'static) {
        let run = Box::new(move || drop(black_box(run())));
        self.0.push(Operation { name: name.to_owned(), is_of_record, run });
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Operation> {
    let mut operations = Operations(Vec::new());
    commands(&mut operations);
    outputs(&mut operations);
    client_frames(&mut operations);
    server_frames(&mut operations);
    texts(&mut operations);
    operations.0
}

fn commands(operations: &mut Operations) {
    let send = Send { peer: Some(bob()), counter: Counter(5), allowed: true, body: sealed() };
    for (name, action) in [
        ("command send", Action::Send(send)),
        ("command delivered", Action::Delivered { seq: Seq(300) }),
        ("command read", Action::Read { seq: Seq(300) }),
    ] {
        let command = Command { chat: chat(), sender: alice(), device: phone(), rules: Rules::default(), action };
        operations.record(name, move || command::encode(&command), command::decode);
    }
}

fn outputs(operations: &mut Operations) {
    let body = body();
    operations.record("body", move || body.encode(), Body::decode);
    let (message, source) = (message(), source());
    let of = message.clone();
    operations.record("event", move || event::encode(&of, &source), event::decode);
    let (_, cell) = event::encode_envelope(&message, &source).unwrap();
    let of = message.clone();
    operations.record(
        "event of a row",
        move || event::encode_envelope(&of, &source).map(|(envelope, _)| envelope),
        move |bytes| event::decode_row(bytes, cell.as_ref()),
    );
    let entry = Entry::Message { event: message.clone() };
    let of = entry.clone();
    operations.record("entry message", move || entry::encode(&of), entry::decode);
    let receipt = Entry::Receipt {
        chat: chat(),
        version: Version(301),
        time: TimeMs(1_700_000_000_123),
        member: bob(),
        delivered: Seq(300),
        read: Seq(299),
    };
    operations.record("entry receipt", move || entry::encode(&receipt), entry::decode);
    let record = InboxRecord { source, recipients: vec![alice(), bob()], entry: entry.clone() };
    operations.record("inbox record", move || record.encode(), InboxRecord::decode);
    let push = GatewayRecord::Push {
        term: Term(5),
        incarnation: Incarnation(700),
        partition: Partition(3),
        offset: Offset(1_000_000),
        recipients: vec![bob()],
        entry: entry::encode(&entry).unwrap(),
    };
    operations.record("push", move || push.encode(), GatewayRecord::decode);
    let state = state(&message);
    let shown = ChatSummary::from(&state);
    operations.record("summary", move || summary::encode(&shown), summary::decode);
    let shown = ChatMember::from(&state.members[0]);
    operations.record("member", move || member::encode(&shown), member::decode);
    let reacted = Reacted { kind: sealed(), by: bob(), users: vec![bob()] };
    let acted = MessageState { edited: Some((Version(3), message.time)), reactions: vec![reacted], deleted: None };
    operations.record("message state", move || message::encode(&acted), message::decode);
}

fn client_frames(operations: &mut Operations) {
    let send = SendFrame {
        id: Counter(5),
        to: Some(bob()),
        chat: None,
        text: Some(text()),
        content_type: None,
        body: None,
        reply_to: None,
        mentions: vec![],
        meta: None,
    };
    let ack = Ack { cursor: cursor::encode(&bob(), &at()), delivered: [(chat(), Seq(300))].into() };
    for frame in [ClientFrame::Send(Box::new(send)), ClientFrame::Ack(ack)] {
        let text = frames::to_text(&frame).unwrap();
        let of = text.clone();
        operations
            .add(&format!("frame {}, parse", frame.name()), move || frames::parse_client(black_box(&of)).unwrap());
        operations.add(&format!("frame {}, parse by serde", frame.name()), move || {
            frames::parse::<ClientFrame>(black_box(&text)).unwrap()
        });
    }
}

fn server_frames(operations: &mut Operations) {
    let (cursor, time) = (cursor::encode(&bob(), &at()), TimeMs(1_700_000_000_123));
    let message = Message {
        cursor: Some(cursor.clone()),
        chat: chat(),
        seq: Seq(300),
        time,
        from: alice(),
        device: phone(),
        id: Counter(5),
        content_type: ContentType::new("text/plain").unwrap(),
        text: Some(text()),
        body: None,
        reply_to: None,
        mentions: vec![],
        meta: None,
        edited: None,
        deleted: None,
        reactions: vec![],
    };
    let sent = Sent { cursor: cursor.clone(), chat: chat(), id: Counter(5), seq: Seq(300), time, repeated: false };
    let receipt =
        Receipt { cursor: Some(cursor), chat: chat(), user: bob(), delivered: Seq(300), read: Seq(299), time };
    for (name, frame) in [
        ("message", ServerFrame::Message(Box::new(message))),
        ("sent", ServerFrame::Sent(sent)),
        ("receipt", ServerFrame::Receipt(receipt)),
    ] {
        operations.add(&format!("frame {name}, text"), move || frames::to_text(&frame).unwrap());
    }
}

fn texts(operations: &mut Operations) {
    let user = bob();
    let text = cursor::encode(&user, &at());
    let of = user.clone();
    operations.add("cursor, encode", move || cursor::encode(&of, &at()));
    operations.add("cursor, decode", move || cursor::decode(&user, black_box(&text)).unwrap());
    let (chat, text) = (chat(), chat().to_string());
    operations.add("chat id, text", move || chat.to_string());
    operations.add("chat id, parse", move || ChatId::parse(black_box(&text)).unwrap());
}

fn text() -> String {
    "A hundred bytes, as people write them to each other: some words, a number (42), and an end of it at last.."
        .chars()
        .take(100)
        .collect()
}

fn body() -> Body {
    Body { text: Some(text()), ..Body::default() }
}

/// The plaintext behind a nonce of 24 bytes, and a tag of 16.
fn sealed() -> Sealed {
    let length = body().encode().unwrap().len() + 40;
    let bytes = (0..length).map(|at| (at * 7) as u8).collect::<Vec<_>>();
    Sealed { epoch: Epoch(1), content_type: ContentType::new("text/plain").unwrap(), bytes: bytes.into() }
}

fn alice() -> UserId {
    UserId::new("alice@example.org").unwrap()
}

fn bob() -> UserId {
    UserId::new("bob@example.org").unwrap()
}

fn phone() -> DeviceId {
    DeviceId::new("phone-7f3a").unwrap()
}

fn chat() -> ChatId {
    ChatId::direct(&alice(), &bob())
}

fn source() -> Source {
    Source { log: LogId(*b"a life of topics"), partition: Partition(3), offset: Offset(1_000_000), index: 0 }
}

fn at() -> Cursor {
    Cursor { position: Position { log: source().log, offset: Offset(1_000_000) }, day: Day(20_000) }
}

fn message() -> Event {
    Event {
        chat: chat(),
        version: Version(2),
        time: TimeMs(1_700_000_000_123),
        rules: RulesNumber(1),
        kind: EventKind::Message { seq: Seq(1), sender: alice(), device: phone(), counter: Counter(5), body: sealed() },
    }
}

/// The chat behind its first message.
fn state(message: &Event) -> Chat {
    let mut state = Chat::new(chat());
    let kind = EventKind::Opened { members: vec![alice(), bob()] };
    state.apply(&Event { version: Version(1), kind, ..message.clone() }).unwrap();
    state.apply(message).unwrap();
    state
}
