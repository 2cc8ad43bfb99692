//! What is kept of a member of a chat, as a row beside that of the chat: so what one member does writes no other's.

use bytes::Bytes;
use chasqui_domain::{Member, Role, Seq, TimeMs, Version};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{long, role},
};

static CODEC: Lazy = Lazy::new(|| Codec::load("ChatMember"));

/// A member of a chat, as of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMember {
    /// What they may do.
    #[serde(with = "role")]
    pub role: Role,
    /// The event by which they became a member: the first that they see.
    #[serde(with = "long")]
    pub joined: Version,
    /// When they became one.
    #[serde(with = "long")]
    pub joined_time: TimeMs,
    /// Everything up to here is on a device of theirs.
    #[serde(with = "long")]
    pub delivered: Seq,
    /// Everything up to here was opened.
    #[serde(with = "long")]
    pub read: Seq,
    /// Above this seq their unread messages are counted.
    #[serde(with = "long")]
    pub counted_from: Seq,
    /// How many of the messages above are their own.
    #[serde(with = "long")]
    pub own: u64,
}

impl From<&Member> for ChatMember {
    fn from(member: &Member) -> Self {
        let counted_from = member.counted_from();
        Self {
            role: member.role,
            joined: member.joined.version,
            joined_time: member.joined.time,
            delivered: member.delivered,
            read: member.read,
            counted_from,
            own: member.own.count_above(counted_from),
        }
    }
}

/// Writes a member.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode(member: &ChatMember) -> Result<Bytes, Error> {
    codec::encode(&CODEC, member)
}

/// Reads a member.
///
/// # Errors
/// When the bytes are no member.
pub fn decode(bytes: &[u8]) -> Result<ChatMember, Error> {
    codec::decode(&CODEC, bytes)
}
