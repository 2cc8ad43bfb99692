//! What a client is told at its start.

use std::{fmt, path::PathBuf, sync::Arc};

use chasqui_domain::{DeviceId, UserId};
use chasqui_runtime::Runtime;
use chasqui_wire::frames::Token;

use crate::{storage::Storage, transport::Connector};

/// What a client is told at its start.
#[derive(Clone)]
pub struct Options {
    /// The gateway's socket, such as `ws://127.0.0.1:8080/v1/socket`.
    pub url: String,
    /// The identity provider's token. Before it ends the app is asked for another, see [`crate::Update::TokenExpires`].
    pub token: Token,
    /// Whose token it must be; with that of another user the client ends before it stores or sends anything. None takes
    /// whoever the token is of, if the state is not another's.
    pub user: Option<UserId>,
    /// The device. None for the one in the state file, or for a new one.
    pub device: Option<DeviceId>,
    /// Where to keep what must outlive the process. Without it, messages that have no outcome yet are lost with the
    /// process.
    pub state: Option<PathBuf>,
    /// Is shown every frame as it goes over the wire.
    pub observer: Option<Observer>,
}

/// All that a client reaches beyond itself. With a clock, a scheduler, connections and a storage that do the same again,
/// the client does the same again.
pub struct Environment {
    /// Its clocks, randomness and scheduler.
    pub runtime: Runtime,
    /// Makes its connections.
    pub connector: Arc<dyn Connector>,
    /// Where to keep what must outlive the process. Without it, messages that have no outcome yet are lost with the
    /// process.
    pub storage: Option<Box<dyn Storage>>,
    /// Is shown every frame as it goes over the wire.
    pub observer: Option<Observer>,
}

/// Who a client is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// As [`Options::token`].
    pub token: Token,
    /// As [`Options::user`].
    pub user: Option<UserId>,
    /// As [`Options::device`].
    pub device: Option<DeviceId>,
}

/// A wire log, for debugging: is shown the text of every frame that is written and read, in their order, before anything
/// is made of it. Frames hold tokens and what people write: don't keep them. It is called on the client's task, so it
/// must not block.
pub type Observer = Arc<dyn Fn(Direction, &str) + Send + Sync>;

/// Which way a frame goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// To the client.
    FromServer,
}

impl Options {
    /// Whoever the token is of, on a new device that nothing is kept of.
    #[must_use]
    pub fn new(url: impl Into<String>, token: Token) -> Self {
        Self { url: url.into(), token, user: None, device: None, state: None, observer: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, token, user, device, state, observer } = self;
        f.debug_struct("Options")
            .field("url", url)
            .field("token", token)
            .field("user", user)
            .field("device", device)
            .field("state", state)
            .field("observed", &observer.is_some())
            .finish()
    }
}
