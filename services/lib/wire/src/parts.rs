//! Records that stand inside of others.

use bytes::Bytes;
use chasqui_domain::{
    ContentType, Counter, DeviceId, Epoch, EventKind, LogId, Offset, Partition, ProfilePart, Sealed, Seq, Source,
    UserId, chat::Runs,
};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    fields::{log_id, long, text, texts},
};

/// `Source`.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Source", rename = "Source")]
pub(crate) struct SourceRecord {
    #[serde(with = "log_id")]
    log: LogId,
    #[serde(with = "long")]
    partition: Partition,
    #[serde(with = "long")]
    offset: Offset,
    index: u32,
}

/// `Sealed`.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Sealed")]
pub(crate) struct SealedRecord {
    #[serde(with = "long")]
    epoch: Epoch,
    #[serde(with = "text")]
    content_type: ContentType,
    /// None where it stands in a cell beside the record.
    pub(crate) bytes: Option<Bytes>,
}

impl SealedRecord {
    pub(crate) fn of(body: &Sealed) -> Self {
        Self { epoch: body.epoch, content_type: body.content_type.clone(), bytes: Some(body.bytes.clone()) }
    }

    pub(crate) fn into_domain(self, record: &'static str) -> Result<Sealed, Error> {
        let bytes = self.bytes.ok_or_else(|| Error::Decode { record, why: "its body is missing".to_owned() })?;
        Ok(Sealed { epoch: self.epoch, content_type: self.content_type, bytes })
    }
}

/// `EventMessage`.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventMessage {
    #[serde(with = "long")]
    seq: Seq,
    #[serde(with = "text")]
    sender: UserId,
    #[serde(with = "text")]
    device: DeviceId,
    #[serde(with = "long")]
    counter: Counter,
    pub(crate) body: SealedRecord,
}

impl EventMessage {
    /// None when the event is not a message.
    pub(crate) fn of(kind: &EventKind) -> Option<Self> {
        let EventKind::Message { seq, sender, device, counter, body } = kind else {
            return None;
        };
        Some(Self {
            seq: *seq,
            sender: sender.clone(),
            device: device.clone(),
            counter: *counter,
            body: SealedRecord::of(body),
        })
    }

    pub(crate) fn into_domain(self, record: &'static str) -> Result<EventKind, Error> {
        Ok(EventKind::Message {
            seq: self.seq,
            sender: self.sender,
            device: self.device,
            counter: self.counter,
            body: self.body.into_domain(record)?,
        })
    }
}

/// `EventOpened`.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventOpened {
    #[serde(with = "texts")]
    pub(crate) members: Vec<UserId>,
}

/// `EventDelivered`.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventDelivered {
    #[serde(with = "text")]
    pub(crate) member: UserId,
    #[serde(with = "long")]
    pub(crate) seq: Seq,
}

/// `EventRead`.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventRead {
    #[serde(with = "text")]
    pub(crate) member: UserId,
    #[serde(with = "long")]
    pub(crate) seq: Seq,
}

/// `ProfilePart`.
#[derive(Serialize, Deserialize)]
#[serde(rename = "ProfilePart")]
pub(crate) struct ProfilePartRecord {
    #[serde(with = "text")]
    by: UserId,
    body: SealedRecord,
}

impl ProfilePartRecord {
    pub(crate) fn of(part: &ProfilePart) -> Self {
        Self { by: part.by.clone(), body: SealedRecord::of(&part.body) }
    }

    pub(crate) fn into_domain(self, record: &'static str) -> Result<ProfilePart, Error> {
        Ok(ProfilePart { by: self.by, body: self.body.into_domain(record)? })
    }
}

/// `SnapshotRun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotRun {
    #[serde(with = "long")]
    pub(crate) first: Seq,
    #[serde(with = "long")]
    pub(crate) last: Seq,
}

impl SnapshotRun {
    pub(crate) fn all_of(runs: &Runs) -> Vec<Self> {
        runs.iter().map(|(first, last)| Self { first, last }).collect()
    }

    pub(crate) fn into_runs(floor: Seq, runs: Vec<Self>) -> Runs {
        Runs::from_parts(floor, runs.into_iter().map(|run| (run.first, run.last)))
    }
}
