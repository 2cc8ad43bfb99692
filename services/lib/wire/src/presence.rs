//! The records of `presence`: which sessions of a user live on which gateway. Keyed by user, gateway, incarnation and
//! session; written by gateways alone.

use bytes::Bytes;
use chasqui_domain::{DeviceId, GatewayId, Incarnation, SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{long, text},
};

static CODEC: Lazy = Lazy::new(|| Codec::load("Presence"));

/// What a gateway says about a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Presence {
    /// Whose session.
    #[serde(with = "text")]
    pub user: UserId,
    /// The gateway that holds it.
    #[serde(with = "text")]
    pub gateway: GatewayId,
    /// In which of its lives.
    #[serde(with = "long")]
    pub incarnation: Incarnation,
    /// Which session.
    #[serde(with = "long")]
    pub session: SessionId,
    /// The device that is connected.
    #[serde(with = "text")]
    pub device: DeviceId,
    /// Which of the session's attaches this belongs to; the answer names it.
    pub attempt: u32,
    /// What is said.
    pub kind: PresenceKind,
}

/// What is said about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceKind {
    /// It is here and wants an answer.
    Attach,
    /// It is still here.
    Refresh,
    /// It is gone.
    Detach,
}

impl Presence {
    /// Writes the record.
    ///
    /// # Errors
    /// [`Error::Encode`] when a number is above 2^63 - 1.
    pub fn encode(&self) -> Result<Bytes, Error> {
        codec::encode(&CODEC, self)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When the bytes are no such record.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode(&CODEC, bytes)
    }
}
