//! Rows to write.

use bytes::Bytes;
use chasqui_domain::{
    ChatId, DeviceId, GatewayId, Incarnation, LogId, Offset, Partition, Position, SessionId, Source, TimeMs, UserId,
    Version,
};
use chasqui_store::{DeviceRow, EventRow, InboxRow, LogPartition, Snapshot, Stream, Summary};

pub(crate) const LOG: LogId = LogId([1; 16]);

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn chat(name: &str) -> ChatId {
    ChatId::direct(&user("me"), &user(name))
}

pub(crate) fn of(partition: u32) -> LogPartition {
    LogPartition { log: LOG, partition: Partition(partition) }
}

/// A row of the chat, caused by the command at ten times its version.
pub(crate) fn event(chat: ChatId, stream: Stream, version: u64) -> EventRow {
    EventRow {
        chat,
        stream,
        version: Version(version),
        source: Source { log: LOG, partition: Partition(0), offset: Offset(version * 10), index: 0 },
        envelope: Bytes::from(format!("envelope {version}")),
        body: (stream == Stream::Content).then(|| Bytes::from(format!("body {version}"))),
    }
}

pub(crate) fn summary(chat: ChatId, version: u64, members: &[&str]) -> Summary {
    Summary {
        chat,
        version: Version(version),
        members: members.iter().map(|name| user(name)).collect(),
        members_changed: true,
        bytes: Bytes::from(format!("summary {version}")),
    }
}

pub(crate) fn snapshot(chat: ChatId, version: u64) -> Snapshot {
    Snapshot { chat, version: Version(version), bytes: Bytes::from(format!("state {version}")) }
}

pub(crate) fn entry(name: &str, offset: u64) -> InboxRow {
    InboxRow {
        user: user(name),
        position: Position { log: LOG, offset: Offset(offset) },
        time: TimeMs(offset),
        entry: Bytes::from(format!("entry {offset}")),
    }
}

/// A device as the record at `told` tells, which is also its time; of a session that began then.
pub(crate) fn device(name: &str, device: &str, log: LogId, told: u64) -> DeviceRow {
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
