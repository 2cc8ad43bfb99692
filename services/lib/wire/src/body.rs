//! What a message says: the plaintext inside of a sealed body.

use bytes::Bytes;
use chasqui_domain::{Seq, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    Error,
    codec::{self, Codec, Lazy},
    fields::{long_opt, texts},
};

static CODEC: Lazy = Lazy::new(|| Codec::load("Body"));

/// What a message says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Its text, when the content type is one of text.
    pub text: Option<String>,
    /// Its bytes, when the content type is another one.
    pub data: Option<Bytes>,
    /// The message that it replies to.
    #[serde(with = "long_opt")]
    pub reply_to: Option<Seq>,
    /// The users that it mentions.
    #[serde(with = "texts")]
    pub mentions: Vec<UserId>,
    /// What the app put beside it, as JSON text.
    pub meta: Option<String>,
}

impl Body {
    /// Writes the body.
    ///
    /// # Errors
    /// [`Error::Encode`] when the seq is above 2^63 - 1.
    pub fn encode(&self) -> Result<Bytes, Error> {
        codec::encode(&CODEC, self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// When the bytes are no body.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode(&CODEC, bytes)
    }
}
