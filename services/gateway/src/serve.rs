//! Serves routes on a socket: HTTP/1.1 with an end to everything that a client can draw out.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    http::{
        HeaderName, HeaderValue,
        header::{CONNECTION, CONTENT_LENGTH},
    },
    response::{IntoResponse, Response},
};
use chasqui_wire::Code;
use futures::TryFutureExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, select, sync::watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::{
    addresses::{Addresses, Seat},
    limits,
    listener::{Connection, Listener},
    measure::Stopwatch,
    newcomers::{Newcomer, Newcomers},
    rest::Refused,
};

/// What bounds the connections of a socket.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The most sessions at a time.
    pub sessions_max: usize,
    /// The most connections that are no sessions; beyond it the one that was idle longest gives way.
    pub unauthenticated_max: usize,
    /// How long a connection that is no session may be idle before it gives way: see [`NEWCOMER_TIME`].
    pub newcomer_time: Duration,
    /// The most connections from one address; 0 is no limit.
    pub connections_per_address_max: usize,
    /// The header in which a proxy in front names the client's address; the last one in it counts.
    pub address_header: Option<HeaderName>,
    /// The longest body of a request, in bytes.
    pub request_bytes_max: usize,
    /// How long the head of a request may take, also of one that never begins, in milliseconds.
    pub hello_ms: u64,
    /// How long a session may take nothing, in milliseconds. It is told why it ends, so its connection has a little
    /// longer.
    pub idle_ms: u64,
}

/// So long whoever connects may take until it is a session, before it gives way to others who connect. When all sessions come
/// back at once those for whom there is no place wait for it with the operating system; a flood of those who say nothing is let
/// through at as many in this time as have a place.
pub const NEWCOMER_TIME: Duration = Duration::from_millis(500);

/// How many connections there may be beside sessions and those that are none, while these give way.
pub const CONNECTIONS_BESIDE: usize = 128;

/// Serves `router` until `stop`, and the requests that are open then to their ends. Sockets of sessions go on: their
/// gateway ends them when it drains.
pub async fn serve(
    tcp: TcpListener,
    router: Router,
    bounds: Bounds,
    stopwatch: Stopwatch,
    stop: impl Future<Output = ()>,
) {
    let Stopwatch { metrics, runtime } = stopwatch;
    let connections_max = bounds.sessions_max.saturating_add(bounds.unauthenticated_max);
    let mut listener = Listener::new(tcp, connections_max.saturating_add(CONNECTIONS_BESIDE), metrics.connections);
    let newcomers = Newcomers::new(bounds.unauthenticated_max, bounds.newcomer_time, runtime.clone());
    let door = Arc::new(Door {
        router: router.layer(DefaultBodyLimit::max(bounds.request_bytes_max)),
        addresses: Addresses::new(bounds.connections_per_address_max, bounds.address_header),
        request_bytes_max: bounds.request_bytes_max,
        hello: Duration::from_millis(bounds.hello_ms),
        // A session that takes nothing ends before, and is told why.
        stalled: Duration::from_millis(bounds.idle_ms) + limits::FAREWELL * 2,
    });
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            newcomers.room().await;
            listener.accept().await
        };
        let (socket, peer) = select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let newcomer = Arc::new(newcomers.enter());
        let served = door.clone().connection(socket, peer, newcomer, stopped.clone());
        let served = served.unwrap_or_else(move |error| tracing::debug!(%error, %peer, "a connection failed"));
        runtime.spawn("connection", served).detach();
    }
    drop((listener, stopped));
    stopping.send_replace(true);
    stopping.closed().await;
}

/// What all connections go through.
struct Door {
    router: Router,
    addresses: Arc<Addresses>,
    request_bytes_max: usize,
    hello: Duration,
    stalled: Duration,
}

impl Door {
    /// Serves a connection until it is closed, or is a session's.
    async fn connection(
        self: Arc<Self>,
        socket: Connection,
        peer: SocketAddr,
        newcomer: Arc<Newcomer>,
        mut stopped: watch::Receiver<bool>,
    ) -> hyper::Result<()> {
        let mut socket = TimeoutStream::new(socket);
        socket.set_write_timeout(Some(self.stalled));
        // Behind a proxy each request has its own.
        let seat = if self.addresses.are_named() { None } else { self.addresses.take(peer.ip()) }.map(Arc::new);
        let (door, introduced) = (self.clone(), newcomer.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            door.clone().request(request.map(Body::new), peer, seat.clone(), introduced.clone())
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.hello)
            .max_buf_size(limits::HTTP_BUFFER_BYTES)
            .serve_connection(TokioIo::new(Box::pin(socket)), service)
            .with_upgrades();
        let mut served = pin!(served);
        select! {
            ended = &mut served => return ended,
            () = newcomer.gives_way() => return Ok(()),
            // It fails when nobody can say so any more.
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
        served.as_mut().graceful_shutdown();
        served.await
    }

    async fn request(
        self: Arc<Self>,
        mut request: Request,
        peer: SocketAddr,
        seat: Option<Arc<Seat>>,
        newcomer: Arc<Newcomer>,
    ) -> Result<Response, Infallible> {
        let seat = if self.addresses.are_named() {
            self.addresses.take(self.addresses.named(request.headers(), peer)).map(Arc::new)
        } else {
            seat
        };
        let Some(seat) = seat else { return Ok(refused(Code::TooManyConnections)) };
        let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length > self.request_bytes_max as u64) {
            return Ok(refused(Code::RequestTooLarge));
        }
        // A session keeps both.
        request.extensions_mut().insert(newcomer.clone());
        request.extensions_mut().insert(seat.clone());
        let response = self.router.clone().oneshot(request).await?;
        if response.status().is_success() {
            newcomer.was_busy();
        }
        drop(seat);
        Ok(response)
    }
}

fn refused(why: Code) -> Response {
    let mut response = Refused(why).into_response();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
