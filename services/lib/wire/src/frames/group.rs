//! What is said of groups, in both directions.

use chasqui_domain::{Role, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::forms;
use crate::fields::{role, text, texts};

/// The most bytes that a title may have.
pub const TITLE_BYTES_MAX: usize = 256;
/// The most bytes that the reference to a picture may have.
pub const PICTURE_BYTES_MAX: usize = 1024;

/// What is to be changed in a chat.
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
}

/// What has changed in a chat. Later versions may have more.
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
}
