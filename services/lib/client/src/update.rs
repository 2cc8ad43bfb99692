//! What an app sends and sees.

use std::time::Duration;

use bytes::Bytes;
use chasqui_domain::{ChatId, ContentType, Counter, DeviceId, Seq, UserId};
use chasqui_wire::{
    Code,
    frames::{Changed, ChatReceipts, Counts, Done, Failed, Message, NotResumed, Receipt, Sent},
};

use crate::asked::Asked;

/// Whom something is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    /// The other user of a direct chat.
    User(UserId),
    /// The members of a group.
    Group(ChatId),
}

impl To {
    /// The chat that a user has with them.
    #[must_use]
    pub fn chat(&self, me: &UserId) -> ChatId {
        match self {
            Self::User(peer) => ChatId::direct(me, peer),
            Self::Group(chat) => *chat,
        }
    }

    /// The user, or the group.
    pub(crate) fn parts(self) -> (Option<UserId>, Option<ChatId>) {
        match self {
            Self::User(user) => (Some(user), None),
            Self::Group(chat) => (None, Some(chat)),
        }
    }
}

impl From<UserId> for To {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<ChatId> for To {
    fn from(chat: ChatId) -> Self {
        Self::Group(chat)
    }
}

/// A group to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who is in it beside the user, who is its owner.
    pub members: Vec<UserId>,
    /// What it is called.
    pub title: String,
    /// What clients take for a reference to its picture.
    pub picture: Option<String>,
}

/// A message to be sent: a text, or a body with its content type.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Whom it is for.
    pub to: To,
    /// The text.
    pub text: Option<String>,
    /// What the body holds; none for plain text.
    pub content_type: Option<ContentType>,
    /// The body, when it is no text.
    pub body: Option<Bytes>,
    /// The message that it replies to.
    pub reply_to: Option<Seq>,
    /// The users that it mentions.
    pub mentions: Vec<UserId>,
    /// What the app puts beside it.
    pub meta: Option<serde_json::Value>,
}

impl Draft {
    /// A plain text.
    #[must_use]
    pub fn text(to: impl Into<To>, text: impl Into<String>) -> Self {
        let (to, text) = (to.into(), Some(text.into()));
        Self { to, text, content_type: None, body: None, reply_to: None, mentions: Vec::new(), meta: None }
    }
}

/// Something that an app is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// There is a session.
    Connected {
        /// The user of the token.
        user: UserId,
        /// The device.
        device: DeviceId,
        /// Whether the inbox goes on where it was left. If not, begin with the chat list: what came meanwhile is not
        /// among the updates.
        resumed: bool,
        /// Why it doesn't, when it doesn't.
        not_resumed: Option<NotResumed>,
    },
    /// There is no session; the client connects again. Said once for a row of attempts that fail.
    Disconnected {
        /// What the server said, if it did.
        code: Option<Code>,
        /// When the client tries again; none when it waits for another token, which [`Update::TokenExpires`] asks for.
        again_in: Option<Duration>,
    },
    /// The token ends: bring another with [`crate::Client::renew`].
    TokenExpires {
        /// In what time, by the server's clock. Zero when it has ended: the client doesn't connect again until there is
        /// another.
        left: Duration,
    },
    /// The server has taken the token that [`crate::Client::renew`] brought.
    Renewed {
        /// In what time it ends.
        left: Duration,
    },
    /// The server has not taken the token that [`crate::Client::renew`] brought. The session goes on with the one before
    /// until that ends.
    NotRenewed(Code),
    /// The updates are complete up to here; what follows is live.
    CaughtUp,
    /// A message of somebody else, or of another device of this user.
    Message(Box<Message>),
    /// A message of this device was accepted.
    Sent {
        /// Whom it was for; none when this client no longer knows the message.
        to: Option<To>,
        /// Its place.
        sent: Sent,
    },
    /// A group came to be, or a chat or a message of one was changed, by somebody else or on another device of this user.
    Changed(Box<Changed>),
    /// A group that this device asked for came to be, or a change is made.
    Done {
        /// What was asked; none when this client no longer knows it.
        asked: Option<Box<Asked>>,
        /// Where and when.
        done: Done,
    },
    /// Something that this device asked for was refused for good. It is no longer kept.
    Failed(Box<Failed>),
    /// Something that this device asked for was not taken; the client asks again by itself.
    Retrying(Box<Failed>),
    /// The outcome of a message is late.
    Delayed {
        /// The chat.
        chat: ChatId,
        /// The message id.
        id: Counter,
    },
    /// A member's watermarks rose.
    Receipt(Receipt),
    /// How many of a group have messages of the user.
    Counts(Counts),
    /// The watermarks of a chat, asked for behind [`Update::CaughtUp`] where something was unfinished.
    Receipts(ChatReceipts),
    /// The last update.
    Ended(End),
}

/// Why a client ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The server won't have it, and would not the next time either: the token is not valid, the user or the device is
    /// banned, the device has connected elsewhere, the two don't understand each other. [`Code::Unknown`] for a reason of
    /// a later version.
    Refused(Code),
    /// The token is that of another user than the options or the state say: one's messages must not be sent by the
    /// other.
    OtherUser {
        /// Whose token it should be.
        expected: UserId,
        /// Whose token it is.
        given: UserId,
    },
    /// The state file can't be written, so nothing more can be sent safely.
    State(String),
}
