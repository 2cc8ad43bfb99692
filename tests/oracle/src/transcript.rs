//! What was seen from outside, in plain words and numbers.

use serde::{Deserialize, Serialize};

use crate::{InGroup, ServedGroup};

/// All that one device did and saw, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// Whose device it is.
    pub user: String,
    /// Which.
    pub device: String,
    /// What happened.
    pub lines: Vec<Line>,
}

impl Transcript {
    /// The lives of its clients, each up to its end.
    pub(super) fn lives(&self) -> impl Iterator<Item = &[Line]> {
        self.lines.split_inclusive(|line| matches!(line, Line::Ended { .. }))
    }
}

/// Something that a device did or saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Line {
    /// A client was started on the device's state.
    Began,
    /// The device is new, and is sent nothing of what a chat has already.
    Joins {
        /// Which chat.
        chat: String,
        /// Its last message by then.
        seq: u64,
    },
    /// It ended: it was closed, which leaves nothing open, or killed.
    Ended {
        /// Whether it was killed.
        killed: bool,
    },
    /// There is a session.
    Connected {
        /// Whether it goes on where the device was.
        resumed: bool,
    },
    /// There is none.
    Disconnected,
    /// Everything up to now was seen.
    CaughtUp,
    /// A frame went over the wire, in whichever direction, that the documents of the protocol don't allow.
    Undocumented {
        /// What is wrong, and the frame.
        why: String,
    },
    /// The user is about to send a text; no text is used twice.
    Sending {
        /// To whom.
        to: String,
        /// In which chat.
        chat: String,
        /// What.
        text: String,
    },
    /// The client has taken a text.
    Send {
        /// In which chat.
        chat: String,
        /// The id that the client gave it.
        id: u64,
        /// What.
        text: String,
    },
    /// A message of this device was accepted.
    Sent {
        /// In which chat.
        chat: String,
        /// Its id.
        id: u64,
        /// Its number in the chat.
        seq: u64,
        /// When.
        time: u64,
        /// Whether this is the answer to a repetition.
        repeated: bool,
    },
    /// Something of this device was refused.
    Failed {
        /// In which chat, if known.
        chat: Option<String>,
        /// Its id; none when it was no message.
        id: Option<u64>,
        /// Why.
        code: String,
        /// Whether the client tries it again.
        retry: bool,
    },
    /// The outcome of a message is late.
    Delayed {
        /// In which chat.
        chat: String,
        /// Its id.
        id: u64,
    },
    /// A message arrived.
    Message(Message),
    /// The user opened a chat up to a message.
    Reading {
        /// Which chat.
        chat: String,
        /// Up to which message.
        seq: u64,
    },
    /// A member's watermarks rose.
    Receipt {
        /// In which chat.
        chat: String,
        /// Whose, and to where.
        watermarks: Watermarks,
    },
    /// The answer to a question for watermarks.
    Receipts {
        /// Of which chat.
        chat: String,
        /// Its last message.
        last_seq: u64,
        /// How many the user has not opened.
        unread: u64,
        /// Where the members are.
        members: Vec<Watermarks>,
    },
    /// All that is of groups, and what is done to messages of any chat. Most promises about direct chats don't look at
    /// it.
    Group(InGroup),
}

/// A message, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Message {
    /// In which chat.
    pub chat: String,
    /// Its number in the chat.
    pub seq: u64,
    /// Who wrote it.
    pub from: String,
    /// On which device.
    pub device: String,
    /// The id that the device gave it.
    pub id: u64,
    /// What it says; with all that is beside a text, if there is anything.
    pub text: String,
    /// When.
    pub time: u64,
    /// What has become of it, as histories tell.
    #[serde(default)]
    pub became: Became,
}

/// What was done to a message, as a history tells it to a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Became {
    /// When it was edited last.
    pub edited: Option<u64>,
    /// When it was deleted for everybody.
    pub deleted: Option<u64>,
    /// How it is reacted to.
    pub reactions: Vec<Reaction>,
}

impl Became {
    /// Whether the message says what it was written with.
    pub(crate) fn is_as_written(&self) -> bool {
        self.edited.is_none() && self.deleted.is_none()
    }
}

/// A kind of reactions to a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reaction {
    /// Which.
    pub kind: String,
    /// How many react so.
    pub count: u64,
    /// Whether the user is among them.
    pub own: bool,
}

/// Where a member is in a chat.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Watermarks {
    /// Who.
    pub user: String,
    /// Everything up to here is on a device of theirs.
    pub delivered: u64,
    /// Everything up to here was opened.
    pub read: u64,
}

/// What the server answers a user who asks for everything, at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Who asked.
    pub user: String,
    /// Their direct chats.
    pub chats: Vec<ServedChat>,
    /// Their groups.
    #[serde(default)]
    pub groups: Vec<ServedGroup>,
}

/// A chat, as it is served to a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedChat {
    /// Which.
    pub chat: String,
    /// The other member.
    pub with: String,
    /// Its last message.
    pub last_seq: u64,
    /// When something was last written.
    pub last_time: u64,
    /// How many the user has not opened.
    pub unread: u64,
    /// Where the members are.
    pub members: Vec<Watermarks>,
    /// The message that is shown in the list.
    pub last_message: Option<Message>,
    /// All messages, from the first.
    pub messages: Vec<Message>,
    /// The messages that are pinned, in the order in which they were.
    #[serde(default)]
    pub pinned: Vec<u64>,
    /// How many the user has not opened, as it is served with the receipts; none when nobody asked.
    #[serde(default)]
    pub unread_in_receipts: Option<u64>,
}
