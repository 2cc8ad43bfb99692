//! The state of a chat as a row.

use bytes::Bytes;
use chasqui_domain::{
    Chat, ChatId, Counter, DeviceId, Epoch, Joined, Member, Profile, Role, Seq, Target, TimeMs, UserId, Version,
    chat::{Accepted, Device},
};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    change::TargetRecord,
    codec::{self, Codec, Lazy},
    fields::{long, role, text},
    parts::{ProfilePartRecord, SnapshotRun},
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
    last_message: Version,
    last_is_acted: bool,
    #[serde(with = "long")]
    last_time: TimeMs,
    #[serde(with = "long")]
    epoch: Epoch,
    members: Vec<SnapshotMember>,
    #[serde(with = "long")]
    uncounted_floor: Seq,
    uncounted: Vec<SnapshotRun>,
    pins: Vec<TargetRecord>,
    title: Option<ProfilePartRecord>,
    picture: Option<ProfilePartRecord>,
    devices: Vec<SnapshotDevice>,
}

#[derive(Serialize, Deserialize)]
struct SnapshotMember {
    #[serde(with = "text")]
    user: UserId,
    #[serde(with = "role")]
    role: Role,
    #[serde(with = "long")]
    joined: Version,
    #[serde(with = "long")]
    joined_time: TimeMs,
    #[serde(with = "long")]
    delivered: Seq,
    #[serde(with = "long")]
    read: Seq,
    #[serde(with = "long")]
    own_floor: Seq,
    own: Vec<SnapshotRun>,
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
    is_change: bool,
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
        last_message: chat.last_message,
        last_is_acted: chat.last_is_acted,
        last_time: chat.last_time,
        epoch: chat.epoch,
        members: chat.members.iter().map(SnapshotMember::of).collect(),
        uncounted_floor: chat.uncounted.floor(),
        uncounted: SnapshotRun::all_of(&chat.uncounted),
        pins: chat.pins.iter().copied().map(TargetRecord::from).collect(),
        title: chat.profile.title.as_ref().map(ProfilePartRecord::of),
        picture: chat.profile.picture.as_ref().map(ProfilePartRecord::of),
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
    let part = |part: Option<ProfilePartRecord>| part.map(|part| part.into_domain(RECORD)).transpose();
    let chat = Chat {
        id: record.chat,
        version: record.version,
        last_seq: record.last_seq,
        last_message: record.last_message,
        last_is_acted: record.last_is_acted,
        last_time: record.last_time,
        epoch: record.epoch,
        members: record.members.into_iter().map(SnapshotMember::into_domain).collect(),
        uncounted: SnapshotRun::into_runs(record.uncounted_floor, record.uncounted),
        pins: record.pins.into_iter().map(Target::from).collect(),
        profile: Profile { title: part(record.title)?, picture: part(record.picture)? },
        devices: record.devices.into_iter().map(SnapshotDevice::into_domain).collect(),
    };
    chat.validate().map_err(|invalid| Error::Decode { record: RECORD, why: invalid.to_string() })?;
    Ok(chat)
}

impl SnapshotMember {
    fn of(member: &Member) -> Self {
        Self {
            user: member.user.clone(),
            role: member.role,
            joined: member.joined.version,
            joined_time: member.joined.time,
            delivered: member.delivered,
            read: member.read,
            own_floor: member.own.floor(),
            own: SnapshotRun::all_of(&member.own),
        }
    }

    fn into_domain(self) -> Member {
        Member {
            user: self.user,
            role: self.role,
            joined: Joined { version: self.joined, time: self.joined_time },
            delivered: self.delivered,
            read: self.read,
            own: SnapshotRun::into_runs(self.own_floor, self.own),
        }
    }
}

impl SnapshotDevice {
    fn of(device: &Device) -> Self {
        let accepted = |it: &Accepted| SnapshotAccepted {
            counter: it.counter,
            seq: it.seq,
            time: it.time,
            is_change: it.is_change,
        };
        Self {
            user: device.user.clone(),
            device: device.id.clone(),
            accepted: device.accepted.iter().map(accepted).collect(),
        }
    }

    fn into_domain(self) -> Device {
        let accepted = |it: SnapshotAccepted| Accepted {
            counter: it.counter,
            seq: it.seq,
            time: it.time,
            is_change: it.is_change,
        };
        Device { user: self.user, id: self.device, accepted: self.accepted.into_iter().map(accepted).collect() }
    }
}
