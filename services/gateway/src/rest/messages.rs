//! A chat's messages.

use std::{ops::Range, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
};
use chasqui_domain::{ChatId, Event, EventKind, Seq, Version};
use chasqui_store::{EventQuery, EventRow, Store, Stream};
use chasqui_wire::{
    Code, event,
    frames::{Message, Messages, MessagesQuery},
};

use super::{Refused, page_items, summaries, user};
use crate::{keys, render, shared::Shared, uplink};

pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Path(chat): Path<String>,
    headers: HeaderMap,
    query: Result<Query<MessagesQuery>, QueryRejection>,
) -> Result<Json<Messages>, Refused> {
    let user = user(&shared, &headers).await?;
    let Query(query) = query.map_err(|_| Refused(Code::BadFrame))?;
    let chat = ChatId::parse(&chat).map_err(|_| Refused(Code::BadFrame))?;
    // Whether the chat exists is not told to those who aren't in it.
    let summaries = summaries(&*shared.store, &user, &[chat]).await?;
    let summary = summaries.first().ok_or(Refused(Code::NotAMember))?;
    let history = History { store: &*shared.store, chat, end: summary.version.next(), last_seq: summary.last_seq };
    let items_max = page_items(query.limit);
    let (rows, has_more) = history.page(&query, items_max).await?;
    let mut messages = Vec::with_capacity(rows.len());
    for row in &rows {
        messages.extend(of_row(&shared, row).await?);
    }
    let next = if has_more { messages.last().map(|message| message.seq) } else { None };
    Ok(Json(Messages { messages, next }))
}

/// The message in a row; none when it holds another event.
pub(super) async fn of_row(shared: &Shared, row: &EventRow) -> Result<Option<Message>, Refused> {
    let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
    let EventKind::Message { sender, body, .. } = &event.kind else { return Ok(None) };
    let body = render::open(&shared.keys, event.chat, sender, body).await.map_err(|error| match &*error {
        keys::Error::Store(error) => Refused(uplink::code_of_store(error)),
        keys::Error::Absent | keys::Error::Seal(_) | keys::Error::TooManyChats(_) => Refused(Code::ServerError),
    })?;
    Ok(render::message(event, body))
}

/// A chat's stream of content, in which seqs rise with versions: a seq is found by halving.
struct History<'a> {
    store: &'a dyn Store,
    chat: ChatId,
    /// Behind the last version.
    end: Version,
    last_seq: Seq,
}

impl History<'_> {
    /// The rows of the messages that are asked for, and whether there are more behind them.
    async fn page(&self, query: &MessagesQuery, items_max: usize) -> Result<(Vec<EventRow>, bool), Refused> {
        let start = match query.after {
            Some(after) => self.version_of(Seq(after.0.saturating_add(1))).await?,
            None => Version(0),
        };
        let end = match query.before {
            Some(before) => self.version_of(before).await?,
            None => self.end,
        };
        let mut rows = self.messages(start..end, query.after.is_none(), items_max + 1).await?;
        let has_more = rows.len() > items_max;
        rows.truncate(items_max);
        Ok((rows, has_more))
    }

    /// The lowest version whose message is not below `seq`; the end when there is none.
    async fn version_of(&self, seq: Seq) -> Result<Version, Refused> {
        if seq > self.last_seq {
            return Ok(self.end);
        }
        // Every message has an event of its own, so its version is not below its seq.
        let (mut low, mut high) = (seq.0, self.end.0);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.first_message(Version(middle)..Version(high)).await? {
                // It may be far above the middle: nothing of the stream lies between.
                Some((version, found)) if found < seq => low = version.0 + 1,
                _ => high = middle,
            }
        }
        Ok(Version(low))
    }

    async fn first_message(&self, versions: Range<Version>) -> Result<Option<(Version, Seq)>, Refused> {
        let rows = self.messages(versions, false, 1).await?;
        Ok(rows.first().map(seq_of).transpose()?.flatten())
    }

    /// The rows of messages in a range of versions.
    async fn messages(
        &self,
        mut versions: Range<Version>,
        descending: bool,
        rows_max: usize,
    ) -> Result<Vec<EventRow>, Refused> {
        let mut messages = Vec::new();
        while messages.len() < rows_max {
            let asked = rows_max - messages.len();
            let query = EventQuery {
                chat: self.chat,
                stream: Stream::Content,
                versions: versions.clone(),
                descending,
                rows_max: asked,
            };
            let rows = self.store.events(&query).await?;
            let is_end = rows.len() < asked;
            if let Some(last) = rows.last() {
                if descending {
                    versions.end = last.version;
                } else {
                    versions.start = last.version.next();
                }
            }
            for row in rows {
                if seq_of(&row)?.is_some() {
                    messages.push(row);
                }
            }
            if is_end {
                break;
            }
        }
        Ok(messages)
    }
}

fn seq_of(row: &EventRow) -> Result<Option<(Version, Seq)>, Refused> {
    let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
    Ok(match event {
        Event { version, kind: EventKind::Message { seq, .. }, .. } => Some((version, seq)),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
