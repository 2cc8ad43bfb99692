//! What can go wrong in a call.

use std::{io, path::PathBuf};

use chasqui_domain::{DeviceId, Seq, UserId};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL can't be connected to.
    #[error("{url:?} is no URL of a socket: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The state can't be read or written.
    #[error("the state in {place} can't be kept")]
    State {
        /// The file, or what the storage calls itself.
        place: String,
        /// Why.
        source: io::Error,
    },
    /// The state was read and makes no sense.
    #[error("the state in {place} can't be understood: {why}")]
    BadState {
        /// The file, or what the storage calls itself.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// Another client has the state file: two of one device would give one id to two messages.
    #[error("the state in {} is used by another client", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The state is that of another device.
    #[error("the state is that of device {kept}, not of {given}")]
    OtherDevice {
        /// The one in the state.
        kept: DeviceId,
        /// The one in the options.
        given: DeviceId,
    },
    /// A message to oneself has no chat.
    #[error("{user} can't write to themselves")]
    ToOneself {
        /// The user.
        user: UserId,
    },
    /// No message has this number.
    #[error("no message has the number {seq}")]
    Seq {
        /// The number.
        seq: Seq,
    },
    /// The message is larger than any that the server takes.
    #[error("a message of {bytes} bytes is too large, {bytes_max} are allowed")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        bytes_max: usize,
    },
    /// Too much waits for its outcome already.
    #[error("too much waits to be sent; wait for outcomes")]
    Full,
    /// The client has ended.
    #[error("the client has ended")]
    Closed,
}
