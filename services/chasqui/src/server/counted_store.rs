//! The store with what is written to it counted: rows, by the tables of `schemas/cql`, on whatever store.
//!
//! A row counts when it was given to the store and that has answered, also where what stands is newer and stays. What is shown
//! of a chat goes with the row of one of its members, and counts only where no such row is written. Rows of one partition can
//! go by one statement, so on CQL statements are fewer; that store counts them itself. Left out is what a store writes for
//! itself, such as its lists of buckets, and what expires.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{ChatId, DeviceId, Epoch, LogId, Offset, Seq, TimeMs, UserId};
use chasqui_store::{
    Ban, BanKey, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow, KeyTable,
    LogPartition, MemberRow, MemberState, MessageRow, Snapshot, Store, WrappedKey,
};
use chasqui_telemetry::metrics::{Counter, StoreMetrics};

/// The rows of each table.
struct Rows {
    events: Counter,
    members: Counter,
    chats_of: Counter,
    messages: Counter,
    snapshots: Counter,
    offsets: Counter,
    skipped: Counter,
    inbox: Counter,
    checkpoints: Counter,
    devices: Counter,
    bans: Counter,
    data_keys: Counter,
}

impl Rows {
    fn of(metrics: &StoreMetrics) -> Self {
        Self {
            events: metrics.rows("events"),
            members: metrics.rows("members"),
            chats_of: metrics.rows("chats_of"),
            messages: metrics.rows("messages"),
            snapshots: metrics.rows("snapshots"),
            offsets: metrics.rows("offsets"),
            skipped: metrics.rows("skipped"),
            inbox: metrics.rows("inbox"),
            checkpoints: metrics.rows("checkpoints"),
            devices: metrics.rows("devices"),
            bans: metrics.rows("bans"),
            data_keys: metrics.rows("data_keys"),
        }
    }
}

/// The rows of what is shown of a chat.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    members: u64,
    chats_of: u64,
    messages: u64,
    /// Rows of events that are written again, without their bodies.
    erased: u64,
}

impl Shown {
    fn of(updates: &[ChatUpdate]) -> Self {
        let mut all = Self::default();
        updates.iter().for_each(|update| all.add(update));
        all
    }

    fn add(&mut self, ChatUpdate { chat: _, version: _, summary, members, messages }: &ChatUpdate) {
        let is_put = |state: &MemberState| !matches!(state, MemberState::Gone);
        let is_listed = |state: &MemberState| !matches!(state, MemberState::Stays(_));
        let is_alone = summary.is_some() && !members.iter().any(|member| is_put(&member.state));
        self.members += count(members) + u64::from(is_alone);
        self.messages += count(messages);
        self.erased += messages.iter().map(|message| count(&message.erased)).sum::<u64>();
        self.chats_of += members.iter().filter(|member| is_listed(&member.state)).count() as u64;
    }
}

fn count<T>(rows: &[T]) -> u64 {
    rows.len() as u64
}

/// A store, or a table of keys, whose writes are counted.
pub(super) struct Counted<S: ?Sized> {
    store: Arc<S>,
    rows: Rows,
}

impl<S: ?Sized> Counted<S> {
    pub(super) fn new(store: Arc<S>, metrics: &StoreMetrics) -> Self {
        Self { store, rows: Rows::of(metrics) }
    }
}

