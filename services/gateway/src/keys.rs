//! The data keys in use: read or created, unwrapped, and kept for a short while.

use std::{sync::Arc, time::Duration};

use chasqui_domain::{ChatId, Epoch};
use chasqui_runtime::Runtime;
use chasqui_seal::{DataKey, MasterKey};
use chasqui_store::KeyTable;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared, ready},
};
use moka::{ops::compute::Op, sync::Cache};

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

/// A read that is under way, which whoever waits for it drives, or what it gave.
type Read = Shared<BoxFuture<'static, Result<Kept, Arc<Error>>>>;

/// The data keys in use.
pub(crate) struct Keys {
    table: Arc<dyn KeyTable>,
    master: Arc<MasterKey>,
    runtime: Runtime,
    /// Nothing in it waits or is woken by a clock of its own: the simulation runs on ours.
    reads: Cache<(ChatId, Epoch), Read>,
}

impl Keys {
    pub(crate) fn new(table: Arc<dyn KeyTable>, master: Arc<MasterKey>, runtime: Runtime) -> Self {
        let reads = Cache::builder().max_capacity(limits::KEYS_MAX).time_to_live(limits::KEY_LIFE).build();
        Self { table, master, runtime, reads }
    }

    /// The key of a chat's epoch; reads of the same key at the same time are one.
    async fn existing(&self, chat: ChatId, epoch: Epoch) -> Result<Arc<DataKey>, Arc<Error>> {
        let read = self.read(chat, epoch);
        let is_of_before = read.peek().is_some();
        match read.clone().await {
            Ok(kept) if kept.until > self.runtime.monotonic() => return Ok(kept.key),
            Err(error) if !is_of_before => {
                self.forget(chat, epoch, &read);
                return Err(error);
            }
            // Too old; or it failed when nobody waited any more, which says nothing now.
            _ => self.forget(chat, epoch, &read),
        }
        let read = self.read(chat, epoch);
        read.clone().await.map(|kept| kept.key).inspect_err(|_| self.forget(chat, epoch, &read))
    }

    /// The read of a key that there is, or one that begins when it is first waited for.
    fn read(&self, chat: ChatId, epoch: Epoch) -> Read {
        let (table, master, runtime) = (&self.table, &self.master, &self.runtime);
        self.reads.get_with((chat, epoch), || {
            let (table, master, runtime) = (table.clone(), master.clone(), runtime.clone());
            async move {
                let until = runtime.monotonic() + limits::KEY_LIFE;
                let wrapped = table.key(chat, epoch).await.map_err(Error::from)?.ok_or(Error::Absent)?;
                Ok(Kept { key: Arc::new(master.unwrap(&wrapped, &chat, epoch).map_err(Error::from)?), until })
            }
            .boxed()
            .shared()
        })
    }

    /// The next read begins anew, unless it has done so.
    fn forget(&self, chat: ChatId, epoch: Epoch, read: &Read) {
        self.reads.entry((chat, epoch)).and_compute_with(|stands| match stands {
            Some(stands) if stands.value().ptr_eq(read) => Op::Remove,
            _ => Op::Nop,
        });
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
                self.reads.insert((chat, epoch), ready(Ok(kept.clone())).boxed().shared());
                Ok(kept.key)
            }
            other => other,
        }
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
