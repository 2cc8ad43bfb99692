//! Opens what is sealed, from the description of its layout alone: no code of the sealing crate is used here.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use chasqui_domain::ChatId;

/// The master key of `--dev`.
pub(crate) const DEV_MASTER_KEY: &Key = b"chasqui-dev-key-known-to-every1!";

pub(crate) const NONCE_BYTES: usize = 24;

pub(crate) type Key = [u8; 32];

/// Opens a wrapped data key; none when it doesn't open.
pub(crate) fn unwrap(master: &Key, wrapped: &[u8], chat: ChatId, epoch: u32) -> Option<Key> {
    open_with(master, wrapped, &[b"chasqui data key 1", chat.as_bytes(), &epoch.to_be_bytes()])?.try_into().ok()
}

/// Opens a sealed body; none when it doesn't open.
pub(crate) fn open(key: &Key, sealed: &[u8], chat: ChatId, sender: &str, epoch: u32) -> Option<Vec<u8>> {
    open_with(key, sealed, &[b"chasqui body 1", chat.as_bytes(), sender.as_bytes(), &epoch.to_be_bytes()])
}

fn open_with(key: &Key, sealed: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let mut associated = Vec::new();
    for part in parts {
        associated.extend((part.len() as u64).to_be_bytes());
        associated.extend(*part);
    }
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(<&XNonce>::from(nonce), Payload { msg: rest, aad: &associated }).ok()
}
