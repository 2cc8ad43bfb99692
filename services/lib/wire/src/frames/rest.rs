//! Questions and answers of the REST API.

use chasqui_domain::{ChatId, DeviceId, GatewayId, Seq, SessionId, TimeMs, UserId};
use serde::{Deserialize, Serialize};

use super::{MemberReceipt, Message, fields::digits};
use crate::{
    Code,
    fields::{long, long_opt, text, text_opt},
};

/// Which of the user's chats: `GET /v1/chats`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatsQuery {
    /// At most so many; the server has a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// From behind this chat, in ascending order of id.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    pub after: Option<ChatId>,
}

/// The user's chats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chats {
    /// In ascending order of id.
    pub chats: Vec<ChatItem>,
    /// The `after` of the next page; none on the last.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    pub next: Option<ChatId>,
}

/// A chat in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatItem {
    /// The chat.
    #[serde(with = "text")]
    pub chat: ChatId,
    /// The other user.
    #[serde(with = "text")]
    pub with: UserId,
    /// The last message's number; 0 when there is none.
    #[serde(with = "long")]
    pub last_seq: Seq,
    /// When something last happened.
    #[serde(with = "long")]
    pub last_time: TimeMs,
    /// How many messages of others the user has not opened.
    #[serde(with = "long")]
    pub unread: u64,
    /// The watermarks of all members, the user included.
    pub members: Vec<MemberReceipt>,
    /// The last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Box<Message>>,
}

/// Which messages of a chat: `GET /v1/chats/{chat}/messages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesQuery {
    /// Those below this seq, from the highest down.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// Those above this seq, from the lowest up.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    pub after: Option<Seq>,
    /// Those before this time, from the latest down.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    pub until: Option<TimeMs>,
    /// Those at this time and after it, from the earliest up.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    pub since: Option<TimeMs>,
    /// At most so many; the server has a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Messages of a chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// In the order that was asked for.
    pub messages: Vec<Message>,
    /// The `before` or `after` of the next page; none on the last.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    pub next: Option<Seq>,
}

/// Which of the user's devices: `GET /v1/devices`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesQuery {
    /// At most so many; the server has a limit of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// From behind this device, in ascending order of id.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    pub after: Option<DeviceId>,
}

/// The user's devices: those that connected last, up to 64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// In ascending order of id.
    pub devices: Vec<DeviceItem>,
    /// The `after` of the next page; none on the last.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    pub next: Option<DeviceId>,
}

/// A device in the list. A connection that broke without a word counts until nothing was heard of it for three minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceItem {
    /// The device.
    #[serde(with = "text")]
    pub device: DeviceId,
    /// Whether it is connected.
    pub connected: bool,
    /// When it connected last.
    #[serde(with = "long")]
    pub since: TimeMs,
    /// When that connection ended; none while it is there, or when the server ended with it.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    pub disconnected: Option<TimeMs>,
    /// The gateway of that connection.
    #[serde(with = "text")]
    pub gateway: GatewayId,
    /// The session, as `welcome` named it.
    #[serde(with = "digits")]
    pub session: SessionId,
}

/// Why a question isn't answered: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where the code is explained: the page of the protocol, at the code.
    pub r#type: String,
    /// The code's meaning, for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this question in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The same codes as in frames.
    pub code: Code,
    /// Whether the same may succeed later.
    pub retry: bool,
    /// Not to be tried again before so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_in_ms: Option<u32>,
}

impl Problem {
    /// The media type.
    pub const MEDIA_TYPE: &str = "application/problem+json";

    /// With what is wrong in particular.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self {
            r#type: format!("/docs#{}", code.as_str()),
            title: code.meaning().to_owned(),
            status: code.status(),
            detail: None,
            code,
            retry: code.retry(),
            retry_in_ms: None,
        }
    }
}
