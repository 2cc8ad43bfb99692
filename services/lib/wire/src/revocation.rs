//! The records of `revocations`.

use bytes::Bytes;
use chasqui_domain::{DeviceId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{text, text_opt},
};

static CODEC: Lazy = Lazy::new(|| Codec::load("Revocation"));

/// Somebody was banned: open sessions are closed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Revocation {
    /// Whose sessions.
    #[serde(with = "text")]
    pub user: UserId,
    /// Those of this device alone; none when all of the user's are meant.
    #[serde(with = "text_opt")]
    pub device: Option<DeviceId>,
}

impl Revocation {
    /// Writes the record.
    ///
    /// # Errors
    /// [`Error::Encode`]; no revocation that there can be gives it.
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
