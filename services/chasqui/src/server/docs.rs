//! The documents of the protocol, for whoever writes a client. They are there also while no gateway serves.

use axum::{
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    response::{Html, IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::protocol;

/// The page has a style of its own, and nothing else.
const ONLY_STYLE: &str = "default-src 'none'; style-src 'unsafe-inline'";

pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(openapi)).routes(routes!(asyncapi)).routes(routes!(codes))
}

/// The protocol, explained.
#[utoipa::path(
    get, path = "/docs", tag = "documents", operation_id = "getPage",
    responses((status = 200, description = "A page.", body = String, content_type = "text/html"))
)]
async fn page() -> Response {
    ([(CONTENT_SECURITY_POLICY, ONLY_STYLE)], Html(protocol::page())).into_response()
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "documents", operation_id = "getOpenapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object))
)]
async fn openapi() -> Response {
    json(protocol::openapi())
}

/// The frames of the socket.
#[utoipa::path(
    get, path = "/asyncapi.json", tag = "documents", operation_id = "getAsyncapi",
    responses((status = 200, description = "AsyncAPI 3.0.", body = Object))
)]
async fn asyncapi() -> Response {
    json(protocol::asyncapi())
}

/// The codes of errors and closes.
#[utoipa::path(
    get, path = "/codes.json", tag = "documents", operation_id = "getCodes",
    responses((status = 200, description = "All codes.", body = Object))
)]
async fn codes() -> Response {
    json(protocol::codes())
}

fn json(document: &'static str) -> Response {
    ([(CONTENT_TYPE, "application/json")], document).into_response()
}
