//! Data keys, and the bodies sealed with them.

use std::fmt;

use bytes::{Bytes, BytesMut};
use chasqui_domain::{ChatId, Epoch, ReactionTag, Seq, UserId};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

use crate::{
    Error,
    aead::{self, KEY_BYTES, NONCE_BYTES, TAG_BYTES},
};

/// How many bytes a sealed body has more than what it seals.
pub const SEALED_OVERHEAD_BYTES: usize = NONCE_BYTES + TAG_BYTES;

const LABEL: &[u8] = b"chasqui body 1";
const REACTION: &[u8] = b"chasqui reaction 1";

/// Where a body belongs. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The chat that the body is written in.
    pub chat: &'a ChatId,
    /// Who wrote it.
    pub sender: &'a UserId,
    /// The epoch of the chat whose key seals it.
    pub epoch: Epoch,
}

impl Context<'_> {
    fn associated(&self) -> Vec<u8> {
        aead::associated(&[LABEL, self.chat.as_bytes(), self.sender.as_str().as_bytes(), &self.epoch.0.to_be_bytes()])
    }
}

/// Seals the bodies of one epoch of a chat. Erased from memory when dropped, and not cloned: share it behind an `Arc`.
#[derive(ZeroizeOnDrop)]
pub struct DataKey([u8; KEY_BYTES]);

impl DataKey {
    /// Takes a new key: 32 bytes from a cryptographically secure source. The caller's copy is the caller's to erase.
    #[must_use]
    pub fn from_random(random: [u8; KEY_BYTES]) -> Self {
        Self(random)
    }

    /// Seals a body under a nonce that this key hasn't seen. Gives nonce, ciphertext and tag.
    ///
    /// # Panics
    /// When the plaintext is longer than the cipher allows, which is 256 GiB.
    #[must_use]
    pub fn seal(&self, plaintext: &[u8], context: &Context<'_>, nonce: [u8; NONCE_BYTES]) -> Bytes {
        let mut sealed = BytesMut::with_capacity(plaintext.len() + SEALED_OVERHEAD_BYTES);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = aead::encrypt(&self.0, &nonce, &context.associated(), &mut sealed[NONCE_BYTES..]);
        sealed.extend_from_slice(&tag);
        sealed.freeze()
    }

    /// Opens a sealed body.
    ///
    /// # Errors
    /// [`Error::Truncated`] when it can't be a sealed body; [`Error::Refused`] when it is not one of this key and
    /// context, or was altered.
    pub fn open(&self, sealed: &[u8], context: &Context<'_>) -> Result<Bytes, Error> {
        let (nonce, rest) = sealed.split_first_chunk().ok_or(Error::Truncated)?;
        let (ciphertext, tag) = rest.split_last_chunk().ok_or(Error::Truncated)?;
        let mut body = BytesMut::from(ciphertext);
        aead::decrypt(&self.0, nonce, &context.associated(), &mut body, tag)?;
        Ok(body.freeze())
    }

    /// Tells the kinds of reactions to a message apart without saying what they are: HMAC-SHA-256 (RFC 2104) under this key, cut
    /// to 16 bytes. The same kind has another tag at every other message.
    #[must_use]
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    pub fn reaction_tag(&self, chat: &ChatId, seq: Seq, reaction: &str) -> ReactionTag {
        let parts = aead::associated(&[REACTION, chat.as_bytes(), &seq.0.to_be_bytes(), reaction.as_bytes()]);
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(&parts);
        let mut tag = [0; 16];
        tag.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        ReactionTag(tag)
    }

    /// Makes a key in place from a copy of `bytes` that `fill` may alter, so that no other copy is left behind.
    pub(crate) fn filled(
        bytes: &[u8; KEY_BYTES],
        fill: impl FnOnce(&mut [u8]) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut key = Self(*bytes);
        fill(&mut key.0)?;
        Ok(key)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_BYTES] = [7; NONCE_BYTES];

    fn user(text: &str) -> UserId {
        UserId::new(text).unwrap()
    }

