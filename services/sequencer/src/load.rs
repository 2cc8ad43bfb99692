//! Building states from rows.

use bytes::Bytes;
use chasqui_domain::{ChatId, Event};
use chasqui_store::{ChatLog, EventRow};
use chasqui_wire::{event, snapshot};

use crate::{Error, cache::Cached};

/// The state that a chat's rows give. What is shown of it is written by now.
///
/// # Errors
/// When the rows can't be read or don't follow each other.
pub(crate) fn fold(id: ChatId, log: &ChatLog) -> Result<Cached, Error> {
    let mut cached = Cached::empty(id);
    if let Some(row) = &log.snapshot {
        cached.chat = snapshot::decode(&row.bytes)?;
        cached.snapshot = cached.chat.version;
    }
    for row in &log.rows {
        cached.chat.apply(&read(row)?)?;
    }
    Ok(cached)
}

/// The state doesn't depend on bodies, so a row whose body was removed counts like any other.
fn read(row: &EventRow) -> Result<Event, Error> {
    let (event, _) = match event::decode_row(&row.envelope, row.body.as_ref()) {
        Err(_) if row.body.is_none() => event::decode_row(&row.envelope, Some(&Bytes::new()))?,
        read => read?,
    };
    Ok(event)
}
