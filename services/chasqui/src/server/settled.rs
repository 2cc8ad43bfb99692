//! The store as those see it who tell others what they read: nothing that a crash can still take back. The roles of the
//! process write rows of what the log has not synced yet, so whoever has read them waits for the log.

use std::{collections::BTreeSet, future::Future, ops::Range, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{ChatId, DeviceId, LogId, Offset, TimeMs, UserId};
use chasqui_log::Log;
use chasqui_store::{
    Ban, BanKey, ChatLog, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow, LogPartition, Snapshot, Store,
    Summary,
};

/// A store whose reads wait for the log.
pub(super) struct Settled {
    pub(super) store: Arc<dyn Store>,
    pub(super) log: Arc<dyn Log>,
}

impl Settled {
    async fn read<T>(&self, read: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let rows = read.await?;
        match self.log.settle().await {
            Ok(()) => Ok(rows),
            Err(error) => Err(Error::Unavailable { why: error.to_string() }),
        }
    }
}

#[async_trait]
impl Store for Settled {
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, summaries: Vec<Summary>) -> Result<(), Error> {
        self.store.write_events(of, rows, summaries).await
    }

    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error> {
        self.read(self.store.load_chats(chats, log, before)).await
    }

    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        self.store.commit(of, next, snapshots).await
    }

    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        self.read(self.store.committed(of)).await
    }

    async fn has_events(&self, of: LogPartition) -> Result<bool, Error> {
        self.read(self.store.has_events(of)).await
    }

    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        self.store.skip(of, command).await
    }

    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        self.read(self.store.skipped(of)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        self.read(self.store.events(query)).await
    }

    async fn summaries(&self, chats: &[ChatId]) -> Result<Vec<Option<Summary>>, Error> {
        self.read(self.store.summaries(chats)).await
    }

    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error> {
        self.read(self.store.chats_of(user, after, rows_max)).await
    }

    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        self.store.write_inbox(rows).await
    }

    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        self.read(self.store.inbox(user, log, offsets, rows_max)).await
    }

    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        self.store.save_checkpoint(of, checkpoint).await
    }

    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        self.read(self.store.checkpoint(of)).await
    }

    async fn write_devices(&self, of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error> {
        self.store.write_devices(of, rows).await
    }

    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        self.read(self.store.devices_of(user, after, rows_max)).await
    }

    async fn ban(&self, ban: Ban) -> Result<(), Error> {
        self.store.ban(ban).await
    }

    async fn unban(&self, key: &BanKey) -> Result<(), Error> {
        self.store.unban(key).await
    }

    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
        // Durable by themselves.
        self.store.bans_of(user, device).await
    }

    async fn bans(&self, user: Option<&UserId>, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        self.store.bans(user, after, rows_max).await
    }

    async fn expire_inbox(&self, before: TimeMs) -> Result<(), Error> {
        self.store.expire_inbox(before).await
    }

    fn is_durable_at_once(&self) -> bool {
        self.store.is_durable_at_once()
    }

    async fn flush(&self) -> Result<(), Error> {
        self.store.flush().await
    }
}
