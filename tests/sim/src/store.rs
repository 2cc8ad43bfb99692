//! The store as one process sees it: far away, over a connection that may fail.
//!
//! A write goes on when whoever asked for it has given up or was killed, and may happen much later: while a successor is
//! at work. So writes come from the world, which is never killed.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{ChatId, DeviceId, Epoch, LogId, Offset, Seq, TimeMs, UserId};
use chasqui_store::{
    Ban, BanKey, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow, KeyTable,
    LogPartition, MemberRow, MessageRow, Snapshot, Store, WrappedKey, memory::MemoryStore,
};
use futures::{channel::oneshot, future::BoxFuture};

use crate::{
    process::Process,
    scheduler::WORLD,
    trace::Trace,
    weather::{Fate, Kind, Weather},
};

/// The store as a process sees it.
pub(crate) struct RemoteStore {
    inner: Arc<MemoryStore>,
    process: Process,
    weather: Weather,
    trace: Trace,
}

type Write<T> = Box<dyn FnOnce(Arc<MemoryStore>, bool) -> BoxFuture<'static, Result<T, Error>> + Send>;

fn away() -> Error {
    Error::Unavailable { why: "simulated".to_owned() }
}

impl RemoteStore {
    /// A connection of `process`.
    #[must_use]
    pub(crate) fn new(inner: Arc<MemoryStore>, process: Process, weather: Weather, trace: Trace) -> Arc<Self> {
        Arc::new(Self { inner, process, weather, trace })
    }

    async fn read<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let call = self.weather.call(&self.process, Kind::Store);
        self.process.scheduler().sleep(call.before).await;
        if call.fate != Fate::Done {
            return Err(away());
        }
        let answer = answer.await;
        self.process.scheduler().sleep(call.after).await;
        answer
    }

    /// `write` gets whether only a part of it is to be done. `told` says in the trace what it was.
    async fn write<T: Send + 'static>(&self, told: impl FnOnce() -> String, write: Write<T>) -> Result<T, Error> {
        let call = self.weather.call(&self.process, Kind::Store);
        let told = self.trace.is_on().then(told);
        let (answer, answered) = oneshot::channel();
        let (inner, process, trace) = (self.inner.clone(), self.process.clone(), self.trace.clone());
        let under_way = self.weather.under_way();
        let happens = async move {
            let _under_way = under_way;
            let scheduler = process.scheduler();
            scheduler.sleep(call.before).await;
            let mut answer = Some(answer);
            let mut reply = |result| drop(answer.take().map(|answer| answer.send(result)));
            match call.fate {
                Fate::NotDone => return reply(Err(away())),
                Fate::Late(by) => {
                    reply(Err(away()));
                    scheduler.sleep(by).await;
                }
                Fate::Done | Fate::DoneUnanswered | Fate::Partly => {}
            }
            let result = write(inner, call.fate == Fate::Partly).await;
            if let Some(told) = told {
                let late = if process.is_alive() { "" } else { " late" };
                let part = if call.fate == Fate::Partly { ", in part" } else { "" };
                trace.note(|| format!("{}{late} ⇒ {told}{part}", process.name()));
            }
            scheduler.sleep(call.after).await;
            reply(if call.fate == Fate::Done { result } else { Err(away()) });
        };
        self.process.scheduler().spawn(WORLD, happens);
        self.process.writes();
        answered.await.unwrap_or_else(|_| Err(away()))
    }

    /// How much of a batch is done when not all is.
    fn part<T>(&self, batch: &[T]) -> usize {
        self.process.roll(|dice| dice.below(batch.len() + 1))
    }
}

