//! Questions and answers of the REST API.

use chasqui_domain::{ChatId, DeviceId, GatewayId, Role, Seq, SessionId, TimeMs, UserId, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Changed, MemberReceipt, Message, fields::digits, forms};
use crate::{
    Code,
    fields::{long, long_opt, longs, role, text, text_opt},
};

/// Which of the user's chats: `GET /v1/chats`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChatsQuery {
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Limit, inline)]
    pub limit: Option<u32>,
    /// From behind this chat, in ascending order of id.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::ChatId, inline)]
    pub after: Option<ChatId>,
}

/// The user's chats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Chats {
    /// In ascending order of id.
    pub chats: Vec<ChatItem>,
    /// The `after` of the next page; none on the last.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::ChatId)]
    pub next: Option<ChatId>,
}

/// A chat in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChatItem {
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The other user of a direct chat.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::UserId)]
    pub with: Option<UserId>,
    /// What there is to say of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = GroupItem)]
    pub group: Option<Box<GroupItem>>,
    /// The last message's number; 0 when there is none.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub last_seq: Seq,
    /// When something was last written or changed.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub last_time: TimeMs,
    /// How many messages of others the user has not opened.
    #[serde(with = "long")]
    #[schema(value_type = forms::Count)]
    pub unread: u64,
    /// The watermarks of both users of a direct chat; of a group those of the user alone.
    pub members: Vec<MemberReceipt>,
    /// The last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Message)]
    pub last_message: Option<Box<Message>>,
    /// The messages that are pinned, of those that the user may see, in the order in which they were.
    #[serde(default, with = "longs", skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<forms::Seq>)]
    pub pinned: Vec<Seq>,
}

/// A group in the list, as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GroupItem {
    /// What it is called; none when it can't be opened any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Title)]
    pub title: Option<String>,
    /// What clients take for a reference to its picture; none when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Picture)]
    pub picture: Option<String>,
    /// How many are in it.
    #[schema(value_type = forms::Count)]
    pub members_count: u32,
    /// What the user may do in it.
    #[serde(with = "role")]
    #[schema(value_type = forms::Role)]
    pub role: Role,
    /// Since when the user is in it; what happened before is not shown to them.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub joined: TimeMs,
}

/// Which members of a chat: `GET /v1/chats/{chat}/members`, and of whom the receipts of a message or the
/// reactions to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Limit, inline)]
    pub limit: Option<u32>,
    /// From behind this user, in ascending order of id.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::UserId, inline)]
    pub after: Option<UserId>,
}

/// The members of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Members {
    /// In ascending order of id.
    pub members: Vec<MemberItem>,
    /// The `after` of the next page; none on the last.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::UserId)]
    pub next: Option<UserId>,
}

/// A member of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberItem {
    /// Who.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub user: UserId,
    /// What they may do; in a direct chat both are members.
    #[serde(with = "role")]
    #[schema(value_type = forms::Role)]
    pub role: Role,
    /// Since when they are in it.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub joined: TimeMs,
}

/// Which messages of a chat: `GET /v1/chats/{chat}/messages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Those below this seq, from the highest down.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Seq, inline)]
    pub before: Option<Seq>,
    /// Those above this seq, from the lowest up.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Seq, inline)]
    pub after: Option<Seq>,
    /// Those before this time, from the latest down.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::TimeMs, inline)]
    pub until: Option<TimeMs>,
    /// Those at this time and after it, from the earliest up.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::TimeMs, inline)]
    pub since: Option<TimeMs>,
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Limit, inline)]
    pub limit: Option<u32>,
}

/// Messages of a chat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Messages {
    /// In the order that was asked for.
    pub messages: Vec<Message>,
    /// The next page's `before`, also behind `until`, or its `after`, also behind `since`; none on the last.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Seq)]
    pub next: Option<Seq>,
}

