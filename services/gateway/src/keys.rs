//! The data keys in use: read or created, unwrapped, and kept for a short while.

use std::{sync::Arc, time::Duration};

use chasqui_domain::{ChatId, Epoch};
use chasqui_runtime::Runtime;
use chasqui_seal::{DataKey, MasterKey};
use chasqui_store::KeyTable;
use moka::future::Cache;

use crate::{limits, quota::TooMuch};

/// Why there is no key.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// The chat has no key for the epoch.
    #[error("the chat has no data key for this epoch")]
    Absent,
    /// The table can't be read or written.
    #[error(transparent)]
    Store(#[from] chasqui_store::Error),
    /// The chat has none, and the user may not open another now.
    #[error("the user opens chats too fast")]
    TooManyChats(#[source] TooMuch),
    /// It was not wrapped by this master key.
    #[error("a data key can't be unwrapped: is this the master key that it was wrapped with?")]
    Seal(#[from] chasqui_seal::Error),
}

#[derive(Clone)]
struct Kept {
    key: Arc<DataKey>,
    /// On the runtime's clock, from the start of the read. The cache's own clock only tidies up.
    until: Duration,
}

/// The data keys in use.
pub(crate) struct Keys {
    table: Arc<dyn KeyTable>,
    master: Arc<MasterKey>,
    runtime: Runtime,
    kept: Cache<(ChatId, Epoch), Kept>,
}

impl Keys {
    pub(crate) fn new(table: Arc<dyn KeyTable>, master: Arc<MasterKey>, runtime: Runtime) -> Self {
        let kept = Cache::builder().max_capacity(limits::KEYS_MAX).time_to_live(limits::KEY_LIFE).build();
        Self { table, master, runtime, kept }
    }

    /// The key of a chat's epoch; reads of the same key at the same time are one.
    async fn existing(&self, chat: ChatId, epoch: Epoch) -> Result<Arc<DataKey>, Arc<Error>> {
        let at = (chat, epoch);
        if let Some(kept) = self.kept.get(&at).await {
            if kept.until > self.runtime.monotonic() {
                return Ok(kept.key);
            }
            self.kept.invalidate(&at).await;
        }
        Ok(self.kept.try_get_with(at, self.read(chat, epoch)).await?.key)
    }

    /// The key that a body is sealed under. A read that others wait for may have begun before the key was made, so that it is
    /// not there is believed when it is said twice: the second read begins behind the first.
    pub(crate) async fn for_opening(&self, chat: ChatId, epoch: Epoch) -> Result<Arc<DataKey>, Arc<Error>> {
        match self.existing(chat, epoch).await {
            Err(error) if matches!(*error, Error::Absent) => self.existing(chat, epoch).await,
            other => other,
        }
    }

    /// The key of a chat's epoch, created if there is none and `may_create` allows it.
    pub(crate) async fn for_sealing(
        &self,
        chat: ChatId,
        epoch: Epoch,
        may_create: impl FnOnce() -> Result<(), TooMuch>,
    ) -> Result<Arc<DataKey>, Arc<Error>> {
        match self.existing(chat, epoch).await {
            Err(error) if matches!(*error, Error::Absent) => {
                may_create().map_err(Error::TooManyChats)?;
                let kept = self.create(chat, epoch).await.map_err(Arc::new)?;
                self.kept.insert((chat, epoch), kept.clone()).await;
                Ok(kept.key)
            }
            other => other,
        }
    }

    async fn read(&self, chat: ChatId, epoch: Epoch) -> Result<Kept, Error> {
        let until = self.runtime.monotonic() + limits::KEY_LIFE;
        let wrapped = self.table.key(chat, epoch).await?.ok_or(Error::Absent)?;
        Ok(Kept { key: Arc::new(self.master.unwrap(&wrapped, &chat, epoch)?), until })
    }

    async fn create(&self, chat: ChatId, epoch: Epoch) -> Result<Kept, Error> {
        let until = self.runtime.monotonic() + limits::KEY_LIFE;
        let own = self.master.wrap(&DataKey::from_random(self.runtime.random()), &chat, epoch, self.runtime.random());
        // Another gateway may have been first: what stands in the table is the key.
        let wrapped = self.table.create_key(chat, epoch, own).await?;
        Ok(Kept { key: Arc::new(self.master.unwrap(&wrapped, &chat, epoch)?), until })
    }
}

#[cfg(test)]
mod tests;
