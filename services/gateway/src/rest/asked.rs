//! What a request holds, taken out of it; what can't be read is answered as everything else is.

use std::sync::Arc;

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Path, Query, Request,
        rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chasqui_domain::{ChatId, DeviceId, Seq, UserId};
use chasqui_wire::{
    Code,
    frames::{BansQuery, ChangesQuery, ChatsQuery, DevicesQuery, MembersQuery, MessagesQuery, Problem},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{answer, user};
use crate::shared::Shared;

/// A request that can't be read, and what is wrong with it.
pub(crate) struct Unreadable {
    code: Code,
    detail: String,
}

impl Unreadable {
    pub(crate) fn new(detail: impl Into<String>) -> Self {
        Self { code: Code::BadFrame, detail: detail.into() }
    }

    fn of_body(status: StatusCode, detail: String) -> Self {
        let code = if status == StatusCode::PAYLOAD_TOO_LARGE { Code::RequestTooLarge } else { Code::BadFrame };
        Self { code, detail }
    }
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        answer(Problem::from(self.code).with_detail(self.detail))
    }
}

impl From<PathRejection> for Unreadable {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.body_text())
    }
}

impl From<QueryRejection> for Unreadable {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.body_text())
    }
}

impl From<BytesRejection> for Unreadable {
    fn from(rejection: BytesRejection) -> Self {
        Self::of_body(rejection.status(), rejection.body_text())
    }
}

impl From<JsonRejection> for Unreadable {
    fn from(rejection: JsonRejection) -> Self {
        Self::of_body(rejection.status(), rejection.body_text())
    }
}

/// The user who asks. First among what a handler takes, so that strangers learn nothing else.
pub(crate) struct Caller(pub(crate) UserId);

impl FromRequestParts<Arc<Shared>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        user(shared, &parts.headers).await.map(Self).map_err(answer)
    }
}

/// The `{chat}` of the path.
pub(crate) struct InChat(pub(crate) ChatId);

impl<S: Send + Sync> FromRequestParts<S> for InChat {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Named {
            chat: String,
        }
        let Path(Named { chat }) = Path::from_request_parts(parts, state).await?;
        ChatId::parse(&chat).map(Self).map_err(|error| Unreadable::new(error.to_string()))
    }
}

/// The `{seq}` of the path.
pub(crate) struct AtSeq(pub(crate) Seq);

impl<S: Send + Sync> FromRequestParts<S> for AtSeq {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Named {
            seq: u64,
        }
        let Path(Named { seq }) = Path::from_request_parts(parts, state).await?;
        Ok(Self(Seq(seq)))
    }
}

/// The `{user}` of the path.
pub(crate) struct OfUser(pub(crate) UserId);

impl<S: Send + Sync> FromRequestParts<S> for OfUser {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Named {
            user: String,
        }
        let Path(Named { user }) = Path::from_request_parts(parts, state).await?;
        UserId::new(user).map(Self).map_err(|error| Unreadable::new(error.to_string()))
    }
}

/// The `{device}` of the path.
pub(crate) struct OnDevice(pub(crate) DeviceId);

impl<S: Send + Sync> FromRequestParts<S> for OnDevice {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Named {
            device: String,
        }
        let Path(Named { device }) = Path::from_request_parts(parts, state).await?;
        DeviceId::new(device).map(Self).map_err(|error| Unreadable::new(error.to_string()))
    }
}

/// What a query asks.
pub(crate) trait Question: DeserializeOwned {
    /// At most so many items.
    fn limit(&self) -> Option<u32>;

    /// What contradicts itself in it.
    fn contradiction(&self) -> Option<&'static str> {
        None
    }
}

impl Question for ChatsQuery {
    fn limit(&self) -> Option<u32> {
        self.limit
    }
}

impl Question for DevicesQuery {
    fn limit(&self) -> Option<u32> {
        self.limit
    }
}

impl Question for MembersQuery {
    fn limit(&self) -> Option<u32> {
        self.limit
    }
}

impl Question for ChangesQuery {
    fn limit(&self) -> Option<u32> {
        self.limit
    }
}

impl Question for BansQuery {
    fn limit(&self) -> Option<u32> {
        self.limit
    }
}

impl Question for MessagesQuery {
    fn limit(&self) -> Option<u32> {
        self.limit
    }

    fn contradiction(&self) -> Option<&'static str> {
        let Self { before, after, until, since, limit: _ } = self;
        let given = [before.is_some(), after.is_some(), until.is_some(), since.is_some()];
        let is_one = given.into_iter().filter(|given| *given).count() <= 1;
        (!is_one).then_some("give one of before, after, until and since")
    }
}

/// The query.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: Question, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Unreadable;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Unreadable> {
        let Query(query) = Query::<T>::from_request_parts(parts, state).await?;
        if query.limit() == Some(0) {
            return Err(Unreadable::new("limit must be at least 1"));
        }
        match query.contradiction() {
            Some(why) => Err(Unreadable::new(why)),
            None => Ok(Self(query)),
        }
    }
}

/// The body, as JSON, which may be left out.
pub(crate) struct ToldPerhaps<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for ToldPerhaps<T> {
    type Rejection = Unreadable;

    async fn from_request(request: Request, state: &S) -> Result<Self, Unreadable> {
        let body = Bytes::from_request(request, state).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        let body: Option<T> = serde_json::from_slice(&body).map_err(|error| Unreadable::new(error.to_string()))?;
        Ok(Self(body.unwrap_or_default()))
    }
}

/// The body, as JSON.
pub(crate) struct Told<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Told<T> {
    type Rejection = Unreadable;

    async fn from_request(request: Request, state: &S) -> Result<Self, Unreadable> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}
