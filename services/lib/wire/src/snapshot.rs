//! The state of a chat as a row.

use bytes::Bytes;
use chasqui_domain::{
    Chat, ChatId, Counter, DeviceId, Epoch, Member, Seq, TimeMs, UserId, Version,
    chat::{Accepted, Device, Runs},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{long, text},
};

const RECORD: &str = "Snapshot";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

#[derive(Serialize, Deserialize)]
#[serde(rename = "Snapshot")]
struct Record {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "long")]
    version: Version,
    #[serde(with = "long")]
    last_seq: Seq,
    #[serde(with = "long")]
    last_time: TimeMs,
    #[serde(with = "long")]
    epoch: Epoch,
    members: Vec<SnapshotMember>,
    devices: Vec<SnapshotDevice>,
}

#[derive(Serialize, Deserialize)]
struct SnapshotMember {
    #[serde(with = "text")]
    user: UserId,
    #[serde(with = "long")]
    delivered: Seq,
    #[serde(with = "long")]
    read: Seq,
    #[serde(with = "long")]
    own_floor: Seq,
    own: Vec<SnapshotRun>,
}

#[derive(Serialize, Deserialize)]
struct SnapshotRun {
    #[serde(with = "long")]
    first: Seq,
    #[serde(with = "long")]
    last: Seq,
}

#[derive(Serialize, Deserialize)]
struct SnapshotDevice {
    #[serde(with = "text")]
    user: UserId,
    #[serde(with = "text")]
    device: DeviceId,
    accepted: Vec<SnapshotAccepted>,
}

#[derive(Serialize, Deserialize)]
struct SnapshotAccepted {
    #[serde(with = "long")]
    counter: Counter,
    #[serde(with = "long")]
    seq: Seq,
    #[serde(with = "long")]
    time: TimeMs,
}

/// Writes a state.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode(chat: &Chat) -> Result<Bytes, Error> {
    let record = Record {
        chat: chat.id,
        version: chat.version,
        last_seq: chat.last_seq,
        last_time: chat.last_time,
        epoch: chat.epoch,
        members: chat.members.iter().map(SnapshotMember::of).collect(),
        devices: chat.devices.iter().map(SnapshotDevice::of).collect(),
    };
    codec::encode(&CODEC, &record)
}

/// Reads a state, and checks its invariants.
///
/// # Errors
/// When the bytes are no state, or one that can't be.
pub fn decode(bytes: &[u8]) -> Result<Chat, Error> {
    let record: Record = codec::decode(&CODEC, bytes)?;
    let chat = Chat {
        id: record.chat,
        version: record.version,
        last_seq: record.last_seq,
        last_time: record.last_time,
        epoch: record.epoch,
        members: record.members.into_iter().map(SnapshotMember::into_domain).collect(),
        devices: record.devices.into_iter().map(SnapshotDevice::into_domain).collect(),
    };
    chat.validate().map_err(|invalid| Error::Decode { record: RECORD, why: invalid.to_string() })?;
    // The floor is a seq of the chat; unread would be counted from beyond the last message otherwise.
    if chat.members.iter().any(|member| member.own.floor() > chat.last_seq) {
        return Err(Error::Decode { record: RECORD, why: "a floor lies beyond the last message".to_owned() });
    }
    Ok(chat)
}

impl SnapshotMember {
    fn of(member: &Member) -> Self {
        Self {
            user: member.user.clone(),
            delivered: member.delivered,
            read: member.read,
            own_floor: member.own.floor(),
            own: member.own.iter().map(|(first, last)| SnapshotRun { first, last }).collect(),
        }
    }

    fn into_domain(self) -> Member {
        let own = Runs::from_parts(self.own_floor, self.own.into_iter().map(|run| (run.first, run.last)));
        Member { user: self.user, delivered: self.delivered, read: self.read, own }
    }
}

impl SnapshotDevice {
    fn of(device: &Device) -> Self {
        let accepted = |it: &Accepted| SnapshotAccepted { counter: it.counter, seq: it.seq, time: it.time };
        Self {
            user: device.user.clone(),
            device: device.id.clone(),
            accepted: device.accepted.iter().map(accepted).collect(),
        }
    }

    fn into_domain(self) -> Device {
        let accepted = |it: SnapshotAccepted| Accepted { counter: it.counter, seq: it.seq, time: it.time };
        Device { user: self.user, id: self.device, accepted: self.accepted.into_iter().map(accepted).collect() }
    }
}
