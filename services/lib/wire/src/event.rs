//! Events: as records of `events`, and as rows, where the body has a cell of its own.

use bytes::Bytes;
use chasqui_domain::{ChatId, Event, EventKind, RulesNumber, Source, TimeMs, Version};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    change::{EventChanged, EventCreated},
    codec::{self, Codec, Lazy},
    fields::{long, text},
    parts::{EventDelivered, EventMessage, EventOpened, EventRead, SourceRecord},
};

const RECORD: &str = "Event";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

#[derive(Serialize, Deserialize)]
#[serde(rename = "Event")]
struct Record {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "long")]
    version: Version,
    #[serde(with = "long")]
    time: TimeMs,
    #[serde(with = "long")]
    rules: RulesNumber,
    #[serde(with = "SourceRecord")]
    source: Source,
    opened: Option<EventOpened>,
    created: Option<EventCreated>,
    message: Option<EventMessage>,
    changed: Option<EventChanged>,
    delivered: Option<EventDelivered>,
    read: Option<EventRead>,
}

impl Record {
    /// The sealed body, which has a cell of its own in a stored row.
    fn body(&mut self) -> Option<&mut Option<Bytes>> {
        let message = self.message.as_mut().map(|message| &mut message.body.bytes);
        message.or_else(|| self.changed.as_mut().and_then(|changed| changed.change.body()))
    }

    fn of(event: &Event, source: &Source) -> Self {
        let mut record = Self {
            chat: event.chat,
            version: event.version,
            time: event.time,
            rules: event.rules,
            source: *source,
            opened: None,
            created: EventCreated::of(&event.kind),
            message: EventMessage::of(&event.kind),
            changed: EventChanged::of(&event.kind),
            delivered: None,
            read: None,
        };
        match &event.kind {
            EventKind::Created { .. } | EventKind::Message { .. } | EventKind::Changed { .. } => {}
            EventKind::Opened { members } => record.opened = Some(EventOpened { members: members.clone() }),
            EventKind::Delivered { member, seq } => {
                record.delivered = Some(EventDelivered { member: member.clone(), seq: *seq });
            }
            EventKind::Read { member, seq } => record.read = Some(EventRead { member: member.clone(), seq: *seq }),
        }
        record
    }

    fn into_domain(self) -> Result<(Event, Source), Error> {
        let kind = codec::only(
            RECORD,
            [
                self.opened.map(|opened| Ok(EventKind::Opened { members: opened.members })),
                self.created.map(|created| created.into_domain(RECORD)),
                self.message.map(|message| message.into_domain(RECORD)),
                self.changed.map(|changed| changed.into_domain(RECORD)),
                self.delivered.map(|it| Ok(EventKind::Delivered { member: it.member, seq: it.seq })),
                self.read.map(|it| Ok(EventKind::Read { member: it.member, seq: it.seq })),
            ],
        )??;
        let event = Event { chat: self.chat, version: self.version, time: self.time, rules: self.rules, kind };
        Ok((event, self.source))
    }
}

/// Writes an event with its body, for the topic.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode(event: &Event, source: &Source) -> Result<Bytes, Error> {
    codec::encode(&CODEC, &Record::of(event, source))
}

/// Reads an event of the topic.
///
/// # Errors
/// When the bytes are no event, or one of a row, without its body.
pub fn decode(bytes: &[u8]) -> Result<(Event, Source), Error> {
    codec::decode::<Record>(&CODEC, bytes)?.into_domain()
}

/// Writes an event for its row: the envelope, and the sealed body of a message or of what replaces it.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode_envelope(event: &Event, source: &Source) -> Result<(Bytes, Option<Bytes>), Error> {
    let mut record = Record::of(event, source);
    let body = record.body().and_then(Option::take);
    Ok((codec::encode(&CODEC, &record)?, body))
}

/// Reads an event from its row. A body that was erased is read as one of no bytes, which opens as nothing.
///
/// # Errors
/// When the envelope is no event, or there is a body and the event has none.
pub fn decode_row(envelope: &[u8], body: Option<&Bytes>) -> Result<(Event, Source), Error> {
    let mut record: Record = codec::decode(&CODEC, envelope)?;
    match (record.body(), body) {
        // What was erased is empty, which nothing sealed ever is.
        (Some(cell @ None), body) => *cell = Some(body.cloned().unwrap_or_default()),
        (_, None) => {}
        (_, Some(_)) => {
            return Err(Error::Decode { record: RECORD, why: "it has no place for the body beside it".to_owned() });
        }
    }
    record.into_domain()
}
