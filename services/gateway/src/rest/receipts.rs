//! Who has what of a chat.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use chasqui_domain::{DeviceId, EventKind, Seq, UserId};
use chasqui_wire::{
    Code, event,
    frames::{ChatReceipts, MessageReceipt, MessageReceipts, ReadUpTo, forms},
    summary::{ChatSummary, MemberSummary},
};

use super::{
    Refused,
    asked::{AtSeq, Caller, InChat, Told},
    documents::{ChatProblems, SeqProblems},
    messages::History,
    summary_of, watermarks,
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
    let summary = summary_of(&*shared.store, &user, chat).await?;
    Ok(Json(watermarks(&summary, &user)))
}

/// Who has a message, and who has read it.
#[utoipa::path(
    get, path = "/v1/chats/{chat}/messages/{seq}/receipts", tag = "receipts", operation_id = "getMessageReceipts",
    security(("user" = [])),
    params(
        ("chat" = inline(forms::ChatId), Path, description = "The chat."),
        ("seq" = inline(forms::Seq), Path, description = "The message's number in the chat."),
    ),
    responses((status = 200, description = "Each member.", body = MessageReceipts), ChatProblems)
)]
pub(crate) async fn of_message(
    State(shared): State<Arc<Shared>>,
    Caller(user): Caller,
    InChat(chat): InChat,
    AtSeq(seq): AtSeq,
) -> Result<Json<MessageReceipts>, Refused> {
    let summary = summary_of(&*shared.store, &user, chat).await?;
    let row = History::of(&*shared.store, &summary).message(seq).await?.ok_or(Refused(Code::NotFound))?;
    let (event, _) = event::decode_row(&row.envelope, row.body.as_ref())?;
    let EventKind::Message { sender, .. } = &event.kind else { return Err(Refused(Code::ServerError)) };
    let members = summary.members.iter().map(|member| has(member, seq, sender)).collect();
    Ok(Json(MessageReceipts { chat, seq, members }))
}

fn has(member: &MemberSummary, seq: Seq, sender: &UserId) -> MessageReceipt {
    let is_own = member.user == *sender;
    MessageReceipt {
        user: member.user.clone(),
        delivered: is_own || member.delivered >= seq,
        read: is_own || member.read >= seq,
    }
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
    let summary = summary_of(&*shared.store, &user, chat).await?;
    if seq > summary.last_seq {
        return Err(Refused(Code::SeqAhead));
    }
    raise(&shared, &summary, &user, seq).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn raise(shared: &Shared, summary: &ChatSummary, user: &UserId, read: Seq) -> Result<(), Refused> {
    let device = DeviceId::new(DEVICE).map_err(|_| Refused(Code::ServerError))?;
    let actions = Watermarks { delivered: Seq(0), read }.actions();
    let command = |action| shared.uplink.command(summary.chat, user, &device, action);
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
