//! Who is in a chat.

use std::sync::Arc;

use axum::{Json, extract::State};
use chasqui_store::MemberRow;
use chasqui_wire::{
    frames::{MemberItem, Members, MembersQuery, forms},
    member,
};

use super::{
    Refused,
    asked::{Asked, Caller, InChat},
    documents::ChatProblems,
    found::Found,
    page_items,
};
use crate::shared::Shared;

/// The members of a chat, in pages.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/members", tag = "chats", operation_id = "listMembers", security(("user" = [])),
    params(("chat" = inline(forms::ChatId), Path, description = "The chat."), MembersQuery),
    responses((status = 200, description = "A page of members.", body = Members), ChatProblems)
)]
pub(crate) async fn list(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
    Asked(query): Asked<MembersQuery>,
) -> Result<Json<Members>, Refused> {
    Found::one(&*shared.store, &user, chat).await?;
    let items_max = page_items(query.limit);
    let mut rows = shared.store.members(chat, query.after.as_ref(), items_max + 1).await?;
    let has_more = rows.len() > items_max;
    rows.truncate(items_max);
    let next = if has_more { rows.last().map(|row| row.user.clone()) } else { None };
    Ok(Json(Members { members: rows.into_iter().map(item).collect::<Result<_, _>>()?, next }))
}

fn item(row: MemberRow) -> Result<MemberItem, Refused> {
    let member = member::decode(&row.state)?;
    Ok(MemberItem { user: row.user, role: member.role, joined: member.joined_time })
}
