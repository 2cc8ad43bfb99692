//! Entries: the value of an inbox row, and of a push.

use bytes::Bytes;
use chasqui_domain::{
    AuthorCounts as Counts, ChatId, Counter, DeviceId, Entry, Epoch, Event, GroupCounts, MessageCount as Count,
    Refusal, RulesNumber, Seq, TimeMs, UserId, Version,
};
use serde::{Deserialize, Serialize};

use crate::{
    Code, Error,
    change::{EventChanged, EventCreated},
    codec::{self, Codec, Lazy},
    fields::{long, long_opt, text},
    parts::EventMessage,
};

const RECORD: &str = "Entry";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

#[derive(Default, Serialize, Deserialize)]
#[serde(rename = "Entry")]
pub(crate) struct EntryRecord {
    message: Option<EntryMessage>,
    changed: Option<EntryChanged>,
    done: Option<EntryDone>,
    repeated: Option<EntryRepeated>,
    refused: Option<EntryRefused>,
    receipt: Option<EntryReceipt>,
    counts: Option<EntryCounts>,
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
struct EntryChanged {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "long")]
    version: Version,
    #[serde(with = "long")]
    time: TimeMs,
    #[serde(with = "long")]
    rules: RulesNumber,
    created: Option<EventCreated>,
    changed: Option<EventChanged>,
}

#[derive(Serialize, Deserialize)]
struct EntryDone {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "text")]
    device: DeviceId,
    #[serde(with = "long")]
    counter: Counter,
    #[serde(with = "long")]
    time: TimeMs,
}

/// `EntryCounts`.
#[derive(Serialize, Deserialize)]
pub(crate) struct EntryCounts {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "long")]
    version: Version,
    authors: Vec<AuthorCounts>,
}

#[derive(Serialize, Deserialize)]
struct AuthorCounts {
    #[serde(with = "text")]
    author: UserId,
    others: u32,
    #[serde(with = "long")]
    delivered: Seq,
    #[serde(with = "long")]
    read: Seq,
    messages: Vec<MessageCount>,
}

#[derive(Serialize, Deserialize)]
struct MessageCount {
    #[serde(with = "long")]
    seq: Seq,
    delivered: u32,
    read: u32,
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
        let mut record = Self::default();
        match entry {
            Entry::Message { event } => record.message = Some(message_of(event)?),
            Entry::Changed { event } => record.changed = Some(EntryChanged::of(event)?),
            Entry::Done { chat, device, counter, time } => {
                record.done = Some(EntryDone { chat: *chat, device: device.clone(), counter: *counter, time: *time });
            }
            Entry::Counts(counts) => record.counts = Some(EntryCounts::of(counts)),
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
                self.changed.map(EntryChanged::into_domain),
                self.done
                    .map(|it| Ok(Entry::Done { chat: it.chat, device: it.device, counter: it.counter, time: it.time })),
                self.repeated.map(|it| Ok(repeated(it))),
                self.refused.map(EntryRefused::into_domain),
                self.receipt.map(|it| Ok(receipt(it))),
                self.counts.map(|it| Ok(Entry::Counts(it.into_domain()))),
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

impl EntryChanged {
    fn of(event: &Event) -> Result<Self, Error> {
        let (created, changed) = (EventCreated::of(&event.kind), EventChanged::of(&event.kind));
        if created.is_none() && changed.is_none() {
            return Err(Error::Encode { record: RECORD, why: "its event is no change".to_owned() });
        }
        let (chat, version, time, rules) = (event.chat, event.version, event.time, event.rules);
        Ok(Self { chat, version, time, rules, created, changed })
    }

    fn into_domain(self) -> Result<Entry, Error> {
        let kind = codec::only(
            RECORD,
            [
                self.created.map(|created| created.into_domain(RECORD)),
                self.changed.map(|changed| changed.into_domain(RECORD)),
            ],
        )??;
        let event = Event { chat: self.chat, version: self.version, time: self.time, rules: self.rules, kind };
        Ok(Entry::Changed { event })
    }
}

impl EntryCounts {
    pub(crate) fn of(counts: &GroupCounts) -> Self {
        let authors = counts.authors.iter().map(AuthorCounts::of).collect();
        Self { chat: counts.chat, version: counts.version, authors }
    }

    pub(crate) fn into_domain(self) -> GroupCounts {
        let authors = self.authors.into_iter().map(AuthorCounts::into_domain).collect();
        GroupCounts { chat: self.chat, version: self.version, authors }
    }
}

impl AuthorCounts {
    fn of(counts: &Counts) -> Self {
        let message = |it: &Count| MessageCount { seq: it.seq, delivered: it.delivered, read: it.read };
        Self {
            author: counts.author.clone(),
            others: counts.others,
            delivered: counts.delivered,
            read: counts.read,
            messages: counts.messages.iter().map(message).collect(),
        }
    }

    fn into_domain(self) -> Counts {
        let message = |it: MessageCount| Count { seq: it.seq, delivered: it.delivered, read: it.read };
        Counts {
            author: self.author,
            others: self.others,
            delivered: self.delivered,
            read: self.read,
            messages: self.messages.into_iter().map(message).collect(),
        }
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
