//! What tests of the terminal client share.

use std::time::Duration;

use chasqui_client::{Asked, ChangeAsked, To, Update};
use chasqui_domain::{ChatId, ContentType, Counter, DeviceId, Role, Seq, TimeMs, UserId};
use chasqui_wire::frames::{
    ChangeFrame, ChangeMade, Changed, ChatItem, Counts, Done, Edit, Failed, GroupItem, MemberReceipt, Message,
    MessageCount, Messages, OthersReceipt, ReactionItem, Receipt, SendFrame, Sent,
};
use jiff::tz::TimeZone;

use super::{
    model::{Event, Model, Summary},
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

/// A group that alice has made.
pub(super) fn group() -> ChatId {
    ChatId::group(&user("alice"), &device(), Counter(1))
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
        edited: None,
        deleted: None,
        reactions: Vec::new(),
        reply_to: None,
        mentions: Vec::new(),
        meta: None,
    }
}

/// The screen of alice, who chats with bob.
pub(super) fn model(columns: u16, rows: u16) -> Model {
    model_of(user("bob").into(), columns, rows)
}

/// The screen of alice, who is in a group.
pub(super) fn group_model(columns: u16, rows: u16) -> Model {
    model_of(group().into(), columns, rows)
}

fn model_of(to: To, columns: u16, rows: u16) -> Model {
    let mut model = Model::new(user("alice"), to, TimeZone::UTC, Theme { has_colour: false });
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
    let item = ChatItem {
        chat: chat(),
        with: Some(user("bob")),
        group: None,
        last_seq: Seq(last_seq),
        last_time: MORNING,
        unread,
        members: vec![member("alice", last_seq, mine_read), member("bob", theirs.0, theirs.1)],
        last_message: None,
        pinned: Vec::new(),
    };
    Event::Summary(Some(Box::new(Summary { item, others: None })))
}

/// The group in the list, all of it read, with how far the others have come.
pub(super) fn group_summary(title: &str, last_seq: u64, others: (u32, u64, u64)) -> Event {
    let (title, picture, role) = (Some(title.to_owned()), None, Role::Owner);
    let item = ChatItem {
        chat: group(),
        with: None,
        group: Some(Box::new(GroupItem { title, picture, members_count: others.0 + 1, role, joined: MORNING })),
        last_seq: Seq(last_seq),
        last_time: MORNING,
        unread: 0,
        members: vec![MemberReceipt { user: user("alice"), delivered: Seq(last_seq), read: Seq(last_seq) }],
        last_message: None,
        pinned: Vec::new(),
    };
    let others = OthersReceipt { count: others.0, delivered: Seq(others.1), read: Seq(others.2) };
    Event::Summary(Some(Box::new(Summary { item, others: Some(others) })))
}

/// A message of the group.
pub(super) fn group_message(seq: u64, from: &str, text: &str) -> Message {
    Message { chat: group(), ..message(seq, from, text) }
}

/// The `number`th change of the group, half a minute behind the message before it, of a device that isn't ours.
pub(super) fn changed(number: u64, after: u64, by: &str, change: ChangeMade) -> Changed {
    Changed {
        cursor: None,
        chat: group(),
        time: TimeMs(MORNING.0 + after * 60_000 + 30_000),
        after: Seq(after),
        by: user(by),
        device: DeviceId::new("other").unwrap(),
        id: Counter(number),
        change,
    }
}

/// What this device asked for is done.
pub(super) fn done(id: u64, change: Option<ChangeAsked>) -> Update {
    let frame = |change| {
        Box::new(Asked::Change(Box::new(ChangeFrame { id: Counter(id), to: None, chat: Some(group()), change })))
    };
    let (cursor, time) = ("c".to_owned(), MORNING);
    let done = Done { cursor, chat: group(), id: Counter(id), time, repeated: false };
    Update::Done { asked: change.map(frame), done }
}

/// The same in the direct chat.
pub(super) fn done_with(id: u64, change: ChangeAsked, minute: u64) -> Update {
    let frame = ChangeFrame { id: Counter(id), to: Some(user("bob")), chat: None, change };
    let (cursor, time) = ("c".to_owned(), TimeMs(MORNING.0 + minute * 60_000));
    let done = Done { cursor, chat: chat(), id: Counter(id), time, repeated: false };
    Update::Done { asked: Some(Box::new(Asked::Change(Box::new(frame)))), done }
}

/// Something that was done in the direct chat at a minute, by somebody on another device.
pub(super) fn acted(number: u64, minute: u64, by: &str, change: ChangeMade) -> Event {
    let time = TimeMs(MORNING.0 + minute * 60_000);
    update(Update::Changed(Box::new(Changed { chat: chat(), time, ..changed(number, 0, by, change) })))
}

/// A message says something else.
pub(super) fn edit(seq: u64, text: &str) -> ChangeMade {
    let (text, content_type) = (Some(text.to_owned()), ContentType::new("text/plain").ok());
    let (body, reply_to, mentions, meta) = (None, None, Vec::new(), None);
    ChangeMade::Edit(Box::new(Edit { seq: Seq(seq), text, content_type, body, reply_to, mentions, meta }))
}

/// One kind of reaction.
pub(super) fn reaction(kind: &str, count: u32, own: bool) -> ReactionItem {
    ReactionItem { reaction: Some(kind.to_owned()), count, own }
}

/// How many others have what all have of the group, and of each message.
pub(super) fn counts(others: (u32, u64, u64), messages: &[(u64, u32, u32)]) -> Update {
    let others = OthersReceipt { count: others.0, delivered: Seq(others.1), read: Seq(others.2) };
    let of = |&(seq, delivered, read): &(u64, u32, u32)| MessageCount { seq: Seq(seq), delivered, read };
    Update::Counts(Counts { chat: group(), others, messages: messages.iter().map(of).collect() })
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
    sent_in(user("bob").into(), id, seq)
}

pub(super) fn sent_in(to: To, id: u64, seq: u64) -> Event {
    let sent = Sent {
        cursor: "c".to_owned(),
        chat: to.chat(&user("alice")),
        id: Counter(id),
        seq: Seq(seq),
        time: TimeMs(MORNING.0 + seq * 60_000),
        repeated: false,
    };
    update(Update::Sent { to: Some(to), sent })
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

pub(super) fn unsent(to: &str, id: u64, text: &str) -> Asked {
    Asked::Send(Box::new(SendFrame {
        id: Counter(id),
        to: Some(user(to)),
        chat: None,
        text: Some(text.to_owned()),
        content_type: None,
        body: None,
        reply_to: None,
        mentions: Vec::new(),
        meta: None,
    }))
}
