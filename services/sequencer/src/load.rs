//! Building states from rows.

use chasqui_domain::{ChatId, Event, LogId, Message, Offset, Version};
use chasqui_store::{ChatLog, EventQuery, EventRow, READ_ROWS_MAX, Store, Stream};
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

/// The state of a message as of `before`; none when there is no message at this version.
///
/// # Errors
/// When its rows can't be read or don't belong to each other.
pub(crate) async fn message(
    store: &dyn Store,
    chat: ChatId,
    version: Version,
    (log, before): (LogId, Offset),
) -> Result<Option<Message>, Error> {
    let rows = |stream, versions, rows_max| EventQuery { chat, stream, versions, descending: false, rows_max };
    let written = store.events(&rows(Stream::Content, version..version.next(), 1)).await?;
    let Some(row) = written.first().filter(|row| row.source.is_before(log, before)) else { return Ok(None) };
    let Some(mut message) = Message::written(&read(row)?) else { return Ok(None) };
    let mut from = Version(0);
    loop {
        let query = rows(Stream::About(message.target.seq), from..Version(u64::MAX), READ_ROWS_MAX);
        let page = store.events(&query).await?;
        for row in page.iter().filter(|row| row.source.is_before(log, before)) {
            message.apply(&read(row)?)?;
        }
        match page.last().filter(|_| page.len() == READ_ROWS_MAX) {
            Some(last) => from = last.version.next(),
            None => return Ok(Some(message)),
        }
    }
}

/// No state depends on bodies, so a row whose body was erased counts like any other.
fn read(row: &EventRow) -> Result<Event, Error> {
    Ok(event::decode_row(&row.envelope, row.body.as_ref())?.0)
}
