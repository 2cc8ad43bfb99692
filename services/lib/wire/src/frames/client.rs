//! What clients send.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use chasqui_domain::{ChatId, ContentType, Counter, DeviceId, Seq, UserId};
use serde::{Deserialize, Serialize};

use super::fields::{base64_opt, digits, seqs};
use crate::fields::{long, long_opt, text, text_opt, texts};

/// A frame from a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame of a connection.
    Hello(Hello),
    /// A message.
    Send(Box<SendFrame>),
    /// What the device has.
    Ack(Ack),
    /// What the user has opened.
    Read(Read),
    /// A question for watermarks.
    Receipts(ReceiptsQuery),
    /// A new token for the open session.
    Renew(Renew),
}

/// Says who connects, and from where on it wants its inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The identity provider's token.
    pub token: Token,
    /// The device.
    #[serde(with = "text")]
    pub device: DeviceId,
    /// The last cursor that the device has; none for one that begins with the chat list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendFrame {
    /// The client message id: the device's count of its messages in the chat, from 1.
    #[serde(with = "digits")]
    pub id: Counter,
    /// The other user of the direct chat.
    #[serde(with = "text")]
    pub to: UserId,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What the body holds; none for plain text.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    pub content_type: Option<ContentType>,
    /// The body, when it is no text.
    #[serde(default, with = "base64_opt", skip_serializing_if = "Option::is_none")]
    pub body: Option<Bytes>,
    /// The message that it replies to.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    /// The users that it mentions.
    #[serde(default, with = "texts", skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// What the app puts beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<serde_json::Value>,
}

/// What the device has: the cursor frees room for more, and the seqs are delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The highest cursor that the device has kept.
    pub cursor: String,
    /// Per chat that changed, the highest seq that it now has.
    #[serde(default, with = "seqs", skip_serializing_if = "BTreeMap::is_empty")]
    pub delivered: BTreeMap<ChatId, Seq>,
}

/// The user has opened a chat up to a seq.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The chat.
    #[serde(with = "text")]
    pub chat: ChatId,
    /// The highest seq that was seen.
    #[serde(with = "long")]
    pub seq: Seq,
}

/// Asks for the watermarks of chats, the user's own and the others'.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsQuery {
    /// The chats.
    #[serde(with = "texts")]
    pub chats: Vec<ChatId>,
}

/// Brings a new token of the same user, so that the session goes on behind the end of the old one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renew {
    /// The identity provider's token.
    pub token: Token,
}
