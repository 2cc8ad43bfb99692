//! What the server sends.

use bytes::Bytes;
use chasqui_domain::{ChatId, ContentType, Counter, DeviceId, Epoch, Seq, SessionId, TimeMs, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    change::ChangeMade,
    fields::{base64_opt, digits, digits_opt},
    forms,
};
use crate::{
    Code,
    fields::{long, long_opt, text, text_opt, texts},
};

/// A frame from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to a hello.
    Welcome(Box<Welcome>),
    /// A message.
    Message(Box<Message>),
    /// A message of this device was accepted.
    Sent(Sent),
    /// A chat was changed, something was done to a message of it, or a group came to be.
    Changed(Box<Changed>),
    /// What this device asked for is done.
    Done(Done),
    /// A command of this device was refused, or couldn't be taken.
    Failed(Box<Failed>),
    /// A member's watermarks rose.
    Receipt(Receipt),
    /// How many of a group have messages of the user.
    Counts(Counts),
    /// The watermarks that were asked for.
    Receipts(Receipts),
    /// The inbox is read; what follows is live.
    CaughtUp(CaughtUp),
    /// The outcome of a message is late; it will come.
    Delayed(Delayed),
    /// The new token was taken.
    Renewed(Renewed),
    /// Something about the connection is wrong.
    Error(Failure),
}

impl ServerFrame {
    /// The `type` of each.
    pub const NAMES: &[&str] = &[
        "welcome",
        "message",
        "sent",
        "changed",
        "done",
        "failed",
        "receipt",
        "counts",
        "receipts",
        "caught_up",
        "delayed",
        "renewed",
        "error",
    ];
}

/// The session, and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Welcome {
    /// The user of the token.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub user: UserId,
    /// The device.
    #[serde(with = "text")]
    #[schema(value_type = forms::DeviceId)]
    pub device: DeviceId,
    /// The session.
    #[serde(with = "digits")]
    #[schema(value_type = forms::SessionId)]
    pub session: SessionId,
    /// Whether the cursor was taken up; the device begins with the chat list otherwise.
    pub resumed: bool,
    /// Why it was not; none when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = NotResumed)]
    pub not_resumed: Option<NotResumed>,
    /// The server's time.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub time: TimeMs,
    /// When the token ends, and the session with it unless it is renewed.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub expires: TimeMs,
    /// How many entries may wait for an ack.
    #[schema(value_type = forms::Count)]
    pub unacked_max: u32,
    /// How many messages of the session may wait for their outcome.
    #[schema(value_type = forms::Count)]
    pub outstanding_max: u32,
    /// The most bytes that a body may have.
    #[schema(value_type = forms::Count)]
    pub body_bytes_max: u32,
    /// After how many milliseconds without a frame the connection is closed.
    #[schema(value_type = forms::SpanMs)]
    pub idle_ms: u32,
}

/// Why a cursor was not taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotResumed {
    /// There was none.
    NoCursor,
    /// What it would have led to has expired.
    TooOld,
    /// It is of another life of the server's log, or of what an older state of it has not come to.
    OtherLog,
    /// It is another user's.
    OtherUser,
    /// It is no cursor.
    Malformed,
    /// A reason of a later version; only a client meets it.
    #[serde(other)]
    Unknown,
}

impl NotResumed {
    /// Every reason that is sent.
    pub const ALL: &[Self] = &[Self::NoCursor, Self::TooOld, Self::OtherLog, Self::OtherUser, Self::Malformed];
}

/// A message of a chat. In answers of the REST API it has no cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// The position behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Cursor)]
    pub cursor: Option<String>,
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// Its number in the chat.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
    /// When it was accepted.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub time: TimeMs,
    /// Who wrote it.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub from: UserId,
    /// On which device.
    #[serde(with = "text")]
    #[schema(value_type = forms::DeviceId)]
    pub device: DeviceId,
    /// That device's message id.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
    /// What the body holds.
    #[serde(with = "text")]
    #[schema(value_type = forms::ContentType)]
    pub content_type: ContentType,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub text: Option<String>,
    /// The body, when it is no text.
    #[serde(default, with = "base64_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Base64)]
    pub body: Option<Bytes>,
    /// The message that it replies to.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Seq)]
    pub reply_to: Option<Seq>,
    /// The users that it mentions.
    #[serde(default, with = "texts")]
    #[schema(value_type = Vec<forms::UserId>, required = true)]
    pub mentions: Vec<UserId>,
    /// What the app put beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Meta)]
    pub meta: Option<serde_json::Value>,
    /// When it was edited last; none when it never was. In answers of the REST API, as all that follows: what comes by
    /// itself is as it was written, and what was done to it comes behind it.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::TimeMs)]
    pub edited: Option<TimeMs>,
    /// When it was deleted for everybody; it then has no text and no body any more.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::TimeMs)]
    pub deleted: Option<TimeMs>,
    /// How it is reacted to, in the order in which the kinds came up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<ReactionItem>)]
    pub reactions: Vec<ReactionItem>,
}

/// One kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReactionItem {
    /// What it is; none when it can't be opened any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Reaction)]
    pub reaction: Option<String>,
    /// How many react so.
    #[schema(value_type = forms::Count)]
    pub count: u32,
    /// Whether the user is one of them.
    pub own: bool,
}

