//! A connection.

use std::task::{Context, Poll, ready};

use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig},
};

use crate::Error;

/// What comes from a server.
pub(crate) enum Came {
    Text(Utf8Bytes),
    /// The server is alive.
    Alive,
    /// It has gone.
    Closed,
}

/// A connection, in which what is written waits until it is flushed.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    is_dirty: bool,
}

impl Socket {
    /// Connects, with buffers of so many bytes.
    pub(crate) async fn connect(url: &str, buffer_bytes: usize) -> Result<Self, Error> {
        let config = WebSocketConfig::default().read_buffer_size(buffer_bytes).write_buffer_size(buffer_bytes);
        let (stream, _) = connect_async_with_config(url, Some(config), true).await?;
        Ok(Self { stream, is_dirty: false })
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Came, Error>> {
        Poll::Ready(Ok(match ready!(self.stream.poll_next_unpin(cx)) {
            Some(Ok(Message::Text(text))) => Came::Text(text),
            Some(Ok(Message::Close(_))) | None => Came::Closed,
            Some(Ok(_)) => {
                // The answer to a ping was put in by reading it.
                self.is_dirty = true;
                Came::Alive
            }
            Some(Err(error)) => return Poll::Ready(Err(error.into())),
        }))
    }

    pub(crate) async fn next(&mut self) -> Result<Came, Error> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Puts a frame behind those that wait. What the server reads bounds what waits, since a session has a bounded
    /// number of messages under way.
    pub(crate) fn put(&mut self, cx: &mut Context<'_>, text: String) -> Result<(), Error> {
        // Whether it is ready or not, the connection takes what it is given, and writes it when it is flushed.
        let _ = self.stream.poll_ready_unpin(cx)?;
        self.stream.start_send_unpin(Message::text(text))?;
        self.is_dirty = true;
        Ok(())
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.is_dirty
            && let Poll::Ready(flushed) = self.stream.poll_flush_unpin(cx)
        {
            flushed?;
            self.is_dirty = false;
        }
        Ok(())
    }

    pub(crate) async fn say(&mut self, text: String) -> Result<(), Error> {
        Ok(self.stream.send(Message::text(text)).await?)
    }
}
