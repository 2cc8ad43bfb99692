//! Building states from rows.

use bytes::Bytes;
use chasqui_domain::{Chat, ChatId, Event, EventKind, Version};
use chasqui_store::{ChatLog, EventQuery, EventRow, Stream};
use chasqui_wire::{event, snapshot};

use crate::{Error, cache::Cached};

/// The state that a chat's rows give.
///
/// # Errors
/// When the rows can't be read or don't follow each other.
pub(crate) fn fold(id: ChatId, log: &ChatLog) -> Result<Cached, Error> {
    let chat = match &log.snapshot {
        Some(row) => snapshot::decode(&row.bytes)?,
        None => Chat::new(id),
    };
    let mut cached = Cached { snapshot: chat.version, chat, last_message: None, members_changed: false };
    for row in &log.rows {
        let event = read(row)?;
        cached.chat.apply(&event)?;
        cached.note(&event);
    }
    // Summaries of rows that are committed are written.
    cached.members_changed = false;
    Ok(cached)
}

/// Where the chat's last message is to be looked for, when the rows above the snapshot hold none.
pub(crate) fn missing_last_message(cached: &Cached) -> Option<EventQuery> {
    let chat = &cached.chat;
    (cached.last_message.is_none() && chat.last_seq.0 > 0).then(|| EventQuery {
        chat: chat.id,
        stream: Stream::Content,
        versions: Version(0)..chat.version.next(),
        descending: true,
        rows_max: 1,
    })
}

/// Remembers the last message that was found.
pub(crate) fn note_last_message(cached: &mut Cached, rows: &[EventRow]) -> Result<(), Error> {
    for row in rows {
        let event = read(row)?;
        if matches!(event.kind, EventKind::Message { seq, .. } if seq == cached.chat.last_seq) {
            cached.note(&event);
        }
    }
    Ok(())
}

/// The state doesn't depend on bodies, so a row whose body was removed counts like any other.
fn read(row: &EventRow) -> Result<Event, Error> {
    let (event, _) = match event::decode_row(&row.envelope, row.body.as_ref()) {
        Err(_) if row.body.is_none() => event::decode_row(&row.envelope, Some(&Bytes::new()))?,
        read => read?,
    };
    Ok(event)
}