#[async_trait]
impl Store for RemoteStore {
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error> {
        let part = self.part(&rows);
        let versions = rows.iter().map(|row| row.version.0).collect::<Vec<_>>();
        let write: Write<()> = Box::new(move |store, partly| {
            Box::pin(async move {
                let (mut rows, mut updates) = (rows, updates);
                if partly {
                    rows.truncate(part);
                    updates.clear();
                }
                store.write_events(of, rows, updates).await
            })
        });
        self.write(|| format!("events {versions:?} of {}", of.partition), write).await
    }

    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error> {
        self.read(self.inner.load_chats(chats, log, before)).await
    }

    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        let count = snapshots.len();
        let write: Write<()> = Box::new(move |store, partly| {
            let snapshots = if partly { Vec::new() } else { snapshots };
            Box::pin(async move { store.commit(of, next, snapshots).await })
        });
        self.write(|| format!("commit {next} of {} with {count} snapshots", of.partition), write).await
    }

    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        self.read(self.inner.committed(of)).await
    }

    async fn has_events(&self, of: LogPartition) -> Result<bool, Error> {
        self.read(self.inner.has_events(of)).await
    }

    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        let write: Write<()> = Box::new(move |store, _| Box::pin(async move { store.skip(of, command).await }));
        self.write(|| format!("skip {command} of {}", of.partition), write).await
    }

    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        self.read(self.inner.skipped(of)).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        self.read(self.inner.events(query)).await
    }

    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error> {
        self.read(self.inner.chats(chats, of)).await
    }

    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error> {
        self.read(self.inner.members(chat, after, rows_max)).await
    }

    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        self.read(self.inner.messages(chat, seqs)).await
    }

    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error> {
        self.read(self.inner.chats_of(user, after, rows_max)).await
    }

    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        let part = self.part(&rows);
        let places = rows.iter().map(|row| (row.user.to_string(), row.position.offset.0)).collect::<Vec<_>>();
        let write: Write<()> = Box::new(move |store, partly| {
            Box::pin(async move {
                let mut rows = rows;
                if partly {
                    rows.truncate(part);
                }
                store.write_inbox(rows).await
            })
        });
        self.write(|| format!("inbox rows {places:?}"), write).await
    }

    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        self.read(self.inner.inbox(user, log, offsets, rows_max)).await
    }

    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        let told = format!("checkpoint of {} at {}, presence {}", of.partition, checkpoint.inbox, checkpoint.presence);
        let write: Write<()> =
            Box::new(move |store, _| Box::pin(async move { store.save_checkpoint(of, checkpoint).await }));
        self.write(|| told, write).await
    }

    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        self.read(self.inner.checkpoint(of)).await
    }

    async fn write_devices(&self, of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error> {
        let count = rows.len();
        let write: Write<()> = Box::new(move |store, _| Box::pin(async move { store.write_devices(of, rows).await }));
        self.write(|| format!("{count} devices"), write).await
    }

    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        self.read(self.inner.devices_of(user, after, rows_max)).await
    }

    async fn ban(&self, ban: Ban) -> Result<(), Error> {
        let write: Write<()> = Box::new(move |store, _| Box::pin(async move { store.ban(ban).await }));
        self.write(|| "a ban".to_owned(), write).await
    }

    async fn unban(&self, key: &BanKey) -> Result<(), Error> {
        let key = key.clone();
        let write: Write<()> = Box::new(move |store, _| Box::pin(async move { store.unban(&key).await }));
        self.write(|| "no ban".to_owned(), write).await
    }

    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
        self.read(self.inner.bans_of(user, device)).await
    }

    async fn bans(&self, user: Option<&UserId>, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        self.read(self.inner.bans(user, after, rows_max)).await
    }

    async fn expire_inbox(&self, before: TimeMs) -> Result<(), Error> {
        let write: Write<()> = Box::new(move |store, _| Box::pin(async move { store.expire_inbox(before).await }));
        self.write(|| "expiry".to_owned(), write).await
    }

    fn is_durable_at_once(&self) -> bool {
        self.inner.is_durable_at_once()
    }

    async fn flush(&self) -> Result<(), Error> {
        self.read(self.inner.flush()).await
    }
}

#[async_trait]
impl KeyTable for RemoteStore {
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Error> {
        self.read(self.inner.key(chat, epoch)).await
    }

    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, Error> {
        let write: Write<WrappedKey> =
            Box::new(move |store, _| Box::pin(async move { store.create_key(chat, epoch, wrapped).await }));
        self.write(|| "a data key".to_owned(), write).await
    }
}