    fn key() -> DataKey {
        DataKey::from_random([0x42; KEY_BYTES])
    }

    #[test]
    fn a_sealed_body_opens_where_it_belongs() {
        let (alice, bob) = (user("alice"), user("bob"));
        let chat = ChatId::direct(&alice, &bob);
        let context = Context { chat: &chat, sender: &alice, epoch: Epoch::FIRST };
        for plaintext in [&b""[..], b"hi", &[9; 100_000]] {
            let sealed = key().seal(plaintext, &context, NONCE);
            assert_eq!(sealed.len(), plaintext.len() + SEALED_OVERHEAD_BYTES);
            assert_eq!(sealed[..NONCE_BYTES], NONCE);
            assert_eq!(key().open(&sealed, &context).as_deref(), Ok(plaintext));
        }
    }

    #[test]
    fn it_opens_nowhere_else() {
        let (alice, bob) = (user("alice"), user("bob"));
        let chat = ChatId::direct(&alice, &bob);
        let other_chat = ChatId::direct(&alice, &user("carol"));
        let context = Context { chat: &chat, sender: &alice, epoch: Epoch::FIRST };
        let sealed = key().seal(b"hi", &context, NONCE);
        for elsewhere in [
            Context { chat: &other_chat, ..context },
            Context { sender: &bob, ..context },
            Context { epoch: Epoch(2), ..context },
        ] {
            assert_eq!(key().open(&sealed, &elsewhere), Err(Error::Refused), "{elsewhere:?}");
        }
        let other_key = DataKey::from_random([0x43; KEY_BYTES]);
        assert_eq!(other_key.open(&sealed, &context), Err(Error::Refused));
    }

    #[test]
    fn any_flipped_bit_is_refused_and_any_missing_byte() {
        let (alice, bob) = (user("alice"), user("bob"));
        let chat = ChatId::direct(&alice, &bob);
        let context = Context { chat: &chat, sender: &alice, epoch: Epoch::FIRST };
        let sealed = key().seal(b"hi", &context, NONCE);
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.to_vec();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key().open(&altered, &context), Err(Error::Refused), "bit {bit}");
        }
        for length in 0..sealed.len() {
            let expected = if length < SEALED_OVERHEAD_BYTES { Error::Truncated } else { Error::Refused };
            assert_eq!(key().open(&sealed[..length], &context), Err(expected), "{length} bytes");
        }
        assert_eq!(key().open(&[&sealed[..], b"\0"].concat(), &context), Err(Error::Refused));
    }

    #[test]
    fn reactions_are_told_apart_by_kind_message_chat_and_key() {
        let (alice, bob) = (user("alice"), user("bob"));
        let chat = ChatId::direct(&alice, &bob);
        let tag = key().reaction_tag(&chat, Seq(1), "👍");
        assert_eq!(tag, key().reaction_tag(&chat, Seq(1), "👍"));
        let others = [
            key().reaction_tag(&chat, Seq(1), "👎"),
            key().reaction_tag(&chat, Seq(2), "👍"),
            key().reaction_tag(&ChatId::direct(&alice, &user("carol")), Seq(1), "👍"),
            DataKey::from_random([0x43; KEY_BYTES]).reaction_tag(&chat, Seq(1), "👍"),
        ];
        assert!(others.iter().all(|other| *other != tag));
    }

    #[test]
    fn a_tag_is_what_rfc_2104_says_of_the_parts() {
        // By Python: hmac.new(bytes([0x42] * 32), parts, "sha256").digest()[:16], each part behind its length of 8 bytes.
        let chat = ChatId::direct(&user("alice"), &user("bob"));
        let tag = key().reaction_tag(&chat, Seq(7), "👍").0;
        assert_eq!(tag, [143, 211, 129, 109, 127, 26, 64, 221, 150, 17, 196, 109, 2, 184, 84, 22]);
    }

    #[test]
    fn debug_shows_nothing_secret() {
        assert_eq!(format!("{:?}", key()), "DataKey(..)");
    }
}
