//! The records of `inbox`: an entry on its way to the inboxes of one partition.

use bytes::Bytes;
use chasqui_domain::{Entry, Source, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    entry::EntryRecord,
    fields::texts,
    parts::SourceRecord,
};

static CODEC: Lazy = Lazy::new(|| Codec::load("InboxRecord"));

/// An entry for some users whose inboxes are in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRecord {
    /// The command that it follows from; its index is the number of the effect.
    pub source: Source,
    /// Whose inboxes.
    pub recipients: Vec<UserId>,
    /// What is placed in them.
    pub entry: Entry,
}

#[derive(Serialize, Deserialize)]
#[serde(rename = "InboxRecord")]
struct Record {
    #[serde(with = "SourceRecord")]
    source: Source,
    #[serde(with = "texts")]
    recipients: Vec<UserId>,
    entry: EntryRecord,
}

impl InboxRecord {
    /// Writes the record.
    ///
    /// # Errors
    /// [`Error::Encode`] when a number is above 2^63 - 1, or the event of a message is another one.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let record =
            Record { source: self.source, recipients: self.recipients.clone(), entry: EntryRecord::of(&self.entry)? };
        codec::encode(&CODEC, &record)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the bytes are no such record.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let record: Record = codec::decode(&CODEC, bytes)?;
        Ok(Self { source: record.source, recipients: record.recipients, entry: record.entry.into_domain()? })
    }
}
