//! The codes that clients see; `schemas/protocol/codes.json` holds the same.

use std::ops::RangeInclusive;

use chasqui_domain::{Epoch, Refusal};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($name:ident $code:literal $status:literal $close:tt $retry:literal $meaning:literal)*) => {
        /// Why something failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(
                #[doc = $meaning]
                #[serde(rename = $code)]
                $name,
            )*
            /// A code of a later version; only a client meets it.
            #[serde(other, rename = "unknown")]
            Unknown,
        }

        impl Code {
            /// Every code that is sent.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown => "unknown",
                }
            }

            /// The status of an HTTP answer with this code.
            #[must_use]
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                    Self::Unknown => 500,
                }
            }

            /// The number that a connection is closed with for this reason; none when no connection is. The range tells
            /// what a client that knows no more should do: see [`CLOSE_CONNECT_AGAIN`] and [`CLOSE_STAY_AWAY`].
            #[must_use]
            pub fn close(self) -> Option<u16> {
                match self {
                    $(Self::$name => close!($close),)*
                    Self::Unknown => None,
                }
            }

            /// Whether the same may succeed later, unchanged.
            #[must_use]
            pub fn retry(self) -> bool {
                match self {
                    $(Self::$name => $retry,)*
                    Self::Unknown => false,
                }
            }

            /// What it means, for people.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                    Self::Unknown => "A code of a later version.",
                }
            }
        }
    };
}

macro_rules! close {
    (-) => {
        None
    };
    ($number:literal) => {
        Some($number)
    };
}

/// The numbers of closes behind which a client connects again, after a pause.
pub const CLOSE_CONNECT_AGAIN: RangeInclusive<u16> = 4000..=4499;

/// The numbers of closes behind which connecting again would end the same way.
pub const CLOSE_STAY_AWAY: RangeInclusive<u16> = 4500..=4999;

// Code, HTTP status, close number, whether to try again, meaning. What is taken out goes to `RETIRED`.
codes! {
    WrongChat "wrong_chat" 409 - false "The chat is not the one of these two users, or not of the kind that this is asked of."
    NotAMember "not_a_member" 404 - false "The user is not in the chat, or there is no such chat."
    NotAllowed "not_allowed" 403 - false "The user may not write to this user, or to one who is to be added."
    NotPermitted "not_permitted" 403 - false "The user's role in the group doesn't allow it, or the message is another's."
    NoSuchMember "no_such_member" 404 - false "The user that it is about is not in the group."
    TooManyMembers "too_many_members" 409 - false "The group would have more members than it may."
    LastOwner "last_owner" 409 - false "The group would have no owner: make somebody else one before."
    NoSuchMessage "no_such_message" 404 - false "There is no such message in the chat, or none any more."
    TooLate "too_late" 409 - false "The time in which this can be done to a message is over."
    TooManyReactions "too_many_reactions" 409 - false "The message has as many kinds of reactions as it may have: use one of those."
    TooManyActions "too_many_actions" 409 - false "More was done to this message than may be."
    TooManyPins "too_many_pins" 409 - false "As many messages of the chat are pinned as may be: unpin one before."
    BodyTooLarge "body_too_large" 413 - false "The message is larger than allowed."
    BadCounter "bad_counter" 400 - false "Message ids count from 1."
    CounterTooOld "counter_too_old" 409 - false "The message id lies too far below the device's highest to tell whether it was sent before."
    StaleEpoch "stale_epoch" 409 - true "The message was sealed under a key that is no longer the chat's; the current epoch is given."
    SeqAhead "seq_ahead" 409 - false "A receipt for messages that don't exist yet."
    Poison "poison" 500 - false "The server can't handle this command and has set it aside."
    BadFrame "bad_frame" 400 4500 false "The frame or request can't be read."
    FrameTooLarge "frame_too_large" 413 4504 false "The frame is longer than allowed; the connection is closed."
    RequestTooLarge "request_too_large" 413 - false "The request is longer than allowed."
    NotFound "not_found" 404 - false "There is nothing at this address."
    MethodNotAllowed "method_not_allowed" 405 - false "The address knows other methods."
    UpgradeRequired "upgrade_required" 426 - false "There is a WebSocket at this address; ask for it as one."
    Unauthorized "unauthorized" 401 4501 false "The token is missing or not valid."
    TokenExpired "token_expired" 401 4006 true "The token has ended; connect again with a new one."
    Banned "banned" 403 4503 false "The user or the device is banned."
    TooManyOutstanding "too_many_outstanding" 429 - true "Too many messages of this session wait for their outcome."
    RateLimited "rate_limited" 429 - true "Too much was asked in a short time."
    TooManyChats "too_many_chats" 429 - true "The user has opened too many chats in the last hour."
    TooManyFrames "too_many_frames" 429 4007 true "The client sends frames faster than allowed, or ever more messages behind refused ones; the connection is closed."
    TooManySessions "too_many_sessions" 429 4008 true "The user has too many sessions, or begins them too often; the connection is closed."
    TooManyLogins "too_many_logins" 429 4009 true "Too many log in at the moment; come back at the time that is given."
    TooManyConnections "too_many_connections" 429 - true "There are too many connections from this address."
    Unavailable "unavailable" 503 4005 true "A part of the server that this needs can't be reached."
    DiskFull "disk_full" 507 - true "The server has no room to write."
    HelloTimeout "hello_timeout" 408 4000 true "No hello came in time; the connection is closed."
    Idle "idle" 408 4001 true "Nothing came for too long; the connection is closed."
    Draining "draining" 503 4002 true "The server is going away; connect again."
    Replaced "replaced" 409 4502 false "The same device has connected again; this connection is closed."
    Slow "slow" 408 4003 true "The client doesn't keep up; connect again."
    ServerError "server_error" 500 4004 true "Something in the server failed."
}

