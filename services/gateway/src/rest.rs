//! The REST API: what a device begins with, and what it scrolls to.

pub(crate) mod asked;
pub(crate) mod changes;
pub(crate) mod chats;
pub(crate) mod devices;
pub(crate) mod documents;
pub(crate) mod found;
pub(crate) mod history;
pub(crate) mod members;
pub(crate) mod messages;
pub(crate) mod reactions;
pub(crate) mod receipts;

use axum::{
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use chasqui_domain::{ChatId, UserId};
use chasqui_wire::{
    Code,
    frames::{Problem, Receipts, ServerFrame},
};

use found::Found;

use crate::{bans, identity, keys, limits, shared::Shared, uplink};

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

/// Why something can't be shown when its key can't be read.
fn unopened(error: &keys::Error) -> Refused {
    match error {
        keys::Error::Store(error) => Refused(uplink::code_of_store(error)),
        keys::Error::Absent | keys::Error::Seal(_) | keys::Error::TooManyChats(_) => Refused(Code::ServerError),
    }
}

pub(crate) fn page_items(limit: Option<u32>) -> usize {
    let asked = limit.map_or(limits::PAGE_ITEMS, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    asked.clamp(1, limits::PAGE_ITEMS_MAX)
}

/// The answer to a question for watermarks.
pub(crate) async fn receipts_of(shared: &Shared, user: &UserId, chats: &[ChatId]) -> ServerFrame {
    let receipts = async {
        let mut receipts = Vec::with_capacity(chats.len());
        for found in Found::all(&*shared.store, user, chats).await? {
            receipts.push(found.receipts(shared).await?);
        }
        Ok(receipts)
    };
    match receipts.await {
        Ok(chats) => ServerFrame::Receipts(Receipts { chats }),
        Err(Refused(code)) => ServerFrame::Error(code.into()),
    }
}
