//! Counts what goes over the socket and over HTTP.

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use chasqui_runtime::Runtime;
use chasqui_telemetry::metrics::GatewayMetrics;
use chasqui_wire::{
    Code,
    frames::{self, ServerFrame},
};
use serde::Deserialize;

use crate::Outgoing;

/// What a request without a route counts as.
const NO_ROUTE: &str = "none";

/// What a frame that is none counts as.
pub(crate) const UNREADABLE: &str = "unreadable";

/// What is needed to measure requests.
#[derive(Clone)]
pub struct Stopwatch {
    /// What counts them.
    pub metrics: GatewayMetrics,
    /// The clock.
    pub runtime: Runtime,
}

/// Counts a request by its route, and how long the answer took. For a layer of routes.
pub async fn measure(State(stopwatch): State<Stopwatch>, request: Request, next: Next) -> Response {
    let began = stopwatch.runtime.monotonic();
    let method = name(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let took = stopwatch.runtime.monotonic() - began;
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    stopwatch.metrics.request(method, route, response.status().as_u16(), took);
    response
}

/// Clients may make up methods.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts what is written to a client.
pub(crate) fn outgoing(metrics: &GatewayMetrics, outgoing: &Outgoing) {
    match outgoing {
        Outgoing::Text(text) => {
            let name = name_of(text);
            metrics.frame_out(name);
            match name {
                "sent" => metrics.outcome("sent"),
                "failed" => metrics.outcome(code_of(text)),
                _ => {}
            }
        }
        Outgoing::Ping => metrics.frame_out("ping"),
        Outgoing::Close(code) => metrics.closed(code.as_str()),
    }
}

/// The type of a frame that was written here: it stands in front.
fn name_of(text: &str) -> &'static str {
    let name = text.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next());
    ServerFrame::NAMES.iter().copied().find(|known| Some(*known) == name).unwrap_or("other")
}

fn code_of(text: &str) -> &'static str {
    #[derive(Deserialize)]
    struct Coded {
        code: Code,
    }
    frames::parse::<Coded>(text).map_or("other", |coded| coded.code.as_str())
}

#[cfg(test)]
mod tests {
    use chasqui_wire::protocol;

    use super::*;
    use crate::render;

    #[test]
    fn every_frame_of_the_server_is_known_by_its_name() {
        let asyncapi = protocol::asyncapi();
        let messages = asyncapi["components"]["messages"].as_object().unwrap();
        let mut names = Vec::new();
        for (_, message) in messages.iter().filter(|(name, _)| name.starts_with("server")) {
            let frame: ServerFrame = frames::parse(&message["examples"][0]["payload"].to_string()).unwrap();
            assert_eq!(name_of(&render::text(&frame).unwrap()), message["name"]);
            names.push(message["name"].as_str().unwrap());
        }
        assert_eq!(names.len(), ServerFrame::NAMES.len());
        assert_eq!(code_of("{\"type\":\"failed\",\"code\":\"rate_limited\"}"), "rate_limited");
    }
}
