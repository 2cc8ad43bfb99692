//! Serves routes on a socket: HTTP/1.1 with an end to everything that a client can draw out.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use chasqui_runtime::Runtime;
use futures::TryFutureExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, select, sync::watch};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::{
    limits,
    listener::{Connection, Listener},
    newcomers::{Newcomer, Newcomers},
};

/// What bounds the connections of a socket.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most sessions at a time.
    pub sessions_max: usize,
    /// The most connections that have not proven who they are; beyond it the one that has waited longest gives way.
    pub unauthenticated_max: usize,
    /// How long the head of a request may take, also of one that never begins, in milliseconds.
    pub hello_ms: u64,
    /// How long a session may take nothing, in milliseconds. It is told why it ends, so its connection has a little
    /// longer.
    pub idle_ms: u64,
}

impl Bounds {
    fn connections_max(&self) -> usize {
        self.sessions_max.saturating_add(self.unauthenticated_max).saturating_add(CONNECTIONS_BESIDE)
    }

    fn stalled(&self) -> Duration {
        Duration::from_millis(self.idle_ms) + limits::FAREWELL * 2
    }
}

/// How many connections there may be beside sessions and those that have not proven who they are: questions over HTTP.
pub const CONNECTIONS_BESIDE: usize = 128;

/// Serves `router` until `stop`, and the requests that are open then to their ends. Sockets of sessions go on: their
/// gateway ends them when it drains.
pub async fn serve(tcp: TcpListener, router: Router, bounds: Bounds, runtime: Runtime, stop: impl Future<Output = ()>) {
    let mut listener = Listener::new(tcp, bounds.connections_max());
    let newcomers = Newcomers::new(bounds.unauthenticated_max);
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let (socket, address) = select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let newcomer = Arc::new(newcomers.enter());
        let served = connection(socket, router.clone(), bounds, newcomer, stopped.clone());
        let served = served.unwrap_or_else(move |error| tracing::debug!(%error, %address, "a connection failed"));
        runtime.spawn("connection", served).detach();
    }
    drop((listener, stopped));
    stopping.send_replace(true);
    stopping.closed().await;
}

/// Serves a connection until it is closed, or is a session's.
async fn connection(
    socket: Connection,
    router: Router,
    bounds: Bounds,
    newcomer: Arc<Newcomer>,
    mut stopped: watch::Receiver<bool>,
) -> hyper::Result<()> {
    let mut socket = TimeoutStream::new(socket);
    socket.set_write_timeout(Some(bounds.stalled()));
    let introduced = newcomer.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(introduced.clone());
        router.clone().oneshot(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(bounds.hello_ms))
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