#[async_trait]
impl Store for Counted<dyn Store> {
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error> {
        let (events, shown) = (count(&rows), Shown::of(&updates));
        self.store.write_events(of, rows, updates).await?;
        self.rows.events.inc_by(events + shown.erased);
        self.rows.members.inc_by(shown.members);
        self.rows.chats_of.inc_by(shown.chats_of);
        self.rows.messages.inc_by(shown.messages);
        Ok(())
    }

    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error> {
        self.store.load_chats(chats, log, before).await
    }

    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        let made = count(&snapshots);
        self.store.commit(of, next, snapshots).await?;
        self.rows.offsets.inc();
        self.rows.snapshots.inc_by(made);
        Ok(())
    }

    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        self.store.committed(of).await
    }

    async fn has_events(&self, of: LogPartition) -> Result<bool, Error> {
        self.store.has_events(of).await
    }

    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        self.store.skip(of, command).await?;
        self.rows.skipped.inc();
        Ok(())
    }

    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        self.store.skipped(of).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        self.store.events(query).await
    }

    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error> {
        self.store.chats(chats, of).await
    }

    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error> {
        self.store.members(chat, after, rows_max).await
    }

    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        self.store.messages(chat, seqs).await
    }

    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error> {
        self.store.chats_of(user, after, rows_max).await
    }

    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        let entries = count(&rows);
        self.store.write_inbox(rows).await?;
        self.rows.inbox.inc_by(entries);
        Ok(())
    }

    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        self.store.inbox(user, log, offsets, rows_max).await
    }

    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        self.store.save_checkpoint(of, checkpoint).await?;
        self.rows.checkpoints.inc();
        Ok(())
    }

    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        self.store.checkpoint(of).await
    }

    async fn write_devices(&self, of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error> {
        let devices = count(&rows);
        self.store.write_devices(of, rows).await?;
        self.rows.devices.inc_by(devices);
        Ok(())
    }

    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        self.store.devices_of(user, after, rows_max).await
    }

    async fn ban(&self, ban: Ban) -> Result<(), Error> {
        self.store.ban(ban).await?;
        self.rows.bans.inc();
        Ok(())
    }

    async fn unban(&self, key: &BanKey) -> Result<(), Error> {
        self.store.unban(key).await?;
        self.rows.bans.inc();
        Ok(())
    }

    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
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

