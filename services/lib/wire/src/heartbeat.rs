//! The records of `heartbeats`.

use bytes::Bytes;
use chasqui_domain::{GatewayId, Incarnation};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{long, text},
};

static CODEC: Lazy = Lazy::new(|| Codec::load("Heartbeat"));

/// A gateway lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Which.
    #[serde(with = "text")]
    pub gateway: GatewayId,
    /// Its life.
    #[serde(with = "long")]
    pub incarnation: Incarnation,
}

impl Heartbeat {
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
