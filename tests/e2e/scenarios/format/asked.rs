//! What is asked in steps.

use serde::Deserialize;
use serde_json::Value;

use super::{ChangeSeen, ChatSeen, Device, HasSeen, MarksSeen, MemberSeen, MessageSeen, OthersSeen, UserReactionSeen};

/// To whom a token lets its user write.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum WriteTo {
    Everybody(Everybody),
    Users(Vec<String>),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) enum Everybody {
    #[serde(rename = "*")]
    Star,
}

/// A message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    pub(crate) device: Device,
    pub(crate) to: String,
    pub(crate) r#as: String,
    pub(crate) text: Option<String>,
    /// A text of so many bytes instead.
    pub(crate) bytes: Option<usize>,
    pub(crate) reply_to: Option<u64>,
    #[serde(default)]
    pub(crate) mentions: Vec<String>,
    pub(crate) meta: Option<Value>,
}

/// A group to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    pub(crate) device: Device,
    pub(crate) r#as: String,
    pub(crate) members: Vec<String>,
    pub(crate) title: String,
    pub(crate) picture: Option<String>,
}

/// A change of a group, or something to be done to a message: one of those that it names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) device: Device,
    pub(crate) with: String,
    pub(crate) r#as: String,
    pub(crate) add: Option<Vec<String>>,
    pub(crate) remove: Option<String>,
    #[serde(default)]
    pub(crate) leave: bool,
    pub(crate) role: Option<RoleOf>,
    pub(crate) title: Option<String>,
    pub(crate) picture: Option<String>,
    pub(crate) edit: Option<Edit>,
    pub(crate) delete: Option<u64>,
    pub(crate) react: Option<React>,
    pub(crate) pin: Option<u64>,
    pub(crate) unpin: Option<u64>,
}

/// What a message says instead.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    pub(crate) seq: u64,
    pub(crate) text: String,
}

/// How somebody reacts to a message; without a reaction it is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct React {
    pub(crate) seq: u64,
    pub(crate) reaction: Option<String>,
}

/// A member's new role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleOf {
    pub(crate) user: String,
    pub(crate) role: String,
}

/// A question for the list of chats.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chats {
    pub(crate) user: String,
    /// How many to a page.
    pub(crate) limit: Option<u32>,
    pub(crate) chats: Option<Vec<ChatSeen>>,
    pub(crate) fails: Option<String>,
}

/// A question for messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    pub(crate) user: String,
    pub(crate) with: String,
    pub(crate) before: Option<u64>,
    pub(crate) after: Option<u64>,
    /// From the time of the message that the file calls so.
    pub(crate) since_of: Option<String>,
    /// Before its time.
    pub(crate) until_of: Option<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) messages: Option<Vec<MessageSeen>>,
    pub(crate) next: Option<u64>,
    pub(crate) fails: Option<String>,
}

/// A question for who is in a chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Members {
    pub(crate) user: String,
    pub(crate) with: String,
    /// How many to a page.
    pub(crate) limit: Option<u32>,
    pub(crate) members: Option<Vec<MemberSeen>>,
    pub(crate) fails: Option<String>,
}

/// A question for what was changed in a chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changes {
    pub(crate) user: String,
    pub(crate) with: String,
    /// How many to a page.
    pub(crate) limit: Option<u32>,
    pub(crate) changes: Option<Vec<ChangeSeen>>,
    pub(crate) fails: Option<String>,
}

/// A question for the watermarks in a chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipts {
    pub(crate) user: String,
    pub(crate) with: String,
    pub(crate) members: Option<Vec<MarksSeen>>,
    /// What all others in a group have.
    pub(crate) others: Option<OthersSeen>,
    pub(crate) fails: Option<String>,
}

/// A question for who reacts to a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reactions {
    pub(crate) user: String,
    pub(crate) with: String,
    pub(crate) seq: u64,
    /// How many to a page.
    pub(crate) limit: Option<u32>,
    pub(crate) users: Option<Vec<UserReactionSeen>>,
    pub(crate) fails: Option<String>,
}

/// A question for who has a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Has {
    pub(crate) user: String,
    pub(crate) with: String,
    pub(crate) seq: u64,
    pub(crate) members: Option<Vec<HasSeen>>,
    pub(crate) fails: Option<String>,
}
