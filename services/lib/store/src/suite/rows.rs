//! Rows to write.

use bytes::Bytes;
use chasqui_domain::{
    ChatId, Counter, DeviceId, GatewayId, Incarnation, LogId, Offset, Partition, Position, Seq, SessionId, Source,
    TimeMs, UserId, Version,
};

use crate::{
    ChatRow, ChatUpdate, DeviceRow, EventRow, InboxRow, LogPartition, MemberRow, MemberState, MemberUpdate, MessageRow,
    MessageUpdate, Snapshot, Stream,
};

/// The log that rows are of.
pub const LOG: LogId = LogId([1; 16]);
/// The log of a former life.
pub const FORMER_LOG: LogId = LogId([0; 16]);
/// A day, in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A user of that name.
pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// The chat of `me` with a user.
pub fn chat(name: &str) -> ChatId {
    ChatId::direct(&user("me"), &user(name))
}

/// A partition of [`LOG`].
pub fn of(partition: u32) -> LogPartition {
    LogPartition { log: LOG, partition: Partition(partition) }
}

/// A row of the chat, caused by the command at ten times its version.
pub fn row(chat: ChatId, stream: Stream, version: u64) -> EventRow {
    EventRow {
        chat,
        stream,
        version: Version(version),
        source: Source { log: LOG, partition: Partition(0), offset: Offset(version * 10), index: 0 },
        envelope: Bytes::from(format!("envelope {version}")),
        // A body that is empty is another thing than none.
        body: match version % 3 {
            0 => None,
            1 => Some(Bytes::from(format!("body {version}"))),
            _ => Some(Bytes::new()),
        },
    }
}

/// The same, of the content.
pub fn content(chat: ChatId, version: u64) -> EventRow {
    row(chat, Stream::Content, version)
}

/// The same, of what was done to messages.
pub fn action(chat: ChatId, version: u64) -> EventRow {
    row(chat, Stream::Actions, version)
}

/// The same, as it is found by its message.
pub fn about(chat: ChatId, seq: Seq, version: u64) -> EventRow {
    EventRow { body: None, ..row(chat, Stream::About(seq), version) }
}

/// A group of that number.
pub fn group(number: u64) -> ChatId {
    ChatId::group(&user("me"), &DeviceId::new("phone").unwrap(), Counter(number))
}

/// What a chat comes to at a version, with these as new members.
pub fn update(chat: ChatId, version: u64, joined: &[&str]) -> ChatUpdate {
    let joined = joined.iter().map(|name| (*name, MemberState::Joined(state(name, version)))).collect::<Vec<_>>();
    ChatUpdate { summary: Some(Bytes::from(format!("summary {version}"))), ..member_update(chat, version, &joined) }
}

/// What members come to at a version, and nothing else of the chat.
pub fn member_update(chat: ChatId, version: u64, members: &[(&str, MemberState)]) -> ChatUpdate {
    let member = |(name, state): &(&str, MemberState)| MemberUpdate { user: user(name), state: state.clone() };
    let members = members.iter().map(member).collect();
    ChatUpdate { chat, version: Version(version), summary: None, members, messages: Vec::new() }
}

/// What these messages come to at a version, and nothing else of the chat.
pub fn message_update(chat: ChatId, version: u64, seqs: &[u64]) -> ChatUpdate {
    let message = |&seq: &u64| MessageUpdate { seq: Seq(seq), state: message_state(seq, version), erased: Vec::new() };
    ChatUpdate { messages: seqs.iter().map(message).collect(), ..member_update(chat, version, &[]) }
}

/// The same of one message, with the rows whose bodies are gone.
pub fn erasing(chat: ChatId, version: u64, seq: u64, erased: &[(Stream, u64)]) -> ChatUpdate {
    let erased = erased.iter().map(|&(stream, version)| (stream, Version(version))).collect();
    let message = MessageUpdate { seq: Seq(seq), state: message_state(seq, version), erased };
    ChatUpdate { messages: vec![message], ..member_update(chat, version, &[]) }
}

fn message_state(seq: u64, version: u64) -> Bytes {
    Bytes::from(format!("message {seq} at {version}"))
}

/// What has become of a message as of a version.
pub fn message_row(seq: u64, version: u64) -> MessageRow {
    MessageRow { seq: Seq(seq), state: message_state(seq, version) }
}

/// What is kept of a member as of a version.
pub fn state(name: &str, version: u64) -> Bytes {
    Bytes::from(format!("{name} at {version}"))
}

/// A chat as it is found, with the version of its summary and of each member who is shown.
pub fn chat_row(chat: ChatId, version: u64, members: &[(&str, u64)]) -> ChatRow {
    let members = members.iter().map(|(name, version)| member_row(name, *version)).collect();
    ChatRow { chat, summary: Bytes::from(format!("summary {version}")), members }
}

/// A member as of a version.
pub fn member_row(name: &str, version: u64) -> MemberRow {
    MemberRow { user: user(name), state: state(name, version) }
}

/// The state of a chat at a version.
pub fn snapshot(chat: ChatId, version: u64) -> Snapshot {
    Snapshot { chat, version: Version(version), bytes: Bytes::from(format!("state {version}")) }
}

/// What happened to a user, at an offset of a log.
pub fn entry(name: &str, log: LogId, offset: u64, time: u64) -> InboxRow {
    InboxRow {
        user: user(name),
        position: Position { log, offset: Offset(offset) },
        time: TimeMs(time),
        entry: Bytes::from(format!("entry {offset}")),
    }
}

/// A device as the record at `told` tells, which is also its time; of a session that began then.
pub fn device(name: &str, device: &str, log: LogId, told: u64) -> DeviceRow {
    DeviceRow {
        user: user(name),
        device: DeviceId::new(device).unwrap(),
        told: Position { log, offset: Offset(told) },
        connected: TimeMs(told),
        disconnected: None,
        gateway: GatewayId::new("g-1").unwrap(),
        incarnation: Incarnation(7),
        session: SessionId(told),
    }
}

/// The versions of rows.
pub fn versions(rows: &[EventRow]) -> Vec<u64> {
    rows.iter().map(|row| row.version.0).collect()
}
