//! What a session needs of its connection, whatever carries it.

use axum::extract::ws::Utf8Bytes;
use chasqui_wire::Code;
use futures::{Sink, Stream};

/// What comes from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A frame.
    Text(Utf8Bytes),
    /// Something that is no frame.
    Binary,
    /// A frame that is longer than allowed. The last that comes.
    TooLong,
    /// A ping, which the transport has answered.
    Ping,
    /// The answer to a ping.
    Pong,
    /// The client goes.
    Close,
}

/// What goes to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A frame.
    Text(Utf8Bytes),
    /// Asks for a sign of life.
    Ping,
    /// The connection ends, and why. The last that is sent.
    Close(Code),
}

/// The connection failed, or the client broke the transport's rules.
#[derive(Debug, thiserror::Error)]
#[error("the connection failed: {0}")]
pub struct TransportError(pub Box<dyn std::error::Error + Send + Sync>);

impl From<axum::Error> for TransportError {
    fn from(error: axum::Error) -> Self {
        Self(Box::new(error))
    }
}

/// Where frames come from.
pub(crate) trait Source: Stream<Item = Result<Incoming, TransportError>> + Send + Unpin {}
impl<T: Stream<Item = Result<Incoming, TransportError>> + Send + Unpin> Source for T {}

/// Where frames go to.
pub(crate) trait Target: Sink<Outgoing, Error = TransportError> + Send + Unpin {}
impl<T: Sink<Outgoing, Error = TransportError> + Send + Unpin> Target for T {}
