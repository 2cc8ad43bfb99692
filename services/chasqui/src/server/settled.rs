//! The store as those see it who tell others what they read: nothing that a crash can still take back. The roles of the
//! process write rows of what the log has not synced yet, so whoever has read them waits for the log.

use std::{collections::BTreeSet, future::Future, ops::Range, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{ChatId, DeviceId, LogId, Offset, Seq, TimeMs, UserId};
use chasqui_log::Log;
use chasqui_store::{
    Ban, BanKey, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow,
    LogPartition, MemberRow, MessageRow, Snapshot, Store,
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
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error> {
        self.store.write_events(of, rows, updates).await
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

    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error> {
        self.read(self.store.chats(chats, of)).await
    }

    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error> {
        self.read(self.store.members(chat, after, rows_max)).await
    }

    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        self.read(self.store.messages(chat, seqs)).await
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chasqui_domain::Partition;
    use chasqui_log::{Append, Bounds, MemoryLog, Partitions, Pending, Reader, TopicPartition};
    use chasqui_runtime::Runtime;
    use chasqui_store::memory::MemoryStore;
    use futures::FutureExt;
    use tokio::sync::watch;

    use super::*;

    /// A log whose disk is as far as the test says; none when it fails.
    struct Disk(MemoryLog, watch::Receiver<Option<bool>>);

    #[async_trait]
    impl Log for Disk {
        fn id(&self) -> LogId {
            self.0.id()
        }

        fn partitions(&self) -> Partitions {
            self.0.partitions()
        }

        async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, chasqui_log::Error> {
            self.0.enqueue(batch).await
        }

        async fn settle(&self) -> Result<(), chasqui_log::Error> {
            let mut synced = self.1.clone();
            let synced = synced.wait_for(|synced| *synced != Some(false)).await.is_ok_and(|synced| synced.is_some());
            if synced { Ok(()) } else { Err(chasqui_log::Error::Unavailable { why: "the disk failed".to_owned() }) }
        }

        async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, chasqui_log::Error> {
            self.0.reader(at, from).await
        }

        async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, chasqui_log::Error> {
            self.0.bounds(at).await
        }

        async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), chasqui_log::Error> {
            self.0.release(at, below).await
        }
    }

    #[tokio::test]
    async fn rows_are_told_when_the_log_has_what_they_rest_on() {
        let partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN };
        let log = MemoryLog::new(LogId([1; 16]), partitions, Runtime::real());
        let (disk, synced) = watch::channel(Some(false));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let settled = Settled { store: store.clone(), log: Arc::new(Disk(log, synced)) };
        let of = LogPartition { log: LogId([1; 16]), partition: Partition(0) };
        // A role writes it, and it is there for roles.
        settled.commit(of, Offset(7), Vec::new()).await.unwrap();
        assert_eq!(store.committed(of).await.unwrap(), Some(Offset(7)));
        let mut reads = settled.committed(of);
        assert!((&mut reads).now_or_never().is_none(), "a crash can still take it back");
        disk.send_replace(Some(true));
        assert_eq!(reads.await.unwrap(), Some(Offset(7)));
        disk.send_replace(None);
        assert!(matches!(settled.committed(of).await, Err(Error::Unavailable { .. })));
    }
}
