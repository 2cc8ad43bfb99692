//! The client's side of a connection: frames to and from text, and patience.

use std::time::Duration;

use chasqui_runtime::{Elapsed, Runtime};
use chasqui_wire::frames::{self, ClientFrame, ServerFrame};
use futures::{SinkExt, StreamExt};

use crate::{
    core::Parting,
    options::{Direction, Observer},
    transport::{self, Close, ConnectError, Connector, Outgoing, Transport, TransportError},
};

/// How long connecting, and writing, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long saying goodbye may take.
const FAREWELL: Duration = Duration::from_secs(3);

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
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl From<Elapsed> for Error {
    fn from(_: Elapsed) -> Self {
        Self::TooLong
    }
}

impl Error {
    /// What the server says with it, if it does.
    pub(crate) fn parting(&self) -> Parting {
        match self {
            Self::Closed(close) => Parting { close: close.clone(), refusal: None },
            Self::Connect(ConnectError::Refused { code, retry_in_ms }) => {
                Parting { close: None, refusal: Some((*code, *retry_in_ms)) }
            }
            Self::TooLong | Self::Frame(_) | Self::Connect(ConnectError::Failed(_)) | Self::Transport(_) => {
                Parting::default()
            }
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
    transport: Box<dyn Transport>,
    runtime: Runtime,
    observer: Option<Observer>,
}

impl Socket {
    pub(crate) async fn connect(
        connector: &dyn Connector,
        runtime: Runtime,
        observer: Option<Observer>,
    ) -> Result<Self, Error> {
        let transport = runtime.timeout(PATIENCE, connector.connect()).await??;
        Ok(Self { transport, runtime, observer })
    }

    /// What comes next. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Incoming, Error> {
        match self.transport.next().await.transpose()? {
            Some(transport::Incoming::Text(text)) => {
                self.observe(Direction::FromServer, &text);
                read(&text)
            }
            Some(transport::Incoming::Alive) => Ok(Incoming::Alive),
            Some(transport::Incoming::Close(close)) => Err(Error::Closed(close)),
            None => Err(Error::Closed(None)),
        }
    }

    /// Writes frames without sending them off.
    pub(crate) async fn feed(&mut self, frame: &ClientFrame) -> Result<(), Error> {
        let text = frames::to_text(frame)?;
        self.observe(Direction::ToServer, &text);
        Ok(self.runtime.timeout(PATIENCE, self.transport.feed(Outgoing::Text(text))).await??)
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        Ok(self.runtime.timeout(PATIENCE, self.transport.flush()).await??)
    }

    pub(crate) async fn ping(&mut self) -> Result<(), Error> {
        Ok(self.runtime.timeout(PATIENCE, self.transport.send(Outgoing::Ping)).await??)
    }

    /// Says goodbye and waits for the server's, so that it reads what was written last.
    pub(crate) async fn close(&mut self) {
        let goodbye = async {
            self.transport.close().await?;
            while let Some(came) = self.transport.next().await.transpose()? {
                if matches!(came, transport::Incoming::Close(_)) {
                    break;
                }
            }
            Ok::<(), TransportError>(())
        };
        match self.runtime.timeout(FAREWELL, goodbye).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "a goodbye was cut off"),
            Err(Elapsed) => tracing::debug!("the server didn't say goodbye"),
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
    #[derive(serde::Deserialize)]
    struct Typed {
        r#type: String,
    }
    serde_json::from_str::<Typed>(text).is_ok_and(|typed| !ServerFrame::NAMES.contains(&typed.r#type.as_str()))
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
