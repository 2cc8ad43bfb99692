//! What can be changed in a chat beside its messages: asked by a command, and, once it has happened, told by an event.

use crate::{
    command::Sealed,
    ids::{Seq, TimeMs, UserId, Version},
};

/// What a member may do in a group. Each may do what those before may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads and writes.
    #[default]
    Member,
    /// Says who is in the group and what it is called.
    Admin,
    /// Makes others owners. A group that has members has one.
    Owner,
}

/// A change of a group, or something that is done to a message of any chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Users become members.
    Add {
        /// Who, in ascending order once it has happened.
        users: Vec<UserId>,
    },
    /// A member is one no more.
    Remove {
        /// Who.
        user: UserId,
    },
    /// Whoever asks is a member no more.
    Leave,
    /// A member has another role.
    SetRole {
        /// Who.
        user: UserId,
        /// The new one.
        role: Role,
    },
    /// The group has another title, or another picture, or both; what is none stays.
    Describe {
        /// The title.
        title: Option<Sealed>,
        /// What the clients take for a reference to the picture.
        picture: Option<Sealed>,
    },
    /// A message says something else.
    Edit {
        /// Which.
        message: Target,
        /// What it says now, sealed under the message's own epoch.
        body: Sealed,
    },
    /// A message is gone, for everybody.
    Delete {
        /// Which.
        message: Target,
    },
    /// Whoever asks reacts to a message, instead of how they did before, or takes that back.
    React {
        /// Which.
        message: Target,
        /// How; none to take it back.
        reaction: Option<Reaction>,
    },
    /// A message is pinned.
    Pin {
        /// Which.
        message: Target,
    },
    /// A message is pinned no more.
    Unpin {
        /// Which.
        message: Target,
    },
}

impl Change {
    /// The message to which something is done; none when it is a change of the chat.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Edit { message, .. }
            | Self::Delete { message }
            | Self::React { message, .. }
            | Self::Pin { message }
            | Self::Unpin { message } => Some(*message),
            Self::Add { .. } | Self::Remove { .. } | Self::Leave | Self::SetRole { .. } | Self::Describe { .. } => None,
        }
    }
}

/// The message to which something is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Its number among the chat's messages.
    pub seq: Seq,
    /// Its event's number in the chat, by which it is found.
    pub version: Version,
}

/// How somebody reacts to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The same for all who react alike to the message: so they are counted without being opened.
    pub tag: ReactionTag,
    /// What it is, sealed under the message's own epoch.
    pub kind: Sealed,
}

/// Tells the kinds of reactions to a message apart, and says nothing else to who doesn't have the key that they are
/// sealed under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReactionTag(pub [u8; 16]);

/// What a group is called and looks like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The title; none only in direct chats.
    pub title: Option<ProfilePart>,
    /// The reference to the picture.
    pub picture: Option<ProfilePart>,
}

/// Something sealed, and who sealed it: it opens only as theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfilePart {
    /// Who.
    pub by: UserId,
    /// What.
    pub body: Sealed,
}

/// When somebody became a member.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Joined {
    /// By which event: the first that they see.
    pub version: Version,
    /// When.
    pub time: TimeMs,
}
