//! What the store has, and what deciding again gives, in plain words and numbers.

use serde::{Deserialize, Serialize};

use crate::Change;

/// A chat's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredChat {
    /// Which chat.
    pub chat: String,
    /// Its events, in the order of the rows: by version, over all streams.
    pub events: Vec<StoredEvent>,
    /// The versions of those of which it is kept what was written.
    #[serde(default)]
    pub bodies: Vec<u64>,
}

impl StoredChat {
    /// Whether it is a group: those are made, and changed otherwise than by what is done to messages.
    pub(crate) fn is_group(&self) -> bool {
        let is_of_group = |what: &Happened| match what {
            Happened::Changed { change, .. } => !matches!(change, Change::Acted { .. }),
            _ => false,
        };
        self.events.iter().any(|event| is_of_group(&event.what))
    }
}

/// An event of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its number in the chat.
    pub version: u64,
    /// When.
    pub time: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: Happened,
}

/// What can happen in a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Happened {
    /// It came to be.
    Opened {
        /// Who is in it.
        members: Vec<String>,
    },
    /// A message was written. What it says is sealed.
    Message {
        /// Its number in the chat.
        seq: u64,
        /// Who wrote it.
        from: String,
        /// On which device.
        device: String,
        /// The id that the device gave it.
        id: u64,
    },
    /// A group was made or changed, or something was done to a message.
    Changed {
        /// By whom.
        by: String,
        /// On which device.
        device: String,
        /// The id that the device gave it.
        id: u64,
        /// The last message before it.
        after: u64,
        /// What is different now.
        change: Change,
    },
    /// A member has everything up to a message.
    Delivered {
        /// Who.
        member: String,
        /// Up to which.
        seq: u64,
    },
    /// A member has opened everything up to a message, and so has it.
    Read {
        /// Who.
        member: String,
        /// Up to which.
        seq: u64,
    },
}

/// A user's inbox at some moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxReading {
    /// Whose.
    pub user: String,
    /// All of its rows, in the order in which they were read.
    pub rows: Vec<InboxRow>,
}

/// A place in a user's inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxPlace {
    /// Whose.
    pub user: String,
    /// Where in it.
    pub position: u64,
}

/// A row of an inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxRow {
    /// Where in the inbox.
    pub position: u64,
    /// Of which chat it tells.
    pub chat: String,
    /// Which message it brings; none when it brings another thing, such as a refusal or the answer to a repetition.
    pub seq: Option<u64>,
    /// What tells its entry from others: a digest of the bytes.
    pub digest: String,
}

/// What the commands of one chat give when they are decided again from the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// The chat; without events when all that was asked of it was refused.
    pub chat: StoredChat,
    /// What they place in inboxes.
    pub placed: Vec<Placed>,
}

/// What the commands of one chat place in a user's inbox. How it lies between the entries of other chats is decided by
/// nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Whose inbox.
    pub user: String,
    /// The digests of the entries that are kept there, in order; see [`InboxRow::digest`].
    pub digests: Vec<String>,
}

/// A message that could not be written at once. It may be there all the same, and others that were sent behind it, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwritten {
    /// Who wrote it.
    pub user: String,
    /// On which device.
    pub device: String,
    /// In which chat.
    pub chat: String,
    /// The id that the device gave it.
    pub id: u64,
}

/// Something that was asked of a group, or to be done to a message, in the log of what is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InLog {
    /// Who asked.
    pub user: String,
    /// On which device.
    pub device: String,
    /// Of which chat.
    pub chat: String,
    /// The id that the device gave it.
    pub id: u64,
    /// How often it is there, since its outcome was not known by then.
    pub times: usize,
}

/// The answer to a message that was sent again. Few devices act on it, since they have read the first answer by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repeated {
    /// Who wrote it.
    pub user: String,
    /// On which device.
    pub device: String,
    /// In which chat.
    pub chat: String,
    /// The id that the device gave it.
    pub id: u64,
    /// Its number in the chat, as the answer has it.
    pub seq: u64,
    /// When it was accepted, as the answer has it.
    pub time: u64,
}
