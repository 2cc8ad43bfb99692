//! The user's chats.

use std::sync::Arc;

use axum::{Json, extract::State};
use chasqui_domain::{UserId, Version};
use chasqui_store::{EventQuery, Stream};
use chasqui_wire::{
    frames::{ChatItem, Chats, ChatsQuery, Message, forms},
    summary::ChatSummary,
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Refused,
    asked::{Asked, Caller, InChat},
    documents::{ChatProblems, Problems},
    members, messages, page_items, summaries, summary_of, unread,
};
use crate::{limits, shared::Shared};

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
    let summaries = summaries(&*shared.store, &user, &chats).await?;
    let items = stream::iter(summaries).map(|summary| item(&shared, &user, summary)).buffered(limits::LIST_READS_MAX);
    let mut items = std::pin::pin!(items);
    let (mut chats, mut bytes) = (Vec::<ChatItem>::new(), 0);
    while let Some(item) = items.try_next().await? {
        bytes += item.last_message.as_deref().map_or(0, body_bytes);
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

fn body_bytes(message: &Message) -> usize {
    message.text.as_ref().map_or(0, String::len) + message.body.as_ref().map_or(0, |body| body.len())
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
    let summary = summary_of(&*shared.store, &user, chat).await?;
    item(&shared, &user, summary).await.map(Json)
}

async fn item(shared: &Shared, user: &UserId, summary: ChatSummary) -> Result<ChatItem, Refused> {
    let last_message = last_message(shared, &summary).await?.map(Box::new);
    let other = summary.members.iter().find(|member| member.user != *user);
    Ok(ChatItem {
        chat: summary.chat,
        with: other.map_or_else(|| user.clone(), |member| member.user.clone()),
        last_seq: summary.last_seq,
        last_time: summary.last_time,
        unread: unread(&summary, user),
        members: members(&summary),
        last_message,
    })
}

async fn last_message(shared: &Shared, summary: &ChatSummary) -> Result<Option<Message>, Refused> {
    let versions = match summary.last_message_version {
        Some(version) => version..version.next(),
        None => Version(0)..summary.version.next(),
    };
    let query = EventQuery { chat: summary.chat, stream: Stream::Content, versions, descending: true, rows_max: 1 };
    match shared.store.events(&query).await?.first() {
        Some(row) => messages::of_row(shared, row).await,
        None => Ok(None),
    }
}
