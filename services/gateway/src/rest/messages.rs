//! A chat's messages, as what was done to them has left them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use chasqui_domain::{Change, ChatId, ContentType, Event, EventKind, Seq, UserId, Version};
use chasqui_store::{EventQuery, EventRow, Stream};
use chasqui_wire::{
    body::Body,
    event,
    frames::{Message, Messages, MessagesQuery, ReactionItem, forms},
    message::{self, MessageState, Reacted},
};

use super::{
    Refused,
    asked::{Asked, Caller, InChat},
    documents::ChatProblems,
    found::Found,
    history::History,
    page_items, unopened,
};
use crate::{limits, render, shared::Shared};

/// Messages of a chat, in pages: without a place the newest, from the highest down. Give at most one place.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/messages", tag = "chats", operation_id = "listMessages", security(("user" = [])),
    params(("chat" = inline(forms::ChatId), Path, description = "The chat."), MessagesQuery),
    responses((status = 200, description = "A page of messages.", body = Messages), ChatProblems)
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
    Asked(query): Asked<MessagesQuery>,
) -> Result<Json<Messages>, Refused> {
    // It is never closed.
    let _page = shared.pages.acquire().await;
    let found = Found::one(&*shared.store, &user, chat).await?;
    let history = History::of(&*shared.store, &found);
    let items_max = page_items(query.limit);
    let (rows, mut has_more) = history.page(&query, items_max).await?;
    let shown = Shown::of(&shared, &user, chat, &rows).await?;
    let (mut messages, mut bytes) = (Vec::with_capacity(rows.len()), 0);
    for row in &rows {
        let Some(message) = shown.message(row).await? else { continue };
        bytes += body_bytes(&message);
        // What a message was edited to can be longer than what it said.
        if bytes > limits::PAGE_BYTES_MAX && !messages.is_empty() {
            has_more = true;
            break;
        }
        messages.push(message);
    }
    let next = if has_more { messages.last().map(|message: &Message| message.seq) } else { None };
    Ok(Json(Messages { messages, next }))
}

/// How many bytes of what users wrote are in a message.
pub(super) fn body_bytes(message: &Message) -> usize {
    message.text.as_ref().map_or(0, String::len) + message.body.as_ref().map_or(0, |body| body.len())
}

/// What has become of a message; none when nothing was done to it.
pub(super) async fn state_of(shared: &Shared, chat: ChatId, seq: Seq) -> Result<Option<MessageState>, Refused> {
    let rows = shared.store.messages(chat, seq..seq.next()).await?;
    Ok(rows.first().map(|row| message::decode(&row.state)).transpose()?)
}

/// What a reaction is; none when it can't be opened any more.
pub(super) async fn reaction(shared: &Shared, chat: ChatId, reacted: &Reacted) -> Result<Option<String>, Refused> {
    let opened = render::open(&shared.keys, chat, &reacted.by, &reacted.kind).await;
    Ok(opened.map_err(|error| unopened(&error))?.and_then(|body| body.text))
}

/// Shows messages to a user.
pub(super) struct Shown<'a> {
    shared: &'a Shared,
    user: &'a UserId,
    /// Of those to which something was done.
    states: BTreeMap<Seq, MessageState>,
}

impl<'a> Shown<'a> {
    /// Those of some rows of a chat.
    pub(super) async fn of(
        shared: &'a Shared,
        user: &'a UserId,
        chat: ChatId,
        rows: &[EventRow],
    ) -> Result<Self, Refused> {
        let mut states = BTreeMap::new();
        let mut ends = Vec::with_capacity(2);
        for row in rows.first().into_iter().chain(rows.last()) {
            let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
            ends.extend(event.kind.seq());
        }
        if let (Some(first), Some(last)) = (ends.iter().min(), ends.iter().max()) {
            for row in shared.store.messages(chat, *first..last.next()).await? {
                states.insert(row.seq, message::decode(&row.state)?);
            }
        }
        Ok(Self { shared, user, states })
    }

    /// The message in a row; none when it holds another event.
    pub(super) async fn message(&self, row: &EventRow) -> Result<Option<Message>, Refused> {
        let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
        let EventKind::Message { seq, sender, body: sealed, .. } = &event.kind else { return Ok(None) };
        let Some(state) = self.states.get(seq) else {
            let body = self.open(&event, sender, sealed).await?;
            return Ok(render::message(event, body));
        };
        if let Some(deleted) = state.deleted {
            let message = render::message(event, None);
            return Ok(message.map(|message| Message { deleted: Some(deleted), ..message }));
        }
        let (body, content_type) = match state.edited {
            Some((version, _)) => self.edited(&event, sender, version).await?,
            None => (self.open(&event, sender, sealed).await?, None),
        };
        let reactions = self.reactions(event.chat, state).await?;
        let edited = state.edited.map(|(_, time)| time);
        Ok(render::message(event, body).map(|message| Message {
            content_type: content_type.unwrap_or(message.content_type),
            edited,
            reactions,
            ..message
        }))
    }

    async fn open(
        &self,
        event: &Event,
        sender: &UserId,
        sealed: &chasqui_domain::Sealed,
    ) -> Result<Option<Body>, Refused> {
        render::open(&self.shared.keys, event.chat, sender, sealed).await.map_err(|error| unopened(&error))
    }

    /// What the message says by the edit of this version, and of what type that is.
    async fn edited(
        &self,
        event: &Event,
        sender: &UserId,
        version: Version,
    ) -> Result<(Option<Body>, Option<ContentType>), Refused> {
        let query = EventQuery {
            chat: event.chat,
            stream: Stream::Actions,
            versions: version..version.next(),
            descending: false,
            rows_max: 1,
        };
        let Some(row) = self.shared.store.events(&query).await?.pop() else { return Ok((None, None)) };
        let (edit, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
        let EventKind::Changed { change: Change::Edit { body, .. }, .. } = &edit.kind else { return Ok((None, None)) };
        Ok((self.open(event, sender, body).await?, Some(body.content_type.clone())))
    }

    async fn reactions(&self, chat: ChatId, state: &MessageState) -> Result<Vec<ReactionItem>, Refused> {
        let mut reactions = Vec::with_capacity(state.reactions.len());
        for reacted in &state.reactions {
            reactions.push(ReactionItem {
                reaction: reaction(self.shared, chat, reacted).await?,
                count: u32::try_from(reacted.users.len()).unwrap_or(u32::MAX),
                own: reacted.users.binary_search(self.user).is_ok(),
            });
        }
        Ok(reactions)
    }
}
