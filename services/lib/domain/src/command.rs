//! What a user asks of a chat.

use bytes::Bytes;

use crate::{
    ids::{ChatId, ContentType, Counter, DeviceId, Epoch, Seq, UserId},
    rules::Rules,
};

/// Asked by a device of a user, decided once and in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The chat it is addressed to.
    pub chat: ChatId,
    /// The user who asks; proven by the gateway.
    pub sender: UserId,
    /// The user's device.
    pub device: DeviceId,
    /// What the gateway stamped.
    pub rules: Rules,
    /// What is asked.
    pub action: Action,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Write a message.
    Send(Send),
    /// A device of the sender has everything up to this seq.
    Delivered {
        /// The highest seq it has.
        seq: Seq,
    },
    /// The user has opened everything up to this seq.
    Read {
        /// The highest seq seen.
        seq: Seq,
    },
}

/// A message to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// The other user of the direct chat.
    pub peer: UserId,
    /// The device's count of its messages in this chat.
    pub counter: Counter,
    /// Whether the policy lets the sender write to the peer: the gateway's verdict.
    pub allowed: bool,
    /// The sealed body.
    pub body: Sealed,
}

/// A body as it stands in topics, rows and backups: sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which of the chat's data keys seals it.
    pub epoch: Epoch,
    /// What the body holds once opened.
    pub content_type: ContentType,
    /// Nonce and ciphertext.
    pub bytes: Bytes,
}
