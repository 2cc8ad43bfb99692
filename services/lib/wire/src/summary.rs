//! What is shown of a chat in lists, as a row.

use bytes::Bytes;
use chasqui_domain::{Chat, ChatId, Epoch, Event, EventKind, Member, Seq, TimeMs, UserId, Version};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{long, long_opt, text},
};

static CODEC: Lazy = Lazy::new(|| Codec::load("ChatSummary"));

/// What is shown of a chat in lists, as of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatSummary {
    /// The chat.
    #[serde(with = "text")]
    pub chat: ChatId,
    /// As of which version.
    #[serde(with = "long")]
    pub version: Version,
    /// The last message's number; 0 when there is none.
    #[serde(with = "long")]
    pub last_seq: Seq,
    /// The last event's time.
    #[serde(with = "long")]
    pub last_time: TimeMs,
    /// The epoch that messages must be sealed under.
    #[serde(with = "long")]
    pub epoch: Epoch,
    /// Who is in it, in ascending order of user.
    pub members: Vec<MemberSummary>,
    /// The version of the last message, where the writer had it at hand; the stream of content tells it otherwise.
    #[serde(with = "long_opt")]
    pub last_message_version: Option<Version>,
}

/// A member of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSummary {
    /// Who.
    #[serde(with = "text")]
    pub user: UserId,
    /// Everything up to here is on a device of theirs.
    #[serde(with = "long")]
    pub delivered: Seq,
    /// Everything up to here was opened.
    #[serde(with = "long")]
    pub read: Seq,
    /// How many messages of others they have not opened.
    #[serde(with = "long")]
    pub unread: u64,
}

impl ChatSummary {
    /// The summary of a state. `last` is the event of its last message, if it is at hand; any other event is passed
    /// over.
    #[must_use]
    pub fn of(chat: &Chat, last: Option<&Event>) -> Self {
        let is_last = |event: &&Event| matches!(event.kind, EventKind::Message { seq, .. } if seq == chat.last_seq);
        Self {
            chat: chat.id,
            version: chat.version,
            last_seq: chat.last_seq,
            last_time: chat.last_time,
            epoch: chat.epoch,
            members: chat.members.iter().map(|member| MemberSummary::of(member, chat.last_seq)).collect(),
            last_message_version: last.filter(is_last).map(|event| event.version),
        }
    }
}

impl MemberSummary {
    fn of(member: &Member, last_seq: Seq) -> Self {
        Self {
            user: member.user.clone(),
            delivered: member.delivered,
            read: member.read,
            unread: member.unread(last_seq),
        }
    }
}

/// Writes the summary of a state; see [`ChatSummary::of`].
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode(chat: &Chat, last: Option<&Event>) -> Result<Bytes, Error> {
    codec::encode(&CODEC, &ChatSummary::of(chat, last))
}

/// Reads a summary.
///
/// # Errors
/// When the bytes are no summary.
pub fn decode(bytes: &[u8]) -> Result<ChatSummary, Error> {
    codec::decode(&CODEC, bytes)
}
