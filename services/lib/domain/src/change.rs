//! What can be changed in a chat beside its messages: asked by a command, and, once it has happened, told by an event.

use crate::{
    command::Sealed,
    ids::{TimeMs, UserId, Version},
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

/// A change of a group.
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
}

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
