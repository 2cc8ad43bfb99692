//! Connections as the real server takes them: WebSockets.

use std::{future, sync::Arc};

use async_trait::async_trait;
use chasqui_wire::frames::Problem;
use futures::{SinkExt, StreamExt};
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, WebSocketConfig},
    },
};

use crate::{
    error::Error,
    rest::without_userinfo,
    transport::{Close, ConnectError, Connector, Incoming, Outgoing, Transport, TransportError},
};

/// Longer than any frame of a server whose bodies have the largest size that can be configured.
const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
/// A client has one socket and small frames.
const BUFFER_BYTES: usize = 16 * 1024;

/// Makes connections to the socket of a gateway.
pub(crate) struct WebSocket {
    url: Arc<str>,
}

impl WebSocket {
    /// # Errors
    /// [`Error::Url`].
    pub(crate) fn new(url: String) -> Result<Self, Error> {
        if let Err(error) = url.as_str().into_client_request() {
            return Err(Error::Url { url: without_userinfo(&url), why: error.to_string() });
        }
        Ok(Self { url: url.into() })
    }
}

#[async_trait]
impl Connector for WebSocket {
    async fn connect(&self) -> Result<Box<dyn Transport>, ConnectError> {
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        // Frames are flushed together already; waiting for more would only cost time.
        let connected = connect_async_with_config(&*self.url, Some(config), true).await;
        let (stream, _) = connected.map_err(connect_error)?;
        let write = |outgoing| future::ready(Ok::<_, TransportError>(message(outgoing)));
        Ok(Box::new(stream.with(write).map(|came| Ok(incoming(came?)))))
    }
}

impl From<tungstenite::Error> for TransportError {
    fn from(error: tungstenite::Error) -> Self {
        Self(Box::new(error))
    }
}

fn connect_error(error: tungstenite::Error) -> ConnectError {
    if let tungstenite::Error::Http(answer) = &error
        && let Some(problem) = answer.body().as_ref().and_then(|body| serde_json::from_slice::<Problem>(body).ok())
    {
        return ConnectError::Refused { code: problem.code, retry_in_ms: problem.retry_in_ms };
    }
    ConnectError::Failed(error.into())
}

fn message(outgoing: Outgoing) -> Message {
    match outgoing {
        Outgoing::Text(text) => Message::text(text),
        Outgoing::Ping => Message::Ping(tungstenite::Bytes::new()),
    }
}

fn incoming(message: Message) -> Incoming {
    let close = |it: CloseFrame| Close { number: it.code.into(), reason: it.reason.as_str().to_owned() };
    match message {
        Message::Text(text) => Incoming::Text(text.as_str().to_owned()),
        Message::Close(frame) => Incoming::Close(frame.map(close)),
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Incoming::Alive,
    }
}
