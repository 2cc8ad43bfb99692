//! What is shown of a chat in lists, whoever asks, as a row. What is a member's own is in [`crate::member`].

use bytes::Bytes;
use chasqui_domain::{Chat, ChatId, Epoch, Profile, Seq, Target, TimeMs, Version, chat::Runs};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    change::TargetRecord,
    codec::{self, Codec, Lazy},
    fields::{long, text},
    member::ChatMember,
    parts::{ProfilePartRecord, SnapshotRun},
};

const RECORD: &str = "ChatSummary";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

/// What is shown of a chat in lists, as of the last event of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatSummary {
    /// The chat.
    pub chat: ChatId,
    /// As of which version.
    pub version: Version,
    /// The last message's number; 0 when there is none.
    pub last_seq: Seq,
    /// The last message's event; 0 when there is none.
    pub last_message: Version,
    /// Whether something was done to the last message.
    pub last_is_acted: bool,
    /// The time of the last event of its content.
    pub last_time: TimeMs,
    /// The epoch that messages must be sealed under.
    pub epoch: Epoch,
    /// How many are in it.
    pub members_count: u32,
    /// Messages that count as unread for nobody.
    pub uncounted: Runs,
    /// The messages that are pinned, in the order in which they were.
    pub pins: Vec<Target>,
    /// What a group is called.
    pub profile: Profile,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "ChatSummary")]
struct Record {
    #[serde(with = "text")]
    chat: ChatId,
    #[serde(with = "long")]
    version: Version,
    #[serde(with = "long")]
    last_seq: Seq,
    #[serde(with = "long")]
    last_message: Version,
    last_is_acted: bool,
    #[serde(with = "long")]
    last_time: TimeMs,
    #[serde(with = "long")]
    epoch: Epoch,
    members_count: u32,
    uncounted: Vec<SnapshotRun>,
    pins: Vec<TargetRecord>,
    title: Option<ProfilePartRecord>,
    picture: Option<ProfilePartRecord>,
}

impl ChatSummary {
    /// How many messages of others a member has not opened.
    #[must_use]
    pub fn unread(&self, member: &ChatMember) -> u64 {
        let above = self.last_seq.0.saturating_sub(member.counted_from.0);
        above.saturating_sub(member.own).saturating_sub(self.uncounted.count_above(member.counted_from))
    }
}

impl From<&Chat> for ChatSummary {
    fn from(chat: &Chat) -> Self {
        Self {
            chat: chat.id,
            version: chat.version,
            last_seq: chat.last_seq,
            last_message: chat.last_message,
            last_is_acted: chat.last_is_acted,
            last_time: chat.last_time,
            epoch: chat.epoch,
            members_count: u32::try_from(chat.members.len()).unwrap_or(u32::MAX),
            uncounted: chat.uncounted.clone(),
            pins: chat.pins.clone(),
            profile: chat.profile.clone(),
        }
    }
}

/// Writes a summary.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode(summary: &ChatSummary) -> Result<Bytes, Error> {
    let record = Record {
        chat: summary.chat,
        version: summary.version,
        last_seq: summary.last_seq,
        last_message: summary.last_message,
        last_is_acted: summary.last_is_acted,
        last_time: summary.last_time,
        epoch: summary.epoch,
        members_count: summary.members_count,
        uncounted: SnapshotRun::all_of(&summary.uncounted),
        pins: summary.pins.iter().copied().map(TargetRecord::from).collect(),
        title: summary.profile.title.as_ref().map(ProfilePartRecord::of),
        picture: summary.profile.picture.as_ref().map(ProfilePartRecord::of),
    };
    codec::encode(&CODEC, &record)
}

/// Reads a summary.
///
/// # Errors
/// When the bytes are no summary.
pub fn decode(bytes: &[u8]) -> Result<ChatSummary, Error> {
    let record: Record = codec::decode(&CODEC, bytes)?;
    let part = |part: Option<ProfilePartRecord>| part.map(|part| part.into_domain(RECORD)).transpose();
    Ok(ChatSummary {
        chat: record.chat,
        version: record.version,
        last_seq: record.last_seq,
        last_message: record.last_message,
        last_is_acted: record.last_is_acted,
        last_time: record.last_time,
        epoch: record.epoch,
        members_count: record.members_count,
        uncounted: SnapshotRun::into_runs(Seq(0), record.uncounted),
        pins: record.pins.into_iter().map(Target::from).collect(),
        profile: Profile { title: part(record.title)?, picture: part(record.picture)? },
    })
}
