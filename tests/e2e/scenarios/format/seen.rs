//! What must be seen.

use serde::Deserialize;
use serde_json::Value;

use super::{Edit, React, RoleOf};

/// An update that a device must see.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Seen {
    Connected { resumed: bool, not_resumed: Option<String> },
    Disconnected { code: Option<String> },
    CaughtUp,
    Message(MessageSeen),
    Sent { of: String, seq: u64 },
    Changed(ChangeSeen),
    Done { of: String, repeated: Option<bool> },
    Failed { of: Option<String>, with: Option<String>, code: String },
    TokenExpires,
    Renewed,
    NotRenewed { code: String },
    Ended { code: String },
}

/// A message as it is shown. What isn't given isn't compared.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageSeen {
    /// In which chat, where that isn't asked.
    pub(crate) with: Option<String>,
    pub(crate) seq: u64,
    pub(crate) from: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) reply_to: Option<u64>,
    pub(crate) mentions: Option<Vec<String>>,
    pub(crate) meta: Option<Value>,
    pub(crate) edited: Option<bool>,
    pub(crate) deleted: Option<bool>,
    pub(crate) reactions: Option<Vec<ReactionSeen>>,
}

/// A kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReactionSeen {
    pub(crate) reaction: String,
    pub(crate) count: u32,
    #[serde(default)]
    pub(crate) own: bool,
}

/// How somebody reacts to a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserReactionSeen {
    pub(crate) user: String,
    pub(crate) reaction: String,
}

/// A change of a group, or what was done to a message, as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeSeen {
    /// In which chat, where that isn't asked.
    pub(crate) with: Option<String>,
    pub(crate) by: String,
    pub(crate) device: Option<String>,
    pub(crate) after: Option<u64>,
    /// Who is in it from the start.
    pub(crate) created: Option<Vec<String>>,
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

/// A member of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberSeen {
    pub(crate) user: String,
    pub(crate) role: String,
}

/// A chat in the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatSeen {
    pub(crate) with: String,
    pub(crate) last_seq: u64,
    pub(crate) unread: u64,
    pub(crate) last_text: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) picture: Option<String>,
    pub(crate) members_count: Option<u32>,
    /// The user's own.
    pub(crate) role: Option<String>,
    #[serde(default)]
    pub(crate) pinned: Vec<u64>,
}

/// A member's watermarks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarksSeen {
    pub(crate) user: String,
    pub(crate) delivered: u64,
    pub(crate) read: u64,
}

/// What all others in a group have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OthersSeen {
    pub(crate) count: u32,
    pub(crate) delivered: u64,
    pub(crate) read: u64,
}

/// Whether a member has a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HasSeen {
    pub(crate) user: String,
    pub(crate) delivered: bool,
    pub(crate) read: bool,
}

/// A device in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceSeen {
    pub(crate) name: String,
    pub(crate) connected: bool,
}
