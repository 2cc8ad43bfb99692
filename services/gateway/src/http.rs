//! The routes, and WebSockets as a transport.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{
        Request, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONNECTION, SEC_WEBSOCKET_VERSION, UPGRADE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chasqui_wire::{Code, frames::Problem};
use futures::{Sink, SinkExt, StreamExt, future};
use tower_http::set_header::SetResponseHeaderLayer;
use tungstenite::error::CapacityError;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    addresses::Seat,
    admin, hello, limits,
    measure::{Stopwatch, measure},
    newcomers::Newcomer,
    rest::{
        self, Refused,
        asked::Unreadable,
        documents::{SocketProblems, document},
    },
    shared::Shared,
    transport::{Incoming, Outgoing, Target, TransportError},
};

/// Only documented routes.
fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(rest::chats::list))
        .routes(routes!(rest::chats::one))
        .routes(routes!(rest::members::list))
        .routes(routes!(rest::messages::list))
        .routes(routes!(rest::changes::list))
        .routes(routes!(rest::reactions::list))
        .routes(routes!(rest::receipts::of_chat))
        .routes(routes!(rest::receipts::of_message))
        .routes(routes!(rest::receipts::read))
        .routes(routes!(rest::devices::list))
}

/// The document of the routes: `openapi.json`.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, openapi) = OpenApiRouter::with_openapi(document())
        .merge(routes())
        .merge(admin::routes())
        .routes(routes!(socket))
        .split_for_parts();
    openapi
}

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let stopwatch = Stopwatch { metrics: shared.metrics.clone(), runtime: shared.runtime.clone() };
    let patience = middleware::from_fn_with_state(shared.clone(), within_patience);
    let keep_out_of_caches =
        SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let of_operators = admin::routes().route_layer(middleware::from_fn_with_state(shared.clone(), admin::authorise));
    let (router, _) = routes().merge(of_operators).layer(patience).routes(routes!(socket)).split_for_parts();
    router
        .fallback(async || Refused(Code::NotFound))
        .method_not_allowed_fallback(async || Refused(Code::MethodNotAllowed))
        .layer(keep_out_of_caches)
        .layer(middleware::from_fn_with_state(stopwatch, measure))
        .with_state(shared)
}

async fn within_patience(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let answered = shared.runtime.timeout(limits::REST_PATIENCE, next.run(request)).await;
    answered.unwrap_or_else(|_| Refused(Code::Unavailable).into_response())
}

/// The WebSocket; its frames are in `/asyncapi.json`.
#[utoipa::path(
    get, path = "/v1/socket", tag = "socket", operation_id = "connect",
    responses((status = 101, description = "Frames go both ways from here on."), SocketProblems)
)]
async fn socket(
    State(shared): State<Arc<Shared>>,
    // None when the routes are served by somebody else.
    newcomer: Option<Extension<Arc<Newcomer>>>,
    seat: Option<Extension<Arc<Seat>>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return not_upgraded(&rejection),
    };
    if let Some(why) = shared.closed() {
        return Refused(why).into_response();
    }
    // A place of its own each gets with its hello.
    if shared.sessions.available_permits() == 0 {
        return Refused(Code::Unavailable).into_response();
    }
    let options = &shared.options;
    upgrade
        .read_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .write_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .max_write_buffer_size(limits::write_buffer_bytes_max(options.body_bytes_max))
        .max_message_size(options.frame_bytes_max)
        .max_frame_size(options.frame_bytes_max)
        .on_upgrade(async move |socket| {
            serve(shared, socket, newcomer.as_ref().map(|Extension(newcomer)| &**newcomer)).await;
            drop(seat);
        })
}

/// As RFC 9110 and RFC 6455 have it: what would be understood is said in the headers.
fn not_upgraded(rejection: &WebSocketUpgradeRejection) -> Response {
    use WebSocketUpgradeRejection as Why;
    let headers: &[(HeaderName, &str)] = match rejection {
        Why::InvalidWebSocketVersionHeader(_) => &[(SEC_WEBSOCKET_VERSION, "13")],
        Why::InvalidConnectionHeader(_) | Why::InvalidUpgradeHeader(_) | Why::ConnectionNotUpgradable(_) => {
            &[(CONNECTION, "upgrade"), (UPGRADE, "websocket")]
        }
        _ => return Unreadable::new(rejection.body_text()).into_response(),
    };
    let mut response = rest::answer(Problem::from(Code::UpgradeRequired).with_detail(rejection.body_text()));
    let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    response.headers_mut().extend(headers);
    response
}

fn serve(shared: Arc<Shared>, socket: WebSocket, newcomer: Option<&Newcomer>) -> impl Future<Output = ()> {
    let (target, source) = socket.split();
    let source = source.map(incoming);
    hello::serve(shared, frames_to(target), source, newcomer)
}

/// Frames as messages. Once it has failed it goes on failing, and may still be closed.
fn frames_to(target: impl Sink<Message, Error = axum::Error> + Send + Unpin) -> impl Target {
    target.with(|frame| future::ready(Ok::<_, TransportError>(outgoing(frame))))
}

fn incoming(message: Result<Message, axum::Error>) -> Result<Incoming, TransportError> {
    let message = match message {
        Ok(message) => message,
        Err(error) => {
            let error = error.into_inner();
            return match error.downcast_ref() {
                Some(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. })) => Ok(Incoming::TooLong),
                _ => Err(TransportError(error)),
            };
        }
    };
    Ok(match message {
        Message::Text(text) => Incoming::Text(text),
        Message::Binary(_) => Incoming::Binary,
        Message::Ping(_) => Incoming::Ping,
        Message::Pong(_) => Incoming::Pong,
        Message::Close(_) => Incoming::Close,
    })
}

fn outgoing(frame: Outgoing) -> Message {
    match frame {
        Outgoing::Text(text) => Message::Text(text),
        Outgoing::Ping => Message::Ping(Bytes::new()),
        Outgoing::Close(why) => {
            // A code without a number ends no connection; its range would still be right.
            let code = why.close().unwrap_or(if why.retry() { close_code::AGAIN } else { close_code::POLICY });
            Message::Close(Some(CloseFrame { code, reason: why.as_str().into() }))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll},
    };

    use super::*;

    /// A socket whose client is gone.
    struct Broken;

    fn broken<T>() -> Result<T, axum::Error> {
        Err(axum::Error::new(io::Error::from(io::ErrorKind::BrokenPipe)))
    }

    impl Sink<Message> for Broken {
        type Error = axum::Error;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
            Poll::Ready(broken())
        }

        fn start_send(self: Pin<&mut Self>, _: Message) -> Result<(), axum::Error> {
            broken()
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
            Poll::Ready(broken())
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
            Poll::Ready(broken())
        }
    }

    /// A session that has found its socket broken still says farewell.
    #[tokio::test]
    async fn a_socket_that_failed_can_be_used_and_closed() {
        let mut target = frames_to(Broken);
        assert!(target.send(Outgoing::Ping).await.is_err());
        assert!(target.send(Outgoing::Ping).await.is_err());
        assert!(target.close().await.is_err());
    }
}
