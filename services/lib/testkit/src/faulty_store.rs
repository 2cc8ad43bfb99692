//! A store that fails at its Nth call, and remembers what was committed.

use std::{collections::BTreeSet, future::Future, ops::Range, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{ChatId, DeviceId, LogId, Offset, Seq, TimeMs, UserId};
use chasqui_store::memory::MemoryStore;
use chasqui_store::{
    Ban, BanKey, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow,
    LogPartition, MemberRow, MessageRow, Snapshot, Store,
};
use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::faults::{Faults, Injected};

/// What becomes of the question who is banned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BanReads {
    /// It is answered.
    #[default]
    Answered,
    /// The row is read, and the answer held back.
    Held,
    /// It fails.
    Failed,
}

/// A store that fails when [`Faults`] says so.
pub struct FaultyStore {
    /// The store.
    pub inner: Arc<MemoryStore>,
    /// When it fails.
    pub faults: Arc<Faults>,
    /// Every commit that happened.
    pub commits: Mutex<Vec<(Offset, Vec<Snapshot>)>>,
    /// What becomes of the question who is banned. Those whose answers are held back are its receivers.
    pub ban_reads: watch::Sender<BanReads>,
}

impl FaultyStore {
    /// In front of a store, with an empty memory.
    #[must_use]
    pub fn new(inner: Arc<MemoryStore>, faults: Arc<Faults>) -> Arc<Self> {
        Arc::new(Self { inner, faults, commits: Mutex::default(), ban_reads: watch::Sender::default() })
    }

    async fn call<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.faults.call(call.map(|result| result.map_err(StoreError))).await.map_err(|StoreError(error)| error)
    }
}

struct StoreError(Error);

impl From<Injected> for StoreError {
    fn from(_: Injected) -> Self {
        Self(Error::Unavailable { why: "injected".to_owned() })
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error> {
        self.call(self.inner.write_events(of, rows, updates)).await
    }

    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error> {
        self.call(self.inner.load_chats(chats, log, before)).await
    }

    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        let commit = async {
            self.commits.lock().push((next, snapshots.clone()));
            self.inner.commit(of, next, snapshots).await
        };
        self.call(commit).await
    }

    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        self.call(self.inner.committed(of)).await
    }

    async fn has_events(&self, of: LogPartition) -> Result<bool, Error> {
        self.call(self.inner.has_events(of)).await
    }

    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        self.call(self.inner.skip(of, command)).await
    }

    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        self.call(self.inner.skipped(of)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        self.call(self.inner.events(query)).await
    }

    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error> {
        self.call(self.inner.chats(chats, of)).await
    }

    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error> {
        self.call(self.inner.members(chat, after, rows_max)).await
    }

    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        self.call(self.inner.messages(chat, seqs)).await
    }

    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error> {
        self.call(self.inner.chats_of(user, after, rows_max)).await
    }

    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        self.call(self.inner.write_inbox(rows)).await
    }

    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        self.call(self.inner.inbox(user, log, offsets, rows_max)).await
    }

    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        self.call(self.inner.save_checkpoint(of, checkpoint)).await
    }

    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        self.call(self.inner.checkpoint(of)).await
    }

    async fn write_devices(&self, of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error> {
        self.call(self.inner.write_devices(of, rows)).await
    }

    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        self.call(self.inner.devices_of(user, after, rows_max)).await
    }

    async fn ban(&self, ban: Ban) -> Result<(), Error> {
        self.call(self.inner.ban(ban)).await
    }

    async fn unban(&self, key: &BanKey) -> Result<(), Error> {
        self.call(self.inner.unban(key)).await
    }

    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
        if *self.ban_reads.borrow() == BanReads::Failed {
            return Err(Error::Unavailable { why: "injected".to_owned() });
        }
        let bans = self.call(self.inner.bans_of(user, device)).await;
        // The sender is here, so it doesn't go away meanwhile.
        let _ = self.ban_reads.subscribe().wait_for(|reads| *reads != BanReads::Held).await;
        bans
    }

    async fn bans(&self, user: Option<&UserId>, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        self.call(self.inner.bans(user, after, rows_max)).await
    }

    async fn expire_inbox(&self, before: TimeMs) -> Result<(), Error> {
        self.call(self.inner.expire_inbox(before)).await
    }

    fn is_durable_at_once(&self) -> bool {
        false
    }

    async fn flush(&self) -> Result<(), Error> {
        self.call(self.inner.flush()).await
    }
}
