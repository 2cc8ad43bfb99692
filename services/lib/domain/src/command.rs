//! What a user asks of a chat.

use bytes::Bytes;

use crate::{
    change::{Change, Target},
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
    /// Make a group.
    Create(Create),
    /// Write a message.
    Send(Send),
    /// Change the chat.
    Change {
        /// The device's count, which it has in common with its messages.
        counter: Counter,
        /// Whether the policy lets the sender write to all who are to be added, or to the other of a direct chat: the
        /// gateway's verdict.
        allowed: bool,
        /// What is to be changed.
        change: Change,
    },
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

impl Action {
    /// The count by which the device knows what it asked, and by which a repeat is recognised; none of a receipt, which may
    /// be repeated without harm.
    #[must_use]
    pub fn counter(&self) -> Option<Counter> {
        match self {
            Self::Create(Create { counter, .. }) | Self::Send(Send { counter, .. }) | Self::Change { counter, .. } => {
                Some(*counter)
            }
            Self::Delivered { .. } | Self::Read { .. } => None,
        }
    }

    /// The message to which something is to be done; none when that isn't what is asked.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Change { change, .. } => change.target(),
            _ => None,
        }
    }
}

/// A group to be made. Its id is derived from its creator, the device and the counter; see [`ChatId::group`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// The device's count of the groups that it has made.
    pub counter: Counter,
    /// Who is in it beside its creator.
    pub members: Vec<UserId>,
    /// Whether the policy lets the creator write to all of them: the gateway's verdict.
    pub allowed: bool,
    /// What it is called.
    pub title: Sealed,
    /// What the clients take for a reference to its picture.
    pub picture: Option<Sealed>,
}

/// A message to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// The other user of a direct chat; none in a group.
    pub peer: Option<UserId>,
    /// The device's count of what it asks in this chat.
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
