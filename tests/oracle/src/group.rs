//! Groups, in plain words and numbers: what devices do and see of them, and what of them is stored and served. What is
//! done to messages is told in the same words, also of direct chats.

pub(crate) mod acts;
pub(crate) mod fold;
pub(crate) mod seen;

use serde::{Deserialize, Serialize};

use crate::{Message, Watermarks};

/// Something of a group that a device did or saw; and, of any chat, what is done to its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in_group", rename_all = "snake_case")]
pub enum InGroup {
    /// The user is about to write a text, or to edit one; no text is used twice.
    Writing {
        /// In which chat.
        chat: String,
        /// What.
        text: String,
    },
    /// The client has taken what is asked of a group.
    Asked {
        /// Of which.
        chat: String,
        /// The id that the client gave it.
        id: u64,
        /// What, for people.
        what: String,
        /// What the message is to say, or how it is reacted to, when that is asked.
        #[serde(default)]
        says: Option<String>,
    },
    /// A message of this device was accepted.
    Sent {
        /// In which group.
        chat: String,
        /// Its id.
        id: u64,
        /// Its number in the group.
        seq: u64,
        /// When.
        time: u64,
        /// Whether this is the answer to a repetition.
        repeated: bool,
    },
    /// The group that this device asked for came to be, or what it asked to be changed is.
    Done {
        /// Which group.
        chat: String,
        /// The id.
        id: u64,
        /// When.
        time: u64,
        /// Whether this is the answer to a repetition, or there was nothing to change.
        repeated: bool,
    },
    /// Something of this device was refused.
    Failed {
        /// In which group.
        chat: String,
        /// Its id; none when it was a reading.
        id: Option<u64>,
        /// Why.
        code: String,
        /// Whether the client tries it again.
        retry: bool,
    },
    /// A message arrived.
    Message(Message),
    /// Somebody else, or another device of the user, made or changed the group.
    Changed(Changed),
    /// The user opened the group up to a message.
    Reading {
        /// Which group.
        chat: String,
        /// Up to which message.
        seq: u64,
    },
    /// The user's own watermarks rose.
    Receipt {
        /// In which group.
        chat: String,
        /// To where.
        watermarks: Watermarks,
    },
    /// The answer to a question for watermarks.
    Receipts {
        /// Of which group.
        chat: String,
        /// Its last message.
        last_seq: u64,
        /// How many the user has not opened.
        unread: u64,
        /// Where the user is.
        own: Option<Watermarks>,
        /// What all others have.
        others: Others,
    },
    /// How many have messages of the user.
    Counts {
        /// In which group.
        chat: String,
        /// What all others have.
        others: Others,
        /// How many have some messages.
        messages: Vec<Count>,
    },
    /// The user is about to ask for the history of a chat.
    Looks {
        /// Of which.
        chat: String,
        /// Which of the device's questions this is.
        look: u64,
    },
    /// The answer.
    Shown {
        /// Of which chat.
        chat: String,
        /// To which question.
        look: u64,
        /// The messages.
        messages: Vec<Message>,
    },
}

/// What all other members have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// How many there are.
    pub count: u64,
    /// Everything up to here is on a device of each.
    pub delivered: u64,
    /// Everything up to here was opened by each.
    pub read: u64,
}

/// How many others have a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Which message.
    pub seq: u64,
    /// On a device of how many it is.
    pub delivered: u64,
    /// How many have opened it.
    pub read: u64,
}

/// A change of a chat, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Of which.
    pub chat: String,
    /// When.
    pub time: u64,
    /// The last message before it.
    pub after: u64,
    /// Who asked for it.
    pub by: String,
    /// On which device.
    pub device: String,
    /// The id that the device gave it.
    pub id: u64,
    /// What is different now.
    pub change: Change,
    /// What the message says now, or how it is reacted to, when that is different.
    #[serde(default)]
    pub says: Option<String>,
}

/// What can change in a chat; in a direct chat, what is done to messages alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// It came to be.
    Created {
        /// Who is in it.
        users: Vec<String>,
    },
    /// Users became members.
    Added {
        /// Who.
        users: Vec<String>,
    },
    /// A member was removed.
    Removed {
        /// Who.
        user: String,
    },
    /// Whoever asked has left.
    Left,
    /// A member got another role.
    Role {
        /// Who.
        user: String,
        /// Which.
        role: Role,
    },
    /// Its title or picture is another. What it says is sealed.
    Described,
    /// Something was done to a message.
    Acted {
        /// Which.
        seq: u64,
        /// What.
        act: Act,
    },
}

/// What can be done to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// It says something else. What, is sealed.
    Edited,
    /// It was deleted for everybody.
    Deleted,
    /// Somebody reacts to it. How, is sealed.
    Reacted,
    /// Somebody takes their reaction back.
    TakenBack,
    /// It was pinned.
    Pinned,
    /// It is pinned no more.
    Unpinned,
}

/// What a member may do; who may more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Writes and reads.
    Member,
    /// Adds and removes others, and describes the group.
    Admin,
    /// Makes others owners.
    Owner,
}

/// A group, as it is served to a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedGroup {
    /// Which.
    pub chat: String,
    /// Its last message.
    pub last_seq: u64,
    /// When something was last written or changed.
    pub last_time: u64,
    /// How many the user has not opened.
    pub unread: u64,
    /// Where the user is.
    pub own: Vec<Watermarks>,
    /// What the user may do.
    pub role: Role,
    /// Since when the user is in it.
    pub joined: u64,
    /// How many are in it.
    pub members_count: u64,
    /// Who is in it.
    pub members: Vec<ServedMember>,
    /// What all others have.
    pub others: Option<Others>,
    /// The message that is shown in the list.
    pub last_message: Option<Message>,
    /// All messages that are shown to the user, from the first.
    pub messages: Vec<Message>,
    /// All changes of the group that are shown to the user, from the first.
    pub changes: Vec<Changed>,
    /// The messages that are pinned, of those that are shown to the user, in the order in which they were.
    #[serde(default)]
    pub pinned: Vec<u64>,
    /// How many the user has not opened, as it is served with the receipts; none when nobody asked.
    #[serde(default)]
    pub unread_in_receipts: Option<u64>,
}

/// A member, as it is served to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedMember {
    /// Who.
    pub user: String,
    /// What they may do.
    pub role: Role,
    /// Since when they are in it.
    pub joined: u64,
}
