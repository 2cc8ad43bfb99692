//! What a client needs of its connection, whatever carries it.

use std::error::Error;

use async_trait::async_trait;
use chasqui_wire::Code;
use futures::{Sink, Stream};

/// What comes from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A frame.
    Text(String),
    /// A sign of life: a ping, which the transport has answered, a pong, or something that is no frame.
    Alive,
    /// The server goes, and why if it says so. The last that comes.
    Close(Option<Close>),
}

/// What goes to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A frame.
    Text(String),
    /// Asks for a sign of life.
    Ping,
}

/// The server's close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Its number, see `chasqui_wire::codes`.
    pub number: u16,
    /// What it says with it: the name of a code, or anything if somebody between closes.
    pub reason: String,
}

/// The connection failed, or the server broke the transport's rules.
#[derive(Debug, thiserror::Error)]
#[error("the connection failed: {0}")]
pub struct TransportError(pub Box<dyn Error + Send + Sync>);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server answers, and lets nobody in.
    #[error("the server refuses connections: {}", code.as_str())]
    Refused {
        /// Why.
        code: Code,
        /// In how many milliseconds to come again at the earliest, when the server says so.
        retry_in_ms: Option<u32>,
    },
    /// All else.
    #[error(transparent)]
    Failed(#[from] TransportError),
}

/// Makes connections to one server.
#[async_trait]
pub trait Connector: Send + Sync {
    /// A new connection, on which nothing was said yet. It needs no limit of time: the client gives up by dropping the
    /// future, behind which the server may still see a connection that says nothing and is cut.
    ///
    /// # Errors
    /// The client tries again after any of them.
    async fn connect(&self) -> Result<Box<dyn Transport>, ConnectError>;
}

/// A connection: a stream of what comes and a sink for what goes, which one task uses.
///
/// * Each way, frames arrive whole and in their order, or the connection has ended. What was flushed may be lost with
///   the connection; what was not flushed may arrive all the same.
/// * The stream ends behind [`Incoming::Close`], behind an error, or without a word when the connection is cut. Waiting
///   for what comes next is cancel safe, and waiting to write is, too.
/// * It keeps no time. Whether the server is alive is for the client to judge, which asks with [`Outgoing::Ping`]; pings
///   of the server are answered while the stream is read.
/// * Closing the sink flushes it and says goodbye. The stream then goes on up to the server's own goodbye. Dropping the
///   connection cuts it, at any moment.
pub trait Transport:
    Stream<Item = Result<Incoming, TransportError>> + Sink<Outgoing, Error = TransportError> + Send + Unpin
{
}

impl<T> Transport for T where
    T: Stream<Item = Result<Incoming, TransportError>> + Sink<Outgoing, Error = TransportError> + Send + Unpin
{
}
