//! The socket that stays open over all lives: whether the server is ready, and everything else to the gateway of the
//! life that serves.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::get,
};
use chasqui_gateway::Bounds;
use chasqui_wire::{Code, frames::Problem};
use serde::Serialize;
use tokio::{net::TcpListener, sync::watch};
use tower::ServiceExt;

use super::Foundation;

/// When somebody who finds no gateway should try again, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// Whether the server takes sessions, and if not, why.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    waiting: Vec<String>,
}

/// Serves until it is told to stop, and the requests that are open then to their ends.
pub(super) async fn serve(listener: TcpListener, foundation: Arc<Foundation>, mut stop: watch::Receiver<bool>) {
    let (runtime, bounds) = (foundation.runtime.clone(), bounds(&foundation.options));
    let router = Router::new()
        .route("/health", get(async || "ok"))
        .route("/ready", get(ready))
        .fallback(pass)
        .with_state(foundation);
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
            let failure = Json(Problem::from(Code::Unavailable));
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, RETRY_AFTER_SECONDS)], failure).into_response()
        }
    }
}
