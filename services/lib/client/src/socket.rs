//! The WebSocket.

use std::time::Duration;

use chasqui_wire::frames::{self, ClientFrame, ServerFrame};
use futures::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

/// How long connecting, and writing, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(3);
/// Longer than any frame of a server whose bodies have the largest size that can be configured.
const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
/// A client has one socket and small frames.
const BUFFER_BYTES: usize = 16 * 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("it took too long")]
    TooLong,
    #[error(transparent)]
    Frame(#[from] chasqui_wire::Error),
    #[error("the server closed it")]
    Closed,
    #[error(transparent)]
    Socket(#[from] tungstenite::Error),
}

/// What comes from a socket.
#[derive(Debug)]
pub(crate) enum Incoming {
    Frame(ServerFrame),
    /// A sign of life, or a frame of a later version of the protocol.
    Alive,
}

#[derive(Debug)]
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn connect(url: &str) -> Result<Self, Error> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        // Frames are flushed together already; waiting for more would only cost time.
        let connect = connect_async_with_config(url, Some(config), true);
        let (socket, _) = timeout(PATIENCE, connect).await.map_err(|_| Error::TooLong)??;
        Ok(Self(socket))
    }

    /// What comes next. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Error> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => match frames::parse(&text) {
                Ok(frame) => Ok(Incoming::Frame(frame)),
                Err(error) if is_unknown(&text) => {
                    tracing::debug!(%error, "a frame of a type that is not known here");
                    Ok(Incoming::Alive)
                }
                // Passing over a frame that may have been an entry would lose it behind the next cursor.
                Err(error) => Err(error.into()),
            },
            Some(Ok(Message::Close(_))) | None => Err(Error::Closed),
            Some(Ok(_)) => Ok(Incoming::Alive),
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// Writes frames without sending them off.
    pub(crate) async fn feed(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        let text = frames::to_text(frame)?;
        timeout(PATIENCE, self.0.feed(Message::text(text))).await.map_err(|_| Error::TooLong)?.map_err(Error::from)
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        timeout(PATIENCE, self.0.flush()).await.map_err(|_| Error::TooLong)?.map_err(Error::from)
    }

    pub(crate) async fn ping(&mut self) -> Result<(), Error> {
        let ping = self.0.send(Message::Ping(tungstenite::Bytes::new()));
        timeout(PATIENCE, ping).await.map_err(|_| Error::TooLong)?.map_err(Error::from)
    }

    /// Says goodbye and waits for the server's, so that it reads what was written last.
    pub(crate) async fn close(&mut self) {
        let goodbye = async {
            self.0.close(None).await?;
            while self.0.next().await.transpose()?.is_some_and(|message| !message.is_close()) {}
            Ok::<(), tungstenite::Error>(())
        };
        match timeout(FAREWELL, goodbye).await {
            Ok(Ok(()) | Err(tungstenite::Error::ConnectionClosed)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a goodbye was cut off"),
            Err(_) => tracing::debug!("the server didn't say goodbye"),
        }
    }
}

/// Whether a frame is of a type that this build doesn't know.
fn is_unknown(text: &str) -> bool {
    const KNOWN: &[&str] =
        &["welcome", "message", "sent", "failed", "receipt", "receipts", "caught_up", "delayed", "renewed", "error"];
    #[derive(serde::Deserialize)]
    struct Typed {
        r#type: String,
    }
    serde_json::from_str::<Typed>(text).is_ok_and(|typed| !KNOWN.contains(&typed.r#type.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frames_of_other_types_are_passed_over() {
        assert!(is_unknown(r#"{"type":"typing","chat":"x"}"#));
        for known in [r#"{"type":"message","seq":"x"}"#, "{}", "nonsense"] {
            assert!(!is_unknown(known));
        }
    }
}
