//! What tests of the terminal client share.

use std::time::Duration;

use chasqui_client::Update;
use chasqui_domain::{ChatId, ContentType, Counter, DeviceId, Seq, TimeMs, UserId};
use chasqui_wire::frames::{ChatItem, Failed, MemberReceipt, Message, Messages, Receipt, SendFrame, Sent};
use jiff::tz::TimeZone;

use super::{
    model::{Event, Model},
    theme::Theme,
    timeline::Load,
};

/// A Tuesday, 06:00 UTC.
pub(super) const MORNING: TimeMs = TimeMs(1_795_500_000_000);

pub(super) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(super) fn chat() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

/// The device of whom the screen is.
pub(super) fn device() -> DeviceId {
    DeviceId::new("laptop").unwrap()
}

/// A message of the chat, each a minute behind the one before, with its seq as its id, of a device that isn't ours.
pub(super) fn message(seq: u64, from: &str, text: &str) -> Message {
    Message {
        cursor: None,
        chat: chat(),
        seq: Seq(seq),
        time: TimeMs(MORNING.0 + seq * 60_000),
        from: user(from),
        device: DeviceId::new("other").unwrap(),
        id: Counter(seq),
        content_type: ContentType::new("text/plain").unwrap(),
        text: Some(text.to_owned()),
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        meta: None,
    }
}

/// The screen of alice, who chats with bob.
pub(super) fn model(columns: u16, rows: u16) -> Model {
    let mut model = Model::new(user("alice"), user("bob"), TimeZone::UTC, Theme { has_colour: false });
    model.apply(Event::Resize { columns, rows }, Duration::ZERO);
    model.apply(Event::Opened { device: device(), unsent: Vec::new() }, Duration::ZERO);
    model.apply(connected(false), Duration::ZERO);
    model
}

pub(super) fn connected(resumed: bool) -> Event {
    update(Update::Connected { user: user("alice"), device: device(), resumed, not_resumed: None })
}

/// The chat in the list, with how far both have come.
pub(super) fn summary(last_seq: u64, unread: u64, mine_read: u64, theirs: (u64, u64)) -> Event {
    let member =
        |name: &str, delivered, read| MemberReceipt { user: user(name), delivered: Seq(delivered), read: Seq(read) };
    Event::Summary(Some(Box::new(ChatItem {
        chat: chat(),
        with: user("bob"),
        last_seq: Seq(last_seq),
        last_time: MORNING,
        unread,
        members: vec![member("alice", last_seq, mine_read), member("bob", theirs.0, theirs.1)],
        last_message: None,
    })))
}

pub(super) fn loaded(load: Load, messages: Vec<Message>) -> Event {
    Event::Loaded(load, Messages { messages, next: None })
}

pub(super) fn update(update: Update) -> Event {
    Event::Update(Box::new(update))
}

pub(super) fn came(message: Message) -> Event {
    update(Update::Message(Box::new(message)))
}

pub(super) fn sent(id: u64, seq: u64) -> Event {
    let sent = Sent {
        cursor: "c".to_owned(),
        chat: chat(),
        id: Counter(id),
        seq: Seq(seq),
        time: TimeMs(MORNING.0 + seq * 60_000),
        repeated: false,
    };
    update(Update::Sent { to: Some(user("bob")), sent })
}

pub(super) fn failed(id: u64, code: chasqui_wire::Code) -> Box<Failed> {
    Box::new(Failed {
        cursor: None,
        chat: Some(chat()),
        to: Some(user("bob")),
        id: Some(Counter(id)),
        code,
        retry: code.retry(),
        retry_in_ms: None,
        message: code.meaning().to_owned(),
        epoch: None,
    })
}

pub(super) fn receipt(name: &str, delivered: u64, read: u64) -> Update {
    Update::Receipt(Receipt {
        cursor: None,
        chat: chat(),
        user: user(name),
        delivered: Seq(delivered),
        read: Seq(read),
        time: TimeMs(0),
    })
}

pub(super) fn frame(to: &str, id: u64, text: &str) -> SendFrame {
    SendFrame {
        id: Counter(id),
        to: user(to),
        text: Some(text.to_owned()),
        content_type: None,
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        meta: None,
    }
}