#[async_trait]
impl KeyTable for Counted<dyn KeyTable> {
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Error> {
        self.store.key(chat, epoch).await
    }

    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, Error> {
        let stands = self.store.create_key(chat, epoch, wrapped).await?;
        self.rows.data_keys.inc();
        Ok(stands)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use chasqui_domain::Term;
    use chasqui_store::{
        Stream, WRAPPED_KEY_BYTES,
        memory::MemoryStore,
        suite::{
            Factory, Subject,
            rows::{
                DAY_MS, LOG, chat, content, device, entry, group, member_update, of, row, snapshot, state, update, user,
            },
        },
    };
    use chasqui_testkit::{Faults, FaultyStore, Mode};

    use super::*;

    const TABLES: [&str; 11] = [
        "events",
        "members",
        "chats_of",
        "snapshots",
        "offsets",
        "skipped",
        "inbox",
        "checkpoints",
        "devices",
        "bans",
        "data_keys",
    ];

    struct Memory;

    #[async_trait]
    impl Factory for Memory {
        async fn open(&self) -> Subject {
            let (store, metrics) = (Arc::new(MemoryStore::new()), StoreMetrics::default());
            let (rows, keys): (Arc<dyn Store>, Arc<dyn KeyTable>) = (store.clone(), store);
            Subject { store: Arc::new(Counted::new(rows, &metrics)), keys: Arc::new(Counted::new(keys, &metrics)) }
        }
    }

    mod is_a_store_like_any_other {
        chasqui_store::conformance!(super::Memory);
    }

    /// The rows of those tables that have any.
    fn counted(metrics: &StoreMetrics) -> Vec<(&'static str, u64)> {
        let all = TABLES.map(|table| (table, metrics.rows(table).get()));
        all.into_iter().filter(|(_, rows)| *rows > 0).collect()
    }

    fn checkpoint() -> Checkpoint {
        let state = Bytes::from_static(b"state");
        Checkpoint { term: Term(1), inbox: Offset(7), presence: Offset(0), state }
    }

    #[tokio::test]
    async fn each_row_counts_by_its_table() {
        let metrics = StoreMetrics::default();
        let memory = Arc::new(MemoryStore::new());
        let store: Counted<dyn Store> = Counted::new(memory.clone(), &metrics);
        let keys: Counted<dyn KeyTable> = Counted::new(memory, &metrics);
        let messages = vec![content(chat("bob"), 1), content(chat("bob"), 2)];
        store.write_events(of(0), messages, vec![update(chat("bob"), 2, &["me", "bob"])]).await.unwrap();
        assert_eq!(counted(&metrics), [("events", 2), ("members", 2), ("chats_of", 2)]);
        store.commit(of(0), Offset(30), vec![snapshot(chat("bob"), 1), snapshot(chat("eve"), 1)]).await.unwrap();
        store.skip(of(0), Offset(30)).await.unwrap();
        store.write_inbox((0..3).map(|at| entry("bob", LOG, at, DAY_MS)).collect()).await.unwrap();
        store.save_checkpoint(of(0), checkpoint()).await.unwrap();
        store.write_devices(of(0), vec![device("bob", "phone", LOG, 1), device("bob", "pad", LOG, 2)]).await.unwrap();
        let key = BanKey { user: user("eve"), device: None };
        store.ban(Ban { key: key.clone(), since: TimeMs(1), reason: None }).await.unwrap();
        store.unban(&key).await.unwrap();
        keys.create_key(chat("bob"), Epoch(1), [7; WRAPPED_KEY_BYTES]).await.unwrap();
        let all = [2, 2, 2, 2, 1, 1, 3, 1, 2, 2, 1];
        assert_eq!(counted(&metrics), TABLES.into_iter().zip(all).collect::<Vec<_>>());
    }

    /// As many as the statements that `tests/cluster` counts of the same, where each row goes by itself.
    #[tokio::test]
    async fn what_is_shown_of_a_chat_counts_only_where_no_member_does() {
        let metrics = StoreMetrics::default();
        let store: Counted<dyn Store> = Counted::new(Arc::new(MemoryStore::new()), &metrics);
        let group = group(1);
        let mut sum = (0, 0);
        let mut shown = async |update: ChatUpdate, stream| {
            let event = row(group, stream, update.version.0);
            store.write_events(of(0), vec![event], vec![update]).await.unwrap();
            let now = (metrics.rows("members").get(), metrics.rows("chats_of").get());
            let before = std::mem::replace(&mut sum, now);
            (now.0 - before.0, now.1 - before.1)
        };
        let stays = |version| member_update(group, version, &[("bob", MemberState::Stays(state("bob", version)))]);
        let leaves = member_update(group, 4, &[("bob", MemberState::Gone)]);
        let with_summary = |update| ChatUpdate { summary: Some(state("summary", 1)), ..update };
        assert_eq!(shown(update(group, 1, &["me", "bob", "eve"]), Stream::Changes).await, (3, 3), "they join");
        assert_eq!(shown(with_summary(stays(2)), Stream::Content).await, (1, 0), "a message");
        assert_eq!(shown(stays(3), Stream::Receipts).await, (1, 0), "a receipt");
        assert_eq!(shown(with_summary(leaves), Stream::Changes).await, (2, 1), "one leaves, the summary goes alone");
        assert_eq!(shown(with_summary(member_update(group, 5, &[])), Stream::Changes).await, (1, 0), "a title");
    }

    #[tokio::test]
    async fn what_fails_does_not_count() {
        let metrics = StoreMetrics::default();
        let store = FaultyStore::new(Arc::new(MemoryStore::new()), Faults::new(1, Mode::ErrorBefore));
        let store: Counted<dyn Store> = Counted::new(store, &metrics);
        assert!(store.save_checkpoint(of(0), checkpoint()).await.is_err());
        assert_eq!(counted(&metrics), []);
        store.save_checkpoint(of(0), checkpoint()).await.unwrap();
        assert_eq!(counted(&metrics), [("checkpoints", 1)]);
    }
}
