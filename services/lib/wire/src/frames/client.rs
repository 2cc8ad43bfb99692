//! What clients send.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use chasqui_domain::{ChatId, ContentType, Counter, DeviceId, Seq, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    change::ChangeAsked,
    fields::{base64_opt, digits, seqs},
    forms,
};
use crate::fields::{long, long_opt, text, text_opt, texts};

/// A frame from a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame of a connection.
    Hello(Hello),
    /// A message.
    Send(Box<SendFrame>),
    /// A group to be made.
    Create(Box<CreateFrame>),
    /// A change of a group, or something to be done to a message.
    Change(Box<ChangeFrame>),
    /// What the device has.
    Ack(Ack),
    /// What the user has opened.
    Read(Read),
    /// A question for watermarks.
    Receipts(ReceiptsQuery),
    /// A new token for the open session.
    Renew(Renew),
}

impl ClientFrame {
    /// The `type` of each.
    pub const NAMES: &[&str] = &["hello", "send", "create", "change", "ack", "read", "receipts", "renew"];

    /// Its `type`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Send(_) => "send",
            Self::Create(_) => "create",
            Self::Change(_) => "change",
            Self::Ack(_) => "ack",
            Self::Read(_) => "read",
            Self::Receipts(_) => "receipts",
            Self::Renew(_) => "renew",
        }
    }
}

/// Says who connects, and from where on it wants its inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    /// The identity provider's token.
    #[schema(value_type = forms::Token)]
    pub token: Token,
    /// The device.
    #[serde(with = "text")]
    #[schema(value_type = forms::DeviceId)]
    pub device: DeviceId,
    /// The last cursor that the device has; none for one that begins with the chat list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Cursor)]
    pub cursor: Option<String>,
}

/// A bearer token. Its debug form hides it from logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A message to be sent, to a user or to a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SendFrame {
    /// The client message id: the device's count of what it asks of the chat, messages and changes together, from 1.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
    /// The other user of a direct chat. Give this or `chat`.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::UserId)]
    pub to: Option<UserId>,
    /// The group.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::ChatId)]
    pub chat: Option<ChatId>,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub text: Option<String>,
    /// What the body holds; none for plain text.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::ContentType)]
    pub content_type: Option<ContentType>,
    /// The body, when it is no text.
    #[serde(default, with = "base64_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Base64)]
    pub body: Option<Bytes>,
    /// The message that it replies to.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Seq)]
    pub reply_to: Option<Seq>,
    /// The users that it mentions.
    #[serde(default, with = "texts", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<forms::UserId>)]
    pub mentions: Vec<UserId>,
    /// What the app puts beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Meta)]
    pub meta: Option<serde_json::Value>,
}

/// Asks for a group. Its chat's id is derived from the user, the device and the id: asked again it is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateFrame {
    /// The device's count of the groups that it has asked for, from 1.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
    /// Who is in it beside the user, who is its owner.
    #[serde(with = "texts")]
    #[schema(value_type = Vec<forms::UserId>)]
    pub members: Vec<UserId>,
    /// What it is called.
    #[schema(value_type = forms::Title)]
    pub title: String,
    /// What clients take for a reference to its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Picture)]
    pub picture: Option<String>,
}

/// Asks for a change of a group, or for something to be done to a message of any chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangeFrame {
    /// The device's count of what it asks of the chat, messages and changes together, from 1.
    #[serde(with = "digits")]
    #[schema(value_type = forms::MessageId)]
    pub id: Counter,
    /// The other user of a direct chat. Give this or `chat`.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::UserId)]
    pub to: Option<UserId>,
    /// The group.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::ChatId)]
    pub chat: Option<ChatId>,
    /// What is to be changed.
    pub change: ChangeAsked,
}

/// What the device has: the cursor frees room for more, and the seqs are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ack {
    /// The highest cursor that the device has kept.
    #[schema(value_type = forms::Cursor)]
    pub cursor: String,
    /// Per chat that changed, the highest seq that it now has.
    #[serde(default, with = "seqs", skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<forms::ChatId, forms::Seq>)]
    pub delivered: BTreeMap<ChatId, Seq>,
}

/// The user has opened a chat up to a seq.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Read {
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The highest seq that was seen.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
}

/// Asks for the watermarks of chats, the user's own and the others'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceiptsQuery {
    /// The chats.
    #[serde(with = "texts")]
    #[schema(value_type = Vec<forms::ChatId>)]
    pub chats: Vec<ChatId>,
}

/// Brings a new token of the same user, so that the session goes on behind the end of the old one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Renew {
    /// The identity provider's token.
    #[schema(value_type = forms::Token)]
    pub token: Token,
}
