//! The table of data keys, apart from all other rows: what is gone from it is gone.

use async_trait::async_trait;
use chasqui_domain::{ChatId, Epoch};

use crate::Error;

/// The size of a wrapped data key: nonce, key and tag.
pub const WRAPPED_KEY_BYTES: usize = 24 + 32 + 16;

/// A data key, wrapped by a master key.
pub type WrappedKey = [u8; WRAPPED_KEY_BYTES];

/// The data keys, one a chat and epoch. Rows are only ever created, if absent.
#[async_trait]
pub trait KeyTable: Send + Sync + 'static {
    /// The key of a chat's epoch; none when there is none.
    ///
    /// # Errors
    /// [`Error`].
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Error>;

    /// Creates a key if there is none yet, and answers what stands there then: the given one, or that of whoever was
    /// first. Durable when answered.
    ///
    /// # Errors
    /// [`Error`]; the call may be repeated.
    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, Error>;
}
