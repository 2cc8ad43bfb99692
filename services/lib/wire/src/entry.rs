//! Entries: the value of an inbox row, and of a push.

use bytes::Bytes;
use chasqui_domain::{
    ChatId, Counter, DeviceId, Entry, Epoch, Event, Refusal, RulesNumber, Seq, TimeMs, UserId, Version,
};
use serde::{Deserialize, Serialize};

use crate::{
    Code, Error,
    codec::{self, Codec, Lazy},
    fields::{long, long_opt, text},
    parts::EventMessage,
};

const RECORD: &str = "Entry";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

#[derive(Serialize, Deserialize)]
#[serde(rename = "Entry")]
pub(crate) struct EntryRecord {
    message: Option<EntryMessage>,
    repeated: Option<EntryRepeated>,
    refused: Option<EntryRefused>,
    receipt: Option<EntryReceipt>,
}

#[derive(Serialize, Deserialize)]
struct EntryMessage {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "long")]
    version: Version,
    #[serde(with = "long")]
    time: TimeMs,
    #[serde(with = "long")]
    rules: RulesNumber,
    message: EventMessage,
}

#[derive(Serialize, Deserialize)]
struct EntryRepeated {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "text")]
    device: DeviceId,
    #[serde(with = "long")]
    counter: Counter,
    #[serde(with = "long")]
    seq: Seq,
    #[serde(with = "long")]
    time: TimeMs,
}

#[derive(Serialize, Deserialize)]
struct EntryRefused {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "text")]
    device: DeviceId,
    #[serde(with = "long_opt")]
    counter: Option<Counter>,
    code: String,
    #[serde(with = "long_opt")]
    epoch: Option<Epoch>,
}

#[derive(Serialize, Deserialize)]
struct EntryReceipt {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "long")]
    version: Version,
    #[serde(with = "long")]
    time: TimeMs,
    #[serde(with = "text")]
    member: UserId,
    #[serde(with = "long")]
    delivered: Seq,
    #[serde(with = "long")]
    read: Seq,
}

impl EntryRecord {
    pub(crate) fn of(entry: &Entry) -> Result<Self, Error> {
        let mut record = Self { message: None, repeated: None, refused: None, receipt: None };
        match entry {
            Entry::Message { event } => record.message = Some(message_of(event)?),
            Entry::Repeated { chat, device, counter, seq, time } => {
                record.repeated = Some(EntryRepeated {
                    chat: *chat,
                    device: device.clone(),
                    counter: *counter,
                    seq: *seq,
                    time: *time,
                });
            }
            Entry::Refused { chat, device, counter, refusal } => {
                let epoch = match refusal {
                    Refusal::StaleEpoch { current } => Some(*current),
                    _ => None,
                };
                let code = Code::from(*refusal).as_str().to_owned();
                record.refused =
                    Some(EntryRefused { chat: *chat, device: device.clone(), counter: *counter, code, epoch });
            }
            Entry::Receipt { chat, version, time, member, delivered, read } => {
                record.receipt = Some(EntryReceipt {
                    chat: *chat,
                    version: *version,
                    time: *time,
                    member: member.clone(),
                    delivered: *delivered,
                    read: *read,
                });
            }
        }
        Ok(record)
    }

    pub(crate) fn into_domain(self) -> Result<Entry, Error> {
        let repeated = |it: EntryRepeated| Entry::Repeated {
            chat: it.chat,
            device: it.device,
            counter: it.counter,
            seq: it.seq,
            time: it.time,
        };
        let receipt = |it: EntryReceipt| Entry::Receipt {
            chat: it.chat,
            version: it.version,
            time: it.time,
            member: it.member,
            delivered: it.delivered,
            read: it.read,
        };
        codec::only(
            RECORD,
            [
                self.message.map(EntryMessage::into_domain),
                self.repeated.map(|it| Ok(repeated(it))),
                self.refused.map(EntryRefused::into_domain),
                self.receipt.map(|it| Ok(receipt(it))),
            ],
        )?
    }
}

fn message_of(event: &Event) -> Result<EntryMessage, Error> {
    let message = EventMessage::of(&event.kind)
        .ok_or_else(|| Error::Encode { record: RECORD, why: "its event is not a message".to_owned() })?;
    Ok(EntryMessage { chat: event.chat, version: event.version, time: event.time, rules: event.rules, message })
}

impl EntryMessage {
    fn into_domain(self) -> Result<Entry, Error> {
        let kind = self.message.into_domain(RECORD)?;
        let event = Event { chat: self.chat, version: self.version, time: self.time, rules: self.rules, kind };
        Ok(Entry::Message { event })
    }
}

impl EntryRefused {
    fn into_domain(self) -> Result<Entry, Error> {
        let refusal = Code::parse(&self.code).and_then(|code| code.refusal(self.epoch));
        let refusal = refusal.ok_or_else(|| Error::Decode {
            record: RECORD,
            why: format!("there is no refusal {:?} of this form", self.code),
        })?;
        Ok(Entry::Refused { chat: self.chat, device: self.device, counter: self.counter, refusal })
    }
}

/// Writes an entry.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1, or the event of a message is another one.
pub fn encode(entry: &Entry) -> Result<Bytes, Error> {
    codec::encode(&CODEC, &EntryRecord::of(entry)?)
}

/// Reads an entry.
///
/// # Errors
/// When the bytes are no entry.
pub fn decode(bytes: &[u8]) -> Result<Entry, Error> {
    codec::decode::<EntryRecord>(&CODEC, bytes)?.into_domain()
}
