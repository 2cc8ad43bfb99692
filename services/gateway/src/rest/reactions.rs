//! Who reacts to a message.

use std::sync::Arc;

use axum::{Json, extract::State};
use chasqui_wire::{
    Code,
    frames::{MembersQuery, MessageReactions, UserReaction, forms},
};

use super::{
    Refused,
    asked::{Asked, AtSeq, Caller, InChat},
    documents::ChatProblems,
    found::Found,
    history::History,
    messages, page_items,
};
use crate::shared::Shared;

/// Who reacts to a message, and how, in pages.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/messages/{seq}/reactions", tag = "chats", operation_id = "listReactions",
    security(("user" = [])),
    params(
        ("chat" = inline(forms::ChatId), Path, description = "The chat."),
        ("seq" = inline(forms::Seq), Path, description = "The message's number in the chat."),
        MembersQuery,
    ),
    responses((status = 200, description = "A page of users.", body = MessageReactions), ChatProblems)
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
    AtSeq(seq): AtSeq,
    Asked(query): Asked<MembersQuery>,
) -> Result<Json<MessageReactions>, Refused> {
    let found = Found::one(&*shared.store, &user, chat).await?;
    History::of(&*shared.store, &found).message(seq).await?.ok_or(Refused(Code::NotFound))?;
    let state = messages::state_of(&shared, chat, seq).await?.unwrap_or_default();
    let mut users = Vec::new();
    for reacted in &state.reactions {
        let reaction = messages::reaction(&shared, chat, reacted).await?;
        let behind = reacted.users.iter().filter(|user| query.after.as_ref().is_none_or(|after| *user > after));
        users.extend(behind.map(|user| UserReaction { user: user.clone(), reaction: reaction.clone() }));
    }
    users.sort_by(|a, b| a.user.cmp(&b.user));
    let items_max = page_items(query.limit);
    let has_more = users.len() > items_max;
    users.truncate(items_max);
    let next = if has_more { users.last().map(|last| last.user.clone()) } else { None };
    Ok(Json(MessageReactions { chat, seq, users, next }))
}