/// Which changes of a chat: `GET /v1/chats/{chat}/changes`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Limit, inline)]
    pub limit: Option<u32>,
    /// From before this place in the chat.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Version, inline)]
    pub before: Option<Version>,
}

/// Changes of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Changes {
    /// From the latest down.
    pub changes: Vec<Changed>,
    /// The `before` of the next page; none on the last.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Version)]
    pub next: Option<Version>,
}

/// Which of the user's devices: `GET /v1/devices`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DevicesQuery {
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::Limit, inline)]
    pub limit: Option<u32>,
    /// From behind this device, in ascending order of id.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[param(value_type = forms::DeviceId, inline)]
    pub after: Option<DeviceId>,
}

/// The user's devices: those that connected last, up to 64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Devices {
    /// In ascending order of id.
    pub devices: Vec<DeviceItem>,
    /// The `after` of the next page; none on the last.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::DeviceId)]
    pub next: Option<DeviceId>,
}

/// A device in the list. A connection that broke without a word counts until nothing was heard of it for three minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceItem {
    /// The device.
    #[serde(with = "text")]
    #[schema(value_type = forms::DeviceId)]
    pub device: DeviceId,
    /// Whether it is connected.
    pub connected: bool,
    /// When it connected last.
    #[serde(with = "long")]
    #[schema(value_type = forms::TimeMs)]
    pub since: TimeMs,
    /// When that connection ended; none while it is there, or when the server ended with it.
    #[serde(default, with = "long_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::TimeMs)]
    pub disconnected: Option<TimeMs>,
    /// The gateway of that connection.
    #[serde(with = "text")]
    #[schema(value_type = forms::GatewayId)]
    pub gateway: GatewayId,
    /// The session, as `welcome` named it.
    #[serde(with = "digits")]
    #[schema(value_type = forms::SessionId)]
    pub session: SessionId,
}

/// Who has a message: `GET /v1/chats/{chat}/messages/{seq}/receipts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageReceipts {
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The message's number in the chat.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
    /// In ascending order of id, those who were in the chat when it was written and still are. Who wrote it has it, and has
    /// read it.
    pub members: Vec<MessageReceipt>,
    /// The `after` of the next page; none on the last.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::UserId)]
    pub next: Option<UserId>,
}

/// Whether a member has a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageReceipt {
    /// The member.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub user: UserId,
    /// Whether it is on a device of theirs.
    pub delivered: bool,
    /// Whether they have opened it.
    pub read: bool,
}

/// Who reacts to a message: `GET /v1/chats/{chat}/messages/{seq}/reactions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageReactions {
    /// The chat.
    #[serde(with = "text")]
    #[schema(value_type = forms::ChatId)]
    pub chat: ChatId,
    /// The message's number in the chat.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
    /// In ascending order of id. Also those who are not in the chat any more.
    pub users: Vec<UserReaction>,
    /// The `after` of the next page; none on the last.
    #[serde(default, with = "text_opt", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::UserId)]
    pub next: Option<UserId>,
}

/// How somebody reacts to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserReaction {
    /// Who.
    #[serde(with = "text")]
    #[schema(value_type = forms::UserId)]
    pub user: UserId,
    /// How; none when it can't be opened any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::Reaction)]
    pub reaction: Option<String>,
}

/// Up to where the user has opened a chat: `PUT /v1/chats/{chat}/read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReadUpTo {
    /// The highest seq that was seen.
    #[serde(with = "long")]
    #[schema(value_type = forms::Seq)]
    pub seq: Seq,
}

/// Why a question isn't answered: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Where the code is explained: the page of the protocol, at the code.
    pub r#type: String,
    /// The code's meaning, for people.
    pub title: String,
    /// The HTTP status.
    #[schema(value_type = forms::Status)]
    pub status: u16,
    /// What is wrong with this question in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub detail: Option<String>,
    /// The same codes as in frames.
    pub code: Code,
    /// Whether the same may succeed later.
    pub retry: bool,
    /// Not to be tried again before so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = forms::SpanMs)]
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
