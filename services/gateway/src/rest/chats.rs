//! The user's chats.

use std::sync::Arc;

use axum::{Json, extract::State};
use chasqui_store::{EventQuery, Stream};
use chasqui_wire::{
    frames::{ChatItem, Chats, ChatsQuery, GroupItem, Message, forms},
    summary::ChatSummary,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Refused,
    asked::{Asked, Caller, InChat},
    documents::{ChatProblems, Problems},
    found::Found,
    messages::{self, Shown},
    page_items, unopened,
};
use crate::{limits, render, shared::Shared};

/// The user's chats, in pages.
#[utoipa::path(
    get, path = "/v1/chats", tag = "chats", operation_id = "listChats", security(("user" = [])), params(ChatsQuery),
    responses((status = 200, description = "A page of chats.", body = Chats), Problems)
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    Asked(query): Asked<ChatsQuery>,
) -> Result<Json<Chats>, Refused> {
    // It is never closed.
    let _page = shared.pages.acquire().await;
    let items_max = page_items(query.limit);
    let mut chats = shared.store.chats_of(&user, query.after, items_max + 1).await?;
    let has_more = chats.len() > items_max;
    chats.truncate(items_max);
    let mut next = if has_more { chats.last().copied() } else { None };
    let found = Found::all(&*shared.store, &user, &chats).await?;
    let items = stream::iter(found).map(|found| item(&shared, found)).buffered(limits::LIST_READS_MAX);
    let mut items = std::pin::pin!(items);
    let (mut chats, mut bytes) = (Vec::<ChatItem>::new(), 0);
    while let Some(item) = items.try_next().await? {
        bytes += item.last_message.as_deref().map_or(0, messages::body_bytes);
        if bytes > limits::PAGE_BYTES_MAX
            && let Some(last) = chats.last()
        {
            next = Some(last.chat);
            break;
        }
        chats.push(item);
    }
    Ok(Json(Chats { chats, next }))
}

/// One of the user's chats.
#[utoipa::path(
    get, path = "/v1/chats/{chat}", tag = "chats", operation_id = "getChat", security(("user" = [])),
    params(("chat" = inline(forms::ChatId), Path, description = "The chat.")),
    responses((status = 200, description = "The chat.", body = ChatItem), ChatProblems)
)]
pub(crate) async fn one(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
) -> Result<Json<ChatItem>, Refused> {
    let found = Found::one(&*shared.store, &user, chat).await?;
    item(&shared, found).await.map(Json)
}

async fn item(shared: &Shared, found: Found) -> Result<ChatItem, Refused> {
    let last_message = last_message(shared, &found).await?.map(Box::new);
    let group = if found.summary.chat.is_group() { Some(Box::new(group(shared, &found).await?)) } else { None };
    let pinned = found.summary.pins.iter().filter(|pinned| pinned.version >= found.own.joined);
    let pinned = pinned.map(|pinned| pinned.seq).collect();
    Ok(ChatItem {
        chat: found.summary.chat,
        with: found.peer.as_ref().map(|(user, _)| user.clone()),
        group,
        last_seq: found.summary.last_seq,
        last_time: found.summary.last_time,
        unread: found.unread(),
        members: found.members(),
        last_message,
        pinned,
    })
}

async fn group(shared: &Shared, found: &Found) -> Result<GroupItem, Refused> {
    let ChatSummary { chat, profile, members_count, .. } = &found.summary;
    let opened = render::open_profile(&shared.keys, *chat, profile).await;
    let (title, picture) = opened.map_err(|error| unopened(&error))?;
    let (role, joined) = (found.own.role, found.own.joined_time);
    Ok(GroupItem { title, picture, members_count: *members_count, role, joined })
}

/// None when there is none since the user is in the chat.
async fn last_message(shared: &Shared, found: &Found) -> Result<Option<Message>, Refused> {
    let ChatSummary { chat, last_message: version, .. } = found.summary;
    if version < found.own.joined {
        return Ok(None);
    }
    let versions = version..version.next();
    let query = EventQuery { chat, stream: Stream::Content, versions, descending: true, rows_max: 1 };
    match shared.store.events(&query).await?.first() {
        Some(row) => {
            // Mostly nothing was done to it, which takes no read to know.
            let acted = if found.summary.last_is_acted { std::slice::from_ref(row) } else { &[] };
            Shown::of(shared, &found.user, chat, acted).await?.message(row).await
        }
        None => Ok(None),
    }
}
