//! Seals what users write, so that the log, the store and their copies hold ciphertext only, and wraps the keys that
//! open it. Nothing here draws randomness: callers pass nonces and keys.
//!
//! # Layout
//! This is enough to write an independent decryptor. Everything is XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha-03, the construction of libsodium's `crypto_aead_xchacha20poly1305_ietf`): a key of 32
//! bytes, a nonce of 24, a tag of 16.
//!
//! A **sealed body** has 40 bytes more than what it seals:
//!
//! | bytes | what |
//! |---|---|
//! | 0 .. 24 | the nonce |
//! | 24 .. n-16 | the ciphertext, as long as the plaintext |
//! | n-16 .. n | the tag |
//!
//! Its key is the data key of the chat's epoch. Its associated data are four parts, in this order:
//!
//! 1. the 14 ASCII bytes `chasqui body 1`
//! 2. the chat id in its binary form, 24 bytes
//! 3. the sender's user id, UTF-8, 1 to 128 bytes
//! 4. the epoch, 4 bytes, big-endian
//!
//! A **wrapped data key** has 72 bytes:
//!
//! | bytes | what |
//! |---|---|
//! | 0 .. 24 | the nonce |
//! | 24 .. 56 | the ciphertext of the data key |
//! | 56 .. 72 | the tag |
//!
//! Its key is the master key. Its associated data are three parts, in this order:
//!
//! 1. the 18 ASCII bytes `chasqui data key 1`
//! 2. the chat id in its binary form, 24 bytes
//! 3. the epoch, 4 bytes, big-endian
//!
//! A **reaction** is a sealed body, and beside it stands a tag that is the same for all who react alike to a message: the first
//! 16 bytes of HMAC-SHA-256 (RFC 2104) under the data key of the message's epoch, of four parts, each as in associated data:
//!
//! 1. the 18 ASCII bytes `chasqui reaction 1`
//! 2. the chat id in its binary form, 24 bytes
//! 3. the message's seq, 8 bytes, big-endian
//! 4. the reaction, UTF-8
//!
//! In associated data every part stands behind its own length, written as 8 bytes, big-endian; nothing else stands
//! before, between or after. So no two lists of parts give the same bytes, and neither kind opens as the other.
//!
//! # Nonces
//! A nonce must be used once for each key. Random nonces of 192 bits never meet in practice; a counter isn't needed.

mod aead;
mod data;
mod master;

pub use data::{Context, DataKey, SEALED_OVERHEAD_BYTES};
pub use master::{MasterKey, MasterKeyError, WRAPPED_KEY_BYTES};

pub use aead::{KEY_BYTES, NONCE_BYTES, TAG_BYTES};

/// Why something doesn't open. Trying again doesn't help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key, the associated data or the bytes are not those of the sealing. Which of them is not told.
    #[error("refused: not sealed with this key for this place, or altered since")]
    Refused,
    /// Fewer bytes than a nonce and a tag.
    #[error("truncated: too short to hold a nonce and a tag")]
    Truncated,
}