/// A code that is sent no more. Neither its text nor its number is ever given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Retired {
    /// The code as text.
    pub code: &'static str,
    /// The number that connections were closed with.
    pub close: Option<u16>,
    /// What it meant, and what stands in its place.
    pub meaning: &'static str,
}

/// The codes that are sent no more.
pub const RETIRED: &[Retired] = &[];

impl Code {
    /// The code of this text; none for one that this build doesn't know.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    /// The refusal that has this code; only a stale epoch names one.
    pub(crate) fn refusal(self, epoch: Option<Epoch>) -> Option<Refusal> {
        let refusal = match (self, epoch) {
            (Self::StaleEpoch, Some(current)) => Refusal::StaleEpoch { current },
            (_, Some(_)) => return None,
            (Self::WrongChat, None) => Refusal::WrongChat,
            (Self::NotAMember, None) => Refusal::NotAMember,
            (Self::NotAllowed, None) => Refusal::NotAllowed,
            (Self::NotPermitted, None) => Refusal::NotPermitted,
            (Self::NoSuchMember, None) => Refusal::NoSuchMember,
            (Self::TooManyMembers, None) => Refusal::TooManyMembers,
            (Self::LastOwner, None) => Refusal::LastOwner,
            (Self::NoSuchMessage, None) => Refusal::NoSuchMessage,
            (Self::TooLate, None) => Refusal::TooLate,
            (Self::TooManyReactions, None) => Refusal::TooManyReactions,
            (Self::TooManyActions, None) => Refusal::TooManyActions,
            (Self::TooManyPins, None) => Refusal::TooManyPins,
            (Self::BodyTooLarge, None) => Refusal::BodyTooLarge,
            (Self::BadCounter, None) => Refusal::BadCounter,
            (Self::CounterTooOld, None) => Refusal::CounterTooOld,
            (Self::SeqAhead, None) => Refusal::SeqAhead,
            (Self::Poison, None) => Refusal::Poison,
            _ => return None,
        };
        Some(refusal)
    }
}

impl From<Refusal> for Code {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongChat => Self::WrongChat,
            Refusal::NotAMember => Self::NotAMember,
            Refusal::NotAllowed => Self::NotAllowed,
            Refusal::NotPermitted => Self::NotPermitted,
            Refusal::NoSuchMember => Self::NoSuchMember,
            Refusal::TooManyMembers => Self::TooManyMembers,
            Refusal::LastOwner => Self::LastOwner,
            Refusal::NoSuchMessage => Self::NoSuchMessage,
            Refusal::TooLate => Self::TooLate,
            Refusal::TooManyReactions => Self::TooManyReactions,
            Refusal::TooManyActions => Self::TooManyActions,
            Refusal::TooManyPins => Self::TooManyPins,
            Refusal::BodyTooLarge => Self::BodyTooLarge,
            Refusal::BadCounter => Self::BadCounter,
            Refusal::CounterTooOld => Self::CounterTooOld,
            Refusal::StaleEpoch { .. } => Self::StaleEpoch,
            Refusal::SeqAhead => Self::SeqAhead,
            Refusal::Poison => Self::Poison,
        }
    }
}