/// A message of this device was accepted; stands in the place of the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sent {
    /// The position behind it.
    #[schema(value_type = forms::Cursor)]
    pub cursor: String,
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The message id.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
    /// The message's number in the chat.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
    /// When it was accepted.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub time: TimeMs,
    /// Whether it had been accepted before.
    pub repeated: bool,
}

/// A chat was changed, something was done to a message of it, or a group came to be. In answers of the REST API it has
/// no cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changed {
    /// The position behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Cursor)]
    pub cursor: Option<String>,
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// When it happened.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub time: TimeMs,
    /// The last message before it; 0 when there is none.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub after: Seq,
    /// Who asked for it.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub by: UserId,
    /// On which device.
    #[serde(with = "text")]
    #[schema(value_type = forms::DeviceId)]
    pub device: DeviceId,
    /// That device's id of it.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
    /// What is different now.
    pub change: ChangeMade,
}

/// What this device asked for is done; stands in the place of what was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Done {
    /// The position behind it.
    #[schema(value_type = forms::Cursor)]
    pub cursor: String,
    /// The chat. Who asked for a group learns here which one it is.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The id that it was asked with.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
    /// When it happened.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub time: TimeMs,
    /// Whether it had been done before, or there was nothing to change.
    pub repeated: bool,
}

/// A command of this device was refused, or couldn't be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failed {
    /// The position behind it; none when it is in no inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Cursor)]
    pub cursor: Option<String>,
    /// The chat, where it is known.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::ChatId)]
    pub chat: Option<ChatId>,
    /// Whom the message was for, where it is known.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::UserId)]
    pub to: Option<UserId>,
    /// The message id; none when it was no message.
    #[serde(default, with = "digits_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::GivenMessageId)]
    pub id: Option<Counter>,
    /// Why.
    pub code: Code,
    /// Whether the same may succeed later.
    pub retry: bool,
    /// Not to be tried again before so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::SpanMs)]
    pub retry_in_ms: Option<u32>,
    /// The code's meaning, for people.
    pub message: String,
    /// The chat's current epoch, with a stale one.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Epoch)]
    pub epoch: Option<Epoch>,
}

/// A member's watermarks rose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The position behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Cursor)]
    pub cursor: Option<String>,
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// Whose.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub user: UserId,
    /// Everything up to here is on a device of theirs.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub delivered: Seq,
    /// Everything up to here was opened.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub read: Seq,
    /// When.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub time: TimeMs,
}

/// How many of a group have messages of the user. Several that come within a moment are gathered: it is the newest state, and
/// not every one between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// The group.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// What all others have.
    pub others: OthersReceipt,
    /// The newest of the user's messages of which something changed, in ascending order.
    pub messages: Vec<MessageCount>,
}

/// What all other members of a group have, of those who were in it when a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OthersReceipt {
    /// How many others there are.
    #[schema(value_type = forms::Count)]
    pub count: u32,
    /// Everything up to here is on a device of each of them.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub delivered: Seq,
    /// Everything up to here was opened by each of them.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub read: Seq,
}

/// How many others have a message. Who joined behind it counts as one who has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageCount {
    /// Which.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
    /// On a device of how many it is.
    #[schema(value_type = forms::Count)]
    pub delivered: u32,
    /// How many have opened it.
    #[schema(value_type = forms::Count)]
    pub read: u32,
}

/// The watermarks that were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipts {
    /// Per chat that the user is in.
    pub chats: Vec<ChatReceipts>,
}

/// The watermarks of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChatReceipts {
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The last message's number; 0 when there is none.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub last_seq: Seq,
    /// How many messages of others the user has not opened.
    #[serde(with = "long")]
    #[schema(value_type = forms::Count)]
    pub unread: u64,
    /// The watermarks of both users of a direct chat; of a group those of the user alone.
    pub members: Vec<MemberReceipt>,
    /// In a group, what all others have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = OthersReceipt)]
    pub others: Option<OthersReceipt>,
}

/// The watermarks of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberReceipt {
    /// Whose.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub user: UserId,
    /// Everything up to here is on a device of theirs.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub delivered: Seq,
    /// Everything up to here was opened.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub read: Seq,
}

/// The inbox is read up to the cursor; what follows is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaughtUp {
    /// The position up to which.
    #[schema(value_type = forms::Cursor)]
    pub cursor: String,
}

/// The outcome of a message is late; it will come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delayed {
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The message id.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
}

/// The new token was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Renewed {
    /// When it ends, and the session with it unless it is renewed again.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub expires: TimeMs,
}

/// Something is wrong. Where it ends the connection, the close follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// What.
    pub code: Code,
    /// Whether the same may succeed later.
    pub retry: bool,
    /// Not to be tried again before so many milliseconds: each client is given a time of its own, so that not all come
    /// back at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::SpanMs)]
    pub retry_in_ms: Option<u32>,
    /// The same for people.
    pub message: String,
}

impl From<Code> for Failure {
    /// With the code's meaning as its message.
    fn from(code: Code) -> Self {
        Self { code, retry: code.retry(), retry_in_ms: None, message: code.meaning().to_owned() }
    }
}
