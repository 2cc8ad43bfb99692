//! The codes that clients see; `schemas/protocol/codes.json` holds the same.

use chasqui_domain::{Epoch, Refusal};
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($name:ident $code:literal $retry:literal $meaning:literal)*) => {
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

codes! {
    WrongChat "wrong_chat" false "The chat is not the one of these two users."
    NotAMember "not_a_member" false "The user is not in the chat, or there is no such chat."
    NotAllowed "not_allowed" false "The user may not write to this user."
    BodyTooLarge "body_too_large" false "The message is larger than allowed."
    BadCounter "bad_counter" false "Message ids count from 1."
    CounterTooOld "counter_too_old" false "The message id lies too far below the device's highest to tell whether it was sent before."
    StaleEpoch "stale_epoch" true "The message was sealed under a key that is no longer the chat's; the current epoch is given."
    SeqAhead "seq_ahead" false "A receipt for messages that don't exist yet."
    Poison "poison" false "The server can't handle this command and has set it aside."
    BadFrame "bad_frame" false "The frame or request can't be read."
    Unauthorized "unauthorized" false "The token is missing, expired or not valid."
    TooManyOutstanding "too_many_outstanding" true "Too many messages of this session wait for their outcome."
    Unavailable "unavailable" true "A part of the server that this needs can't be reached."
    DiskFull "disk_full" true "The server has no room to write."
    HelloTimeout "hello_timeout" true "No hello came in time; the connection is closed."
    Idle "idle" true "Nothing came for too long; the connection is closed."
    Draining "draining" true "The server is going away; connect again."
    Replaced "replaced" false "The same device has connected again; this connection is closed."
    Slow "slow" true "The client doesn't keep up; connect again."
    ServerError "server_error" true "Something in the server failed."
}

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
            Refusal::BodyTooLarge => Self::BodyTooLarge,
            Refusal::BadCounter => Self::BadCounter,
            Refusal::CounterTooOld => Self::CounterTooOld,
            Refusal::StaleEpoch { .. } => Self::StaleEpoch,
            Refusal::SeqAhead => Self::SeqAhead,
            Refusal::Poison => Self::Poison,
        }
    }
}
