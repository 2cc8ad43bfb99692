//! The sockets that a gateway's routes are served on.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use chasqui_telemetry::metrics::{Gauge, One};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Accepts as many connections as there may be. Beyond that they wait with the operating system until one ends, so that
/// they take no files that others need.
pub(crate) struct Listener {
    tcp: TcpListener,
    permits: Arc<Semaphore>,
    is_full: bool,
    open: Gauge,
}

impl Listener {
    pub(crate) fn new(tcp: TcpListener, connections_max: usize, open: Gauge) -> Self {
        let permits = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
        Self { tcp, permits, is_full: false, open }
    }

    /// The next connection. Cancel safe.
    ///
    /// Its socket sends small frames at once. Without that two frames in a row wait for each other: Nagle's algorithm
    /// holds the second until the client's delayed acknowledgement, about 40 ms.
    pub(crate) async fn accept(&mut self) -> (Connection, SocketAddr) {
        let was_full = std::mem::replace(&mut self.is_full, self.permits.available_permits() == 0);
        if self.is_full && !was_full {
            tracing::warn!("all connections are taken, new ones wait");
        }
        // None only when it is closed, which nobody does.
        let permit = self.permits.clone().acquire_owned().await.ok();
        // It pauses after an error that concerns more than one connection.
        let (socket, address) = axum::serve::Listener::accept(&mut self.tcp).await;
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a socket keeps its delay");
        }
        (Connection { socket, _permit: permit, _counted: One::more(&self.open) }, address)
    }
}

/// A socket that counts until it is dropped.
pub(crate) struct Connection {
    socket: TcpStream,
    _permit: Option<OwnedSemaphorePermit>,
    _counted: One,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn beyond_the_bound_a_connection_waits_for_another_to_end() {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let mut listener = Listener::new(tcp, 2, Gauge::default());
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        let (first, _) = listener.accept().await;
        let (mut second, _) = listener.accept().await;
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = has_ended.clone();
        let third = tokio::spawn(async move {
            let third = listener.accept().await;
            (third, ended.load(Ordering::SeqCst))
        });
        // Words that go to and fro: long enough for a connection that doesn't wait.
        for _ in 0..10 {
            second.write_all(b"x").await.unwrap();
            clients[1].read_u8().await.unwrap();
        }
        has_ended.store(true, Ordering::SeqCst);
        drop(first);
        let (_, waited) = third.await.unwrap();
        assert!(waited, "a third connection was taken beside two");
    }
}
