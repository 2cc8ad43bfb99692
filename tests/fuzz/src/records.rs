use bytes::Bytes;
use chasqui_domain::{Event, Source};
use chasqui_wire::{
    Error,
    body::Body,
    checkpoint::RouterState,
    command, entry, event,
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    inbox::InboxRecord,
    member, message,
    presence::Presence,
    revocation::Revocation,
    snapshot,
    summary::{self, ChatSummary},
};

type Again = fn(&[u8]) -> Result<Bytes, Error>;

/// Reads a record, and writes it again.
const RECORDS: &[(&str, Again)] = &[
    ("Command", |bytes| command::encode(&command::decode(bytes)?)),
    ("Event", |bytes| {
        let (event, source): (Event, Source) = event::decode(bytes)?;
        event::encode(&event, &source)
    }),
    ("Event of a row", |bytes| {
        let (event, source) = event::decode_row(bytes, Some(&Bytes::from_static(b"sealed")))?;
        Ok(event::encode_envelope(&event, &source)?.0)
    }),
    ("Event of a row that was erased", |bytes| {
        let (event, source) = event::decode_row(bytes, None)?;
        Ok(event::encode_envelope(&event, &source)?.0)
    }),
    ("Entry", |bytes| entry::encode(&entry::decode(bytes)?)),
    ("Inbox", |bytes| InboxRecord::decode(bytes)?.encode()),
    ("Presence", |bytes| Presence::decode(bytes)?.encode()),
    ("Heartbeat", |bytes| Heartbeat::decode(bytes)?.encode()),
    ("Revocation", |bytes| Revocation::decode(bytes)?.encode()),
    ("GatewayRecord", |bytes| GatewayRecord::decode(bytes)?.encode()),
    ("RouterState", |bytes| RouterState::decode(bytes)?.encode()),
    ("Snapshot", |bytes| {
        let state = snapshot::decode(bytes)?;
        // Whoever reads a state makes summaries of it.
        summary::encode(&ChatSummary::from(&state))?;
        snapshot::encode(&state)
    }),
    ("ChatSummary", |bytes| summary::encode(&summary::decode(bytes)?)),
    ("ChatMember", |bytes| member::encode(&member::decode(bytes)?)),
    ("MessageState", |bytes| message::encode(&message::decode(bytes)?)),
    ("Body", |bytes| Body::decode(bytes)?.encode()),
];

/// An Avro record of any sort: what is read is written, and from then on with the same bytes.
///
/// # Panics
/// When that isn't so.
pub fn records(bytes: &[u8]) -> bool {
    let mut was_read = false;
    for (name, again) in RECORDS {
        let Ok(written) = again(bytes) else { continue };
        match again(&written) {
            Ok(twice) => assert_eq!(written, twice, "{name}"),
            Err(error) => panic!("{name} can't be read again: {error}"),
        }
        was_read = true;
    }
    was_read
}
