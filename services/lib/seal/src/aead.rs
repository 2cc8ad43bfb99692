//! The cipher, on buffers of the callers, and the encoding of associated data.

use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305, XNonce};

use crate::Error;

/// The length of a data key and of a master key.
pub const KEY_BYTES: usize = 32;
/// The length of a nonce.
pub const NONCE_BYTES: usize = 24;
/// The length of the tag that proves the rest.
pub const TAG_BYTES: usize = 16;

/// Each part behind its length, so that no two lists give the same bytes.
pub(crate) fn associated(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| size_of::<u64>() + part.len()).sum();
    let mut bytes = Vec::with_capacity(length);
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Turns the plaintext in `buffer` into ciphertext, and gives the tag.
#[expect(clippy::expect_used, reason = "the cipher refuses nothing but a plaintext beyond 256 GiB")]
pub(crate) fn encrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    buffer: &mut [u8],
) -> [u8; TAG_BYTES] {
    cipher(key)
        .encrypt_inout_detached(<&XNonce>::from(nonce), associated, buffer.into())
        .expect("a plaintext below the cipher's limit")
        .into()
}

/// Turns the ciphertext in `buffer` into plaintext; leaves it as it is when refused.
pub(crate) fn decrypt(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    buffer: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Result<(), Error> {
    cipher(key)
        .decrypt_inout_detached(<&XNonce>::from(nonce), associated, buffer.into(), <&Tag>::from(tag))
        .map_err(|_| Error::Refused)
}

fn cipher(key: &[u8; KEY_BYTES]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_give_the_same_bytes() {
        assert_eq!(associated(&[b"ab"]), b"\0\0\0\0\0\0\0\x02ab");
        assert_ne!(associated(&[b"ab", b"c"]), associated(&[b"a", b"bc"]));
        assert_ne!(associated(&[b"ab"]), associated(&[b"ab", b""]));
    }
}
