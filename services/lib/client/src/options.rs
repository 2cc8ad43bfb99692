//! What a client is told at its start.

use std::path::PathBuf;

use chasqui_domain::{DeviceId, UserId};
use chasqui_wire::frames::Token;

/// What a client is told at its start.
#[derive(Debug, Clone)]
pub struct Options {
    /// The gateway's socket, such as `ws://127.0.0.1:8080/v1/socket`.
    pub url: String,
    /// The identity provider's token. When it ends the client ends with it: connect again with a fresh one.
    pub token: Token,
    /// Whose token it must be; with that of another user the client ends before it stores or sends anything. None takes
    /// whoever the token is of, if the state is not another's.
    pub user: Option<UserId>,
    /// The device. None for the one in the state file, or for a new one.
    pub device: Option<DeviceId>,
    /// Where to keep what must outlive the process. Without it, messages that have no outcome yet are lost with the
    /// process.
    pub state: Option<PathBuf>,
}
