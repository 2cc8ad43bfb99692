//! The socket that stays open over all lives: whether the server is ready, and everything else to the gateway of the
//! life that serves.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    middleware,
    response::{IntoResponse, Response},
};
use chasqui_gateway::{AdminProblems, AdminToken, Bounds, Stopwatch, answer, measure};
use chasqui_telemetry::metrics::Metrics;
use chasqui_wire::{Code, frames::Problem};
use serde::Serialize;
use tokio::{
    net::{TcpListener, TcpSocket, lookup_host},
    sync::watch,
};
use tower::ServiceExt;
use utoipa::{ToSchema, openapi::OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Foundation, docs};

/// When somebody who finds no gateway should try again, in milliseconds.
const RETRY_IN_MS: u32 = 1_000;

/// How many connections may wait to be taken, where the operating system allows as many. When all sessions come back at once
/// they wait here; those beyond try again after a second and more, whatever the server would tell them.
const BACKLOG: u32 = 4_096;

/// How long the metrics wait for what has to be looked up.
const MEASURE_PATIENCE: Duration = Duration::from_secs(1);

/// Whether the server takes sessions, and if not, why.
#[derive(Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    /// What is waited for, in a few words; the server's log has more.
    waiting: Vec<String>,
}

/// Those that are there over all lives.
fn routes() -> OpenApiRouter<Arc<Foundation>> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(ready)).routes(routes!(metrics)).merge(docs::routes())
}

/// The document of all routes: `openapi.json`.
pub(crate) fn openapi() -> OpenApi {
    OpenApiRouter::with_openapi(chasqui_gateway::openapi()).merge(routes()).into_openapi()
}

/// Listens at the first of an address's places that can be had.
pub(super) async fn listen(address: &str) -> io::Result<TcpListener> {
    let mut failed = io::Error::new(io::ErrorKind::InvalidInput, "the address has no place");
    for place in lookup_host(address).await? {
        match listen_at(place) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn listen_at(place: SocketAddr) -> io::Result<TcpListener> {
    let socket = if place.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
    // A server that begins again finds its address although connections of the one before linger.
    socket.set_reuseaddr(true)?;
    socket.bind(place)?;
    socket.listen(BACKLOG)
}

/// Serves until it is told to stop, and the requests that are open then to their ends.
pub(super) async fn serve(listener: TcpListener, foundation: Arc<Foundation>, mut stop: watch::Receiver<bool>) {
    let bounds = bounds(&foundation.options);
    let stopwatch = Stopwatch { metrics: foundation.metrics.gateway.clone(), runtime: foundation.runtime.clone() };
    let (router, _) = routes().split_for_parts();
    let not_allowed = async || answer(Code::MethodNotAllowed.into());
    let router = router.route_layer(middleware::from_fn_with_state(stopwatch.clone(), measure));
    let router = router.fallback(pass).method_not_allowed_fallback(not_allowed).with_state(foundation);
    let stopped = async move { drop(stop.wait_for(|stop| *stop).await) };
    chasqui_gateway::serve(listener, router, bounds, stopwatch, stopped).await;
}

fn bounds(options: &chasqui_config::Options) -> Bounds {
    let gateway = &options.gateway;
    Bounds {
        sessions_max: gateway.sessions_max,
        unauthenticated_max: gateway.unauthenticated_max,
        newcomer_time: chasqui_gateway::NEWCOMER_TIME,
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

/// What the server counts, for Prometheus: OpenMetrics. Only for operators.
#[utoipa::path(
    get, path = "/metrics", tag = "server", operation_id = "getMetrics", security(("admin" = [])),
    responses(
        (status = 200, description = "All of it.", body = String, content_type = "application/openmetrics-text"),
        AdminProblems,
    )
)]
async fn metrics(State(foundation): State<Arc<Foundation>>, headers: HeaderMap) -> Response {
    let Some(token) = &foundation.options.admin.token else { return answer(Code::NotFound.into()) };
    if !AdminToken::new(token.expose()).is_in(&headers) {
        return answer(Code::Unauthorized.into());
    }
    let metrics = &foundation.metrics;
    // A log that doesn't answer is told of by what is not counted.
    let measured = foundation.runtime.timeout(MEASURE_PATIENCE, foundation.status.measure(&metrics.server)).await;
    if !matches!(measured, Ok(Ok(()))) {
        tracing::debug!("how far the roles have come is not known");
    }
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, Metrics::MEDIA_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written");
            answer(Code::ServerError.into())
        }
    }
}

async fn pass(State(foundation): State<Arc<Foundation>>, request: Request) -> Response {
    match foundation.status.routes() {
        None if !foundation.part.has_gateway() => answer(Code::NotFound.into()),
        Some(gateway) => gateway.oneshot(request).await.unwrap_or_else(|never: Infallible| match never {}),
        None => answer(Problem { retry_in_ms: Some(RETRY_IN_MS), ..Problem::from(Code::Unavailable) }),
    }
}
