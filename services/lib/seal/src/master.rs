//! The master key, and data keys wrapped by it.

use std::fmt;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chasqui_domain::{ChatId, Epoch};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    DataKey, Error,
    aead::{self, KEY_BYTES, NONCE_BYTES, TAG_BYTES},
};

/// The length of a wrapped data key: nonce, ciphertext and tag.
pub const WRAPPED_KEY_BYTES: usize = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

const LABEL: &[u8] = b"chasqui data key 1";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a text is not a master key. Says nothing of what the text holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// Not base64.
    #[error("a master key is base64 text, and this is not; `openssl rand -base64 32` makes one")]
    NotBase64,
    /// Base64, but not of 32 bytes.
    #[error("a master key has {KEY_BYTES} bytes, this one has {bytes}; `openssl rand -base64 32` makes one")]
    Length {
        /// How many bytes it has.
        bytes: usize,
    },
}

/// Wraps data keys. Erased from memory when dropped, and not cloned: share it behind an `Arc`.
#[derive(ZeroizeOnDrop)]
pub struct MasterKey([u8; KEY_BYTES]);

impl MasterKey {
    /// Reads a key of 32 bytes from base64 with the standard alphabet, padded or not. Space around it is ignored.
    ///
    /// # Errors
    /// When the text is not that.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| MasterKeyError::NotBase64)?);
        match bytes.as_array() {
            Some(key) => Ok(Self(*key)),
            None => Err(MasterKeyError::Length { bytes: bytes.len() }),
        }
    }

    /// Wraps the data key of a chat's epoch under a nonce that this key hasn't seen. Gives nonce, ciphertext and tag.
    #[must_use]
    pub fn wrap(
        &self,
        key: &DataKey,
        chat: &ChatId,
        epoch: Epoch,
        nonce: [u8; NONCE_BYTES],
    ) -> [u8; WRAPPED_KEY_BYTES] {
        let mut wrapped = [0; WRAPPED_KEY_BYTES];
        let (nonce_part, rest) = wrapped.split_at_mut(NONCE_BYTES);
        let (key_part, tag_part) = rest.split_at_mut(KEY_BYTES);
        nonce_part.copy_from_slice(&nonce);
        key_part.copy_from_slice(key.as_bytes());
        let tag = aead::encrypt(&self.0, &nonce, &associated(chat, epoch), key_part);
        tag_part.copy_from_slice(&tag);
        wrapped
    }

    /// Unwraps the data key of a chat's epoch.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was not wrapped by this key for this chat and epoch, or was altered.
    pub fn unwrap(&self, wrapped: &[u8; WRAPPED_KEY_BYTES], chat: &ChatId, epoch: Epoch) -> Result<DataKey, Error> {
        let (nonce, rest) = wrapped.split_first_chunk().ok_or(Error::Truncated)?;
        let (ciphertext, rest) = rest.split_first_chunk().ok_or(Error::Truncated)?;
        let tag = rest.as_array().ok_or(Error::Truncated)?;
        DataKey::filled(ciphertext, |key| aead::decrypt(&self.0, nonce, &associated(chat, epoch), key, tag))
    }
}

fn associated(chat: &ChatId, epoch: Epoch) -> Vec<u8> {
    aead::associated(&[LABEL, chat.as_bytes(), &epoch.0.to_be_bytes()])
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD as PADDED;
    use chasqui_domain::UserId;

    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [5; NONCE_BYTES];

    fn chat(one: &str, other: &str) -> ChatId {
        ChatId::direct(&UserId::new(one).unwrap(), &UserId::new(other).unwrap())
    }

    fn master(byte: u8) -> MasterKey {
        MasterKey::from_base64(&PADDED.encode([byte; KEY_BYTES])).unwrap()
    }

    #[test]
    fn a_wrapped_key_unwraps_where_it_belongs_and_nowhere_else() {
        let key = DataKey::from_random([0x42; KEY_BYTES]);
        let (here, there) = (chat("alice", "bob"), chat("alice", "carol"));
        let wrapped = master(1).wrap(&key, &here, Epoch(3), NONCE);
        assert_eq!(wrapped[..NONCE_BYTES], NONCE);
        let unwrapped = master(1).unwrap(&wrapped, &here, Epoch(3)).unwrap();
        assert_eq!(unwrapped.as_bytes(), key.as_bytes());
        assert_eq!(master(2).unwrap(&wrapped, &here, Epoch(3)).err(), Some(Error::Refused));
        assert_eq!(master(1).unwrap(&wrapped, &there, Epoch(3)).err(), Some(Error::Refused));
        assert_eq!(master(1).unwrap(&wrapped, &here, Epoch(4)).err(), Some(Error::Refused));
        for bit in 0..WRAPPED_KEY_BYTES * 8 {
            let mut altered = wrapped;
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(master(1).unwrap(&altered, &here, Epoch(3)).err(), Some(Error::Refused), "bit {bit}");
        }
    }

    #[test]
    fn text_is_read_with_and_without_padding() {
        let padded = PADDED.encode([0xfb; KEY_BYTES]);
        for text in [&padded, padded.trim_end_matches('='), &format!(" {padded}\n")] {
            assert_eq!(MasterKey::from_base64(text).unwrap().0, [0xfb; KEY_BYTES]);
        }
    }

    #[test]
    fn a_wrong_text_is_refused_and_not_repeated() {
        let error = MasterKey::from_base64("top secret!").unwrap_err();
        assert_eq!(error, MasterKeyError::NotBase64);
        assert!(!error.to_string().contains("secret"));
        for bytes in [0, 16, 31, 33] {
            let text = PADDED.encode(vec![1; bytes]);
            assert_eq!(MasterKey::from_base64(&text).err(), Some(MasterKeyError::Length { bytes }));
        }
    }

    #[test]
    fn debug_shows_nothing_secret() {
        assert_eq!(format!("{:?}", master(0xab)), "MasterKey(..)");
    }
}
