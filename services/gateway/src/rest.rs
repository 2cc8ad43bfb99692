//! The REST API: what a device begins with, and what it scrolls to.

pub(crate) mod asked;
pub(crate) mod chats;
pub(crate) mod devices;
pub(crate) mod documents;
pub(crate) mod messages;
pub(crate) mod receipts;

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use chasqui_domain::{ChatId, UserId};
use chasqui_store::Store;
use chasqui_wire::{
    Code,
    frames::{ChatReceipts, MemberReceipt, Problem, Receipts, ServerFrame},
    summary::{self, ChatSummary},
};

use crate::{bans, identity, limits, shared::Shared, uplink};

/// Why a question isn't answered.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Code);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        answer(self.0.into())
    }
}

/// A problem as it is answered. When to try again is told in whole seconds, too, for those who know HTTP alone.
pub fn answer(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let retry_after = problem.retry_in_ms.map(|ms| HeaderValue::from(ms.div_ceil(1_000)));
    let mut response = (status, [(CONTENT_TYPE, Problem::MEDIA_TYPE)], axum::Json(problem)).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

impl From<chasqui_store::Error> for Refused {
    fn from(error: chasqui_store::Error) -> Self {
        match error {
            // The life has ended.
            chasqui_store::Error::Closed => tracing::debug!(%error, "the store doesn't answer"),
            _ => tracing::warn!(%error, "the store doesn't answer"),
        }
        Self(uplink::code_of_store(&error))
    }
}

impl From<chasqui_wire::Error> for Refused {
    fn from(error: chasqui_wire::Error) -> Self {
        tracing::error!(%error, "a row can't be read");
        Self(Code::ServerError)
    }
}

/// The user who asks.
async fn user(shared: &Shared, headers: &HeaderMap) -> Result<UserId, Problem> {
    let unauthorized = Problem::from(Code::Unauthorized);
    let Some(value) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
        return Err(unauthorized);
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let user = identity::verify(shared, token.trim()).await.map_err(Problem::from)?.user;
            shared.quotas.requests.take(&user).map_err(|too_much| Problem {
                retry_in_ms: Some(too_much.retry_in_ms()),
                ..Problem::from(Code::RateLimited)
            })?;
            bans::check(shared, &user, None).await.map_err(Problem::from)?;
            Ok(user)
        }
        _ => Err(unauthorized),
    }
}

pub(crate) fn page_items(limit: Option<u32>) -> usize {
    let asked = limit.map_or(limits::PAGE_ITEMS, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    asked.clamp(1, limits::PAGE_ITEMS_MAX)
}

/// The summaries of these chats that the user is in, in the order given.
async fn summaries(store: &dyn Store, user: &UserId, chats: &[ChatId]) -> Result<Vec<ChatSummary>, Refused> {
    let mut summaries = Vec::with_capacity(chats.len());
    for row in store.summaries(chats).await?.into_iter().flatten() {
        let summary = summary::decode(&row.bytes)?;
        if summary.members.iter().any(|member| member.user == *user) {
            summaries.push(summary);
        }
    }
    Ok(summaries)
}

/// The summary of a chat that the user is in. Whether another chat exists is not told.
async fn summary_of(store: &dyn Store, user: &UserId, chat: ChatId) -> Result<ChatSummary, Refused> {
    summaries(store, user, &[chat]).await?.pop().ok_or(Refused(Code::NotAMember))
}

fn members(summary: &ChatSummary) -> Vec<MemberReceipt> {
    let member = |member: &summary::MemberSummary| MemberReceipt {
        user: member.user.clone(),
        delivered: member.delivered,
        read: member.read,
    };
    summary.members.iter().map(member).collect()
}

fn unread(summary: &ChatSummary, user: &UserId) -> u64 {
    summary.members.iter().find(|member| member.user == *user).map_or(0, |member| member.unread)
}

fn watermarks(summary: &ChatSummary, user: &UserId) -> ChatReceipts {
    ChatReceipts {
        chat: summary.chat,
        last_seq: summary.last_seq,
        unread: unread(summary, user),
        members: members(summary),
    }
}

/// The answer to a question for watermarks.
pub(crate) async fn receipts_of(store: &dyn Store, user: &UserId, chats: &[ChatId]) -> ServerFrame {
    match summaries(store, user, chats).await {
        Ok(summaries) => {
            let chats = summaries.iter().map(|summary| watermarks(summary, user)).collect();
            ServerFrame::Receipts(Receipts { chats })
        }
        Err(Refused(code)) => ServerFrame::Error(code.into()),
    }
}
