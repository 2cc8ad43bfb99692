//! Who has what of a chat.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use chasqui_domain::{ChatId, DeviceId, EventKind, Seq, UserId};
use chasqui_wire::{
    Code, event,
    frames::{ChatReceipts, MembersQuery, MessageReceipt, MessageReceipts, ReadUpTo, forms},
    member::{self, ChatMember},
};

use super::{
    Refused,
    asked::{Asked, AtSeq, Caller, InChat, Told},
    documents::{ChatProblems, SeqProblems},
    found::Found,
    history::History,
    page_items,
};
use crate::{receipts::Watermarks, shared::Shared, uplink};

/// The device that a watermark which came over HTTP is of. It matters to nobody: watermarks are the user's.
const DEVICE: &str = "rest";

/// Everybody's watermarks in a chat.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/receipts", tag = "receipts", operation_id = "getReceipts", security(("user" = [])),
    params(("chat" = inline(forms::ChatId), Path, description = "The chat.")),
    responses((status = 200, description = "The watermarks.", body = ChatReceipts), ChatProblems)
)]
pub(crate) async fn of_chat(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
) -> Result<Json<ChatReceipts>, Refused> {
    let found = Found::one(&*shared.store, &user, chat).await?;
    found.receipts(&shared).await.map(Json)
}

/// Who has a message, and who has read it, in pages.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/messages/{seq}/receipts", tag = "receipts", operation_id = "getMessageReceipts",
    security(("user" = [])),
    params(
        ("chat" = inline(forms::ChatId), Path, description = "The chat."),
        ("seq" = inline(forms::Seq), Path, description = "The message's number in the chat."),
        MembersQuery,
    ),
    responses((status = 200, description = "A page of members.", body = MessageReceipts), ChatProblems)
)]
pub(crate) async fn of_message(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
    AtSeq(seq): AtSeq,
    Asked(query): Asked<MembersQuery>,
) -> Result<Json<MessageReceipts>, Refused> {
    let found = Found::one(&*shared.store, &user, chat).await?;
    let row = History::of(&*shared.store, &found).message(seq).await?.ok_or(Refused(Code::NotFound))?;
    let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
    let EventKind::Message { sender, .. } = &event.kind else { return Err(Refused(Code::ServerError)) };
    let items_max = page_items(query.limit);
    let mut rows = shared.store.members(chat, query.after.as_ref(), items_max + 1).await?;
    let has_more = rows.len() > items_max;
    rows.truncate(items_max);
    let next = if has_more { rows.last().map(|row| row.user.clone()) } else { None };
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        let member = member::decode(&row.state)?;
        // Who came later is not waited for.
        if member.joined <= event.version {
            members.push(has(row.user, &member, seq, sender));
        }
    }
    Ok(Json(MessageReceipts { chat, seq, members, next }))
}

fn has(user: UserId, member: &ChatMember, seq: Seq, sender: &UserId) -> MessageReceipt {
    let is_own = user == *sender;
    MessageReceipt { delivered: is_own || member.delivered >= seq, read: is_own || member.read >= seq, user }
}

/// The user has opened the chat up to a message: as the frame `read`. A watermark never goes back.
#[utoipa::path(
    put, path = "/v1/chats/{chat}/read", tag = "receipts", operation_id = "putRead", security(("user" = [])),
    params(("chat" = inline(forms::ChatId), Path, description = "The chat.")),
    request_body(content = ReadUpTo, description = "Up to where."),
    responses((status = 202, description = "It is kept, and will be seen in the receipts."), SeqProblems)
)]
pub(crate) async fn read(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
    Told(ReadUpTo { seq }): Told<ReadUpTo>,
) -> Result<StatusCode, Refused> {
    let found = Found::one(&*shared.store, &user, chat).await?;
    if seq > found.summary.last_seq {
        return Err(Refused(Code::SeqAhead));
    }
    raise(&shared, chat, &user, seq).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn raise(shared: &Shared, chat: ChatId, user: &UserId, read: Seq) -> Result<(), Refused> {
    let device = DeviceId::new(DEVICE).map_err(|_| Refused(Code::ServerError))?;
    let actions = Watermarks { delivered: Seq(0), read }.actions();
    let command = |action| shared.uplink.command(chat, user, &device, action);
    let batch: Vec<_> = actions.map(command).collect::<Result<_, _>>()?;
    if batch.is_empty() {
        return Ok(());
    }
    let appended = shared.uplink.log.append(batch).await;
    appended.map(drop).map_err(|error| {
        tracing::warn!(%error, "a watermark can't be appended");
        Refused(uplink::code_of(&error))
    })
}
