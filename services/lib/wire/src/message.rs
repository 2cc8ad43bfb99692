//! What has become of a message, as a row: so that a page of messages is shown without reading all that was done to
//! them.

use bytes::Bytes;
use chasqui_domain::{Message, MessageReaction, Sealed, TimeMs, UserId, Version};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{long_opt, text, texts},
    parts::SealedRecord,
};

const RECORD: &str = "MessageState";
static CODEC: Lazy = Lazy::new(|| Codec::load(RECORD));

/// What has become of a message, without what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageState {
    /// When it was deleted for everybody; none while it is there.
    pub deleted: Option<TimeMs>,
    /// The last event by which it was edited, and when; none when none was.
    pub edited: Option<(Version, TimeMs)>,
    /// How it is reacted to, in the order in which the kinds came up.
    pub reactions: Vec<Reacted>,
}

/// One kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reacted {
    /// What it is.
    pub kind: Sealed,
    /// Who sealed it: it opens only as theirs.
    pub by: UserId,
    /// Who reacts so, in ascending order.
    pub users: Vec<UserId>,
}

impl From<&Message> for MessageState {
    fn from(message: &Message) -> Self {
        Self {
            deleted: message.deleted,
            edited: message.edits.last().copied(),
            reactions: message.reactions.iter().map(Reacted::from).collect(),
        }
    }
}

impl From<&MessageReaction> for Reacted {
    fn from(reaction: &MessageReaction) -> Self {
        Self { kind: reaction.kind.clone(), by: reaction.by.clone(), users: reaction.users.clone() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "MessageState")]
struct Record {
    #[serde(with = "long_opt")]
    deleted: Option<TimeMs>,
    #[serde(with = "long_opt")]
    edit: Option<Version>,
    #[serde(with = "long_opt")]
    edited: Option<TimeMs>,
    reactions: Vec<ReactedRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "MessageReaction")]
struct ReactedRecord {
    kind: SealedRecord,
    #[serde(with = "text")]
    by: UserId,
    #[serde(with = "texts")]
    users: Vec<UserId>,
}

/// Writes a state.
///
/// # Errors
/// [`Error::Encode`] when a number is above 2^63 - 1.
pub fn encode(state: &MessageState) -> Result<Bytes, Error> {
    let reaction =
        |it: &Reacted| ReactedRecord { kind: SealedRecord::of(&it.kind), by: it.by.clone(), users: it.users.clone() };
    let record = Record {
        deleted: state.deleted,
        edit: state.edited.map(|(version, _)| version),
        edited: state.edited.map(|(_, time)| time),
        reactions: state.reactions.iter().map(reaction).collect(),
    };
    codec::encode(&CODEC, &record)
}

/// Reads a state.
///
/// # Errors
/// When the bytes are no state.
pub fn decode(bytes: &[u8]) -> Result<MessageState, Error> {
    let record: Record = codec::decode(&CODEC, bytes)?;
    let reaction = |it: ReactedRecord| Ok(Reacted { kind: it.kind.into_domain(RECORD)?, by: it.by, users: it.users });
    if record.edit.is_some() != record.edited.is_some() {
        return Err(Error::Decode { record: RECORD, why: "it was edited at no time, or by no event".to_owned() });
    }
    Ok(MessageState {
        deleted: record.deleted,
        edited: record.edit.zip(record.edited),
        reactions: record.reactions.into_iter().map(reaction).collect::<Result<_, Error>>()?,
    })
}
