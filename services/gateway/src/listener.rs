//! The sockets that a gateway's routes are served on.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::serve::{Listener, ListenerExt};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// How many connections there may be beside sessions: questions over HTTP, and those that have not said hello.
pub const CONNECTIONS_BESIDE: usize = 128;

/// Makes a listener for [`crate::Gateway::router`], for as many connections as `sessions_max` and
/// [`CONNECTIONS_BESIDE`] allow. Beyond that, connections wait with the operating system until one ends, so that they
/// take no files that others need.
///
/// Its sockets send small frames at once. Without that two frames in a row wait for each other: Nagle's algorithm holds
/// the second until the client's delayed acknowledgement, about 40 ms.
pub fn listener(listener: TcpListener, sessions_max: usize) -> impl Listener<Addr = SocketAddr> {
    bounded(listener, sessions_max.saturating_add(CONNECTIONS_BESIDE))
}

fn bounded(listener: TcpListener, connections_max: usize) -> impl Listener<Addr = SocketAddr, Io = Connection> {
    let tcp = listener.tap_io(|socket| {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "a socket keeps its delay");
        }
    });
    Bounded { tcp, permits: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))) }
}

struct Bounded<L> {
    tcp: L,
    permits: Arc<Semaphore>,
}

impl<L: Listener<Io = TcpStream, Addr = SocketAddr>> Listener for Bounded<L> {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        if self.permits.available_permits() == 0 {
            tracing::warn!("all connections are taken, new ones wait");
        }
        // None only when it is closed, which nobody does.
        let permit = self.permits.clone().acquire_owned().await.ok();
        let (socket, address) = self.tcp.accept().await;
        (Connection { socket, _permit: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// A socket that counts until it is dropped.
struct Connection {
    socket: TcpStream,
    _permit: Option<OwnedSemaphorePermit>,
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
        let mut listener = bounded(tcp, 2);
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
