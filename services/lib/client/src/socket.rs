//! The WebSocket.

use std::time::Duration;

use chasqui_wire::frames::{self, ClientFrame, Problem, ServerFrame};
use futures::{SinkExt, StreamExt};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::{
    core::{Close, Parting},
    options::{Direction, Observer},
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
    Closed(Option<Close>),
    #[error(transparent)]
    Socket(#[from] tungstenite::Error),
}

impl Error {
    /// What the server says with it, if it does.
    pub(crate) fn parting(&self) -> Parting {
        match self {
            Self::Closed(close) => Parting { close: close.clone(), refusal: None },
            Self::Socket(tungstenite::Error::Http(answer)) => {
                let problem = answer.body().as_ref().and_then(|body| serde_json::from_slice::<Problem>(body).ok());
                Parting { close: None, refusal: problem.map(|problem| (problem.code, problem.retry_in_ms)) }
            }
            Self::TooLong | Self::Frame(_) | Self::Socket(_) => Parting::default(),
        }
    }
}

/// What comes from a socket.
#[derive(Debug)]
pub(crate) enum Incoming {
    Frame(ServerFrame),
    /// A sign of life, or a frame of a later version of the protocol.
    Alive,
}

pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    observer: Option<Observer>,
}

impl Socket {
    pub(crate) async fn connect(url: &str, observer: Option<Observer>) -> Result<Self, Error> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        // Frames are flushed together already; waiting for more would only cost time.
        let connect = connect_async_with_config(url, Some(config), true);
        let (stream, _) = timeout(PATIENCE, connect).await.map_err(|_| Error::TooLong)??;
        Ok(Self { stream, observer })
    }

    /// What comes next. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Error> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => {
                self.observe(Direction::FromServer, &text);
                read(&text)
            }
            Some(Ok(Message::Close(frame))) => {
                let close = |it: CloseFrame| Close { number: it.code.into(), reason: it.reason.as_str().to_owned() };
                Err(Error::Closed(frame.map(close)))
            }
            None => Err(Error::Closed(None)),
            Some(Ok(_)) => Ok(Incoming::Alive),
            Some(Err(error)) => Err(error.into()),
        }
    }

    /// Writes frames without sending them off.
    pub(crate) async fn feed(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        let text = frames::to_text(frame)?;
        self.observe(Direction::ToServer, &text);
        timeout(PATIENCE, self.stream.feed(Message::text(text))).await.map_err(|_| Error::TooLong)?.map_err(Error::from)
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        timeout(PATIENCE, self.stream.flush()).await.map_err(|_| Error::TooLong)?.map_err(Error::from)
    }

    pub(crate) async fn ping(&mut self) -> Result<(), Error> {
        let ping = self.stream.send(Message::Ping(tungstenite::Bytes::new()));
        timeout(PATIENCE, ping).await.map_err(|_| Error::TooLong)?.map_err(Error::from)
    }

    /// Says goodbye and waits for the server's, so that it reads what was written last.
    pub(crate) async fn close(&mut self) {
        let goodbye = async {
            self.stream.close(None).await?;
            while self.stream.next().await.transpose()?.is_some_and(|message| !message.is_close()) {}
            Ok::<(), tungstenite::Error>(())
        };
        match timeout(FAREWELL, goodbye).await {
            Ok(Ok(()) | Err(tungstenite::Error::ConnectionClosed)) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a goodbye was cut off"),
            Err(_) => tracing::debug!("the server didn't say goodbye"),
        }
    }

    fn observe(&self, direction: Direction, text: &str) {
        if let Some(observer) = &self.observer {
            observer(direction, text);
        }
    }
}

fn read(text: &str) -> Result<Incoming, Error> {
    match frames::parse(text) {
        Ok(frame) => Ok(Incoming::Frame(frame)),
        Err(error) if is_unknown(text) => {
            tracing::debug!(%error, "a frame of a type that is not known here");
            Ok(Incoming::Alive)
        }
        // Passing over a frame that may have been an entry would lose it behind the next cursor.
        Err(error) => Err(error.into()),
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
