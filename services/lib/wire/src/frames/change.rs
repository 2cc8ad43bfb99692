//! What can be changed in chats, in both directions.

use bytes::Bytes;
use chasqui_domain::{ContentType, Role, Seq, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{fields::base64_opt, forms};
use crate::fields::{long, long_opt, role, text, text_opt, texts};

/// The most bytes that a title may have.
pub const TITLE_BYTES_MAX: usize = 256;
/// The most bytes that the reference to a picture may have.
pub const PICTURE_BYTES_MAX: usize = 1024;
/// The most bytes that a reaction may have.
pub const REACTION_BYTES_MAX: usize = 64;

/// What is to be changed in a group, or done to a message of any chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChangeAsked {
    /// Users become members. Those who are already are passed over.
    Add {
        /// Who.
        #[serde(with = "texts")]
        #[schema(value_type = Vec<forms::UserId>)]
        users: Vec<UserId>,
    },
    /// A member is removed.
    Remove {
        /// Who.
        #[serde(with = "text")]
        #[schema(value_type = forms::UserId)]
        user: UserId,
    },
    /// Whoever asks leaves.
    Leave {},
    /// A member gets another role.
    Role {
        /// Who.
        #[serde(with = "text")]
        #[schema(value_type = forms::UserId)]
        user: UserId,
        /// The new one.
        #[serde(with = "role")]
        #[schema(value_type = forms::Role)]
        role: Role,
    },
    /// The group gets another title, or another picture, or both.
    Describe {
        /// The title; none when it stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Title)]
        title: Option<String>,
        /// What clients take for a reference to the picture; none when it stays, empty when there is to be none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Picture)]
        picture: Option<String>,
    },
    /// A message of the user's gets to say something else.
    Edit(Box<Edit>),
    /// A message of the user's is deleted, for everybody.
    Delete {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
    },
    /// The user reacts to a message, instead of how they did before, or takes that back.
    React {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
        /// How; none to take it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Reaction)]
        reaction: Option<String>,
    },
    /// A message is pinned; in a group by an admin or an owner.
    Pin {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
    },
    /// A message is pinned no more.
    Unpin {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
    },
}

impl ChangeAsked {
    /// The message to which something is to be done; none when it is a change of the group.
    #[must_use]
    pub fn seq(&self) -> Option<Seq> {
        match self {
            Self::Edit(edit) => Some(edit.seq),
            Self::Delete { seq } | Self::React { seq, .. } | Self::Pin { seq } | Self::Unpin { seq } => Some(*seq),
            Self::Add { .. } | Self::Remove { .. } | Self::Leave {} | Self::Role { .. } | Self::Describe { .. } => None,
        }
    }
}

/// What has changed in a group, or was done to a message. Later versions may have more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChangeMade {
    /// The group came to be.
    Created {
        /// Who is in it, its creator included, in ascending order.
        #[serde(with = "texts")]
        #[schema(value_type = Vec<forms::UserId>)]
        users: Vec<UserId>,
        /// What it is called; none when it can't be opened any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Title)]
        title: Option<String>,
        /// What clients take for a reference to its picture; none when it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Picture)]
        picture: Option<String>,
    },
    /// Users became members.
    Add {
        /// Who, in ascending order.
        #[serde(with = "texts")]
        #[schema(value_type = Vec<forms::UserId>)]
        users: Vec<UserId>,
    },
    /// A member was removed. This is the last that they are told of the group.
    Remove {
        /// Who.
        #[serde(with = "text")]
        #[schema(value_type = forms::UserId)]
        user: UserId,
    },
    /// Who asked for it has left. This is the last that they are told of the group.
    Leave {},
    /// A member got another role.
    Role {
        /// Who.
        #[serde(with = "text")]
        #[schema(value_type = forms::UserId)]
        user: UserId,
        /// The new one.
        #[serde(with = "role")]
        #[schema(value_type = forms::Role)]
        role: Role,
    },
    /// The group got another title, or another picture, or both.
    Describe {
        /// The title; none when it stayed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Title)]
        title: Option<String>,
        /// What clients take for a reference to the picture; none when it stayed, empty when there is none any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Picture)]
        picture: Option<String>,
    },
    /// A message says something else.
    Edit(Box<Edit>),
    /// A message was deleted, for everybody.
    Delete {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
    },
    /// Somebody reacts to a message, instead of how they did before, or has taken that back.
    React {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
        /// How; none when it was taken back, or can't be opened any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = forms::Reaction)]
        reaction: Option<String>,
    },
    /// A message was pinned.
    Pin {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
    },
    /// A message is pinned no more.
    Unpin {
        /// Which.
        #[serde(with = "long")]
        #[schema(value_type = forms::Seq)]
        seq: Seq,
    },
}

/// What a message says instead of what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Edit {
    /// Which.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub text: Option<String>,
    /// What the body holds. To be left out for plain text.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::ContentType)]
    pub content_type: Option<ContentType>,
    /// The body, when it is no text.
    #[serde(default, with = "base64_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Base64)]
    pub body: Option<Bytes>,
    /// The message that it replies to.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Seq)]
    pub reply_to: Option<Seq>,
    /// The users that it mentions.
    #[serde(default, with = "texts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<forms::UserId>)]
    pub mentions: Vec<UserId>,
    /// What the app puts beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Meta)]
    pub meta: Option<serde_json::Value>,
}
