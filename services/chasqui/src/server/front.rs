//! The socket that stays open over all lives: whether the server is ready, and everything else to the gateway of the
//! life that serves.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use chasqui_gateway::{Bounds, answer};
use chasqui_wire::{Code, frames::Problem};
use serde::Serialize;
use tokio::{net::TcpListener, sync::watch};
use tower::ServiceExt;
use utoipa::{ToSchema, openapi::OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Foundation, docs};

/// When somebody who finds no gateway should try again, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Whether the server takes sessions, and if not, why.
#[derive(Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    /// What is waited for, in a few words; the server's log has more.
    waiting: Vec<String>,
}

/// Those that are there over all lives.
fn routes() -> OpenApiRouter<Arc<Foundation>> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready)).merge(docs::routes())
}

/// The document of all routes: `openapi.json`.
pub(crate) fn openapi() -> OpenApi {
    OpenApiRouter::with_openapi(chasqui_gateway::openapi()).merge(routes()).into_openapi()
}

/// Serves until it is told to stop, and the requests that are open then to their ends.
pub(super) async fn serve(listener: TcpListener, foundation: Arc<Foundation>, mut stop: watch::Receiver<bool>) {
    let (runtime, bounds) = (foundation.runtime.clone(), bounds(&foundation.options));
    let (router, _) = routes().split_for_parts();
    let not_allowed = async || answer(Code::MethodNotAllowed.into());
    let router = router.fallback(pass).method_not_allowed_fallback(not_allowed).with_state(foundation);
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    chasqui_gateway::serve(listener, router, bounds, runtime, stopped).await;
}

fn bounds(options: &chasqui_config::Options) -> Bounds {
    let gateway = &options.gateway;
    Bounds {
        sessions_max: gateway.sessions_max,
        unauthenticated_max: gateway.unauthenticated_max,
        connections_per_address_max: gateway.connections_per_address_max,
        // The options were checked at the start.
        address_header: gateway.address_header.as_ref().and_then(|name| name.parse().ok()),
        request_bytes_max: gateway.request_bytes_max,
        hello_ms: gateway.hello_ms,
        idle_ms: gateway.idle_ms,
    }
}

/// Whether the server lives.
#[utoipa::path(
    get, path = "/health", tag = "server", operation_id = "getHealth",
    responses((status = 200, description = "It does.", body = String, content_type = "text/plain"))
)]
async fn health() -> &'static str {
    "ok"
}

/// Whether the server takes sessions, and if not, what it waits for.
#[utoipa::path(
    get, path = "/ready", tag = "server", operation_id = "getReady",
    responses(
        (status = 200, description = "It does.", body = Readiness),
        (status = 503, description = "Not now.", body = Readiness),
    )
)]
async fn ready(State(foundation): State<Arc<Foundation>>) -> (StatusCode, Json<Readiness>) {
    let waiting = foundation.status.waiting();
    let ready = waiting.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, waiting }))
}

async fn pass(State(foundation): State<Arc<Foundation>>, request: Request) -> Response {
    match foundation.status.routes() {
        Some(gateway) => gateway.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {}),
        None => {
            let mut answer = answer(Problem::from(Code::Unavailable));
            answer.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
            answer
        }
    }
}
