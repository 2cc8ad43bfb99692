//! The store on servers of CQL: written for ScyllaDB, and for Apache Cassandra 5 no less.
//!
//! **Fencing.** There are no locks and, but for the data keys, no conditional writes. Rows whose writer can have a late former
//! one carry that writer's own order as their timestamp (a version, an offset), so of two writes the one that is further
//! stands, whichever arrives last. What everybody may write counts by the servers' clocks. `statements.rs` has it all.
//!
//! **Order and atomicity.** A call writes its rows in the order given for each chat, each inbox and each user's devices; those
//! go beside each other. Rows of one partition that follow each other go by one statement. After an error, or when a call's
//! future is dropped, each chat has a prefix of what was given; what was under way may arrive later, and changes nothing
//! then.
//!
//! **Durability.** A write is answered when a quorum of the local datacenter's replicas has it, and a read asks a quorum.
//!
//! **Servers.** What was answered survives a crash of all replicas at once if they sync their commit log before they answer:
//! Cassandra with `commitlog_sync: batch` or `group`, ScyllaDB with `batch`. With the default of both, `periodic`, it doesn't.
//! Low timestamps have to be let in: Cassandra's guardrail against them (`minimum_timestamp`) stays off. Repairs run more often
//! than the tables' `gc_grace_seconds`, and clocks are kept in step.
//!
//! **Retry.** A statement whose node goes away is sent to another one, once. Nothing else is repeated.
//!
//! **Bounds.** At most so many statements are under way; calls wait for each other there. What they can do at a time and how
//! long one may take are [`Options`]; the rest is in `limits.rs`.

mod bans;
mod buckets;
mod chats;
mod checkpoints;
mod cluster;
mod codec;
mod connect;
mod devices;
mod error;
mod events;
mod inbox;
mod keys;
mod limits;
mod listed;
mod messages;
mod meta;
mod numbers;
mod options;
mod partitions;
mod retry;
pub mod schema;
mod statements;
mod tls;

use std::{collections::BTreeSet, fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{ChatId, DeviceId, LogId, Offset, Seq, TimeMs, UserId};
use chasqui_store::{
    Ban, BanKey, ChatLog, ChatRow, ChatUpdate, Checkpoint, DeviceRow, Error, EventQuery, EventRow, InboxRow,
    LogPartition, MemberRow, MessageRow, Snapshot, Store,
};

use crate::{
    checkpoints::Terms,
    cluster::Cluster,
    events::EventBucket,
    inbox::{InboxBucket, Lifetimes},
    limits::RELIST_AFTER,
    listed::{Listed, Marked},
    statements::Statements,
};

pub use error::OpenError;
pub use options::{Options, OptionsError, Password};
pub use statements::STATEMENTS;

/// The store on servers of CQL. See the crate.
///
/// Dropping it ends its connections.
pub struct CqlStore {
    cluster: Cluster,
    statements: Statements,
    lifetimes: Lifetimes,
    event_buckets: Listed<EventBucket>,
    inbox_buckets: Listed<InboxBucket>,
    marks: Marked<LogPartition>,
    terms: Terms,
}

impl CqlStore {
    /// Connects, and looks whether the tables are as this build knows them. Makes nothing: that is for
    /// [`schema::Migrator`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(options: Options) -> Result<Arc<Self>, OpenError> {
        let session = connect::connect(&options, options.request_timeout).await?.session;
        schema::check(&session, &options.keyspace).await?;
        let statements = Statements::prepare(&session, &options.keyspace, &options.metrics).await?;
        Ok(Arc::new(Self {
            cluster: Cluster::new(session, options.concurrency_max),
            statements,
            lifetimes: Lifetimes::of(options.inbox_retention_days),
            event_buckets: Listed::for_ever(),
            inbox_buckets: Listed::good_for(RELIST_AFTER),
            marks: Marked::new(),
            terms: Terms::default(),
        }))
    }
}

impl fmt::Debug for CqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CqlStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for CqlStore {
    async fn write_events(&self, of: LogPartition, rows: Vec<EventRow>, updates: Vec<ChatUpdate>) -> Result<(), Error> {
        self.put_events(of, rows, updates).await
    }

    async fn load_chats(&self, chats: &[ChatId], log: LogId, before: Offset) -> Result<Vec<ChatLog>, Error> {
        self.cluster.all(chats.iter().copied().map(|chat| self.load_chat(chat, log, before))).await
    }

    async fn commit(&self, of: LogPartition, next: Offset, snapshots: Vec<Snapshot>) -> Result<(), Error> {
        self.put_offset(of, next, snapshots).await
    }

    async fn committed(&self, of: LogPartition) -> Result<Option<Offset>, Error> {
        self.offset(of).await
    }

    async fn has_events(&self, of: LogPartition) -> Result<bool, Error> {
        self.is_marked(of).await
    }

    async fn skip(&self, of: LogPartition, command: Offset) -> Result<(), Error> {
        self.put_skipped(of, command).await
    }

    async fn skipped(&self, of: LogPartition) -> Result<BTreeSet<Offset>, Error> {
        self.read_skipped(of).await
    }

    async fn events(&self, query: &EventQuery) -> Result<Vec<EventRow>, Error> {
        self.read_events(query).await
    }

    async fn chats(&self, chats: &[ChatId], of: &UserId) -> Result<Vec<Option<ChatRow>>, Error> {
        self.cluster.all(chats.iter().copied().map(|chat| self.chat(chat, of))).await
    }

    async fn members(&self, chat: ChatId, after: Option<&UserId>, rows_max: usize) -> Result<Vec<MemberRow>, Error> {
        self.read_members(chat, after, rows_max).await
    }

    async fn messages(&self, chat: ChatId, seqs: Range<Seq>) -> Result<Vec<MessageRow>, Error> {
        self.read_messages(chat, &seqs).await
    }

    async fn chats_of(&self, user: &UserId, after: Option<ChatId>, rows_max: usize) -> Result<Vec<ChatId>, Error> {
        self.read_chats_of(user, after, rows_max).await
    }

    async fn write_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        self.put_inbox(rows).await
    }

    async fn inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        self.read_inbox(user, log, offsets, rows_max).await
    }

    async fn save_checkpoint(&self, of: LogPartition, checkpoint: Checkpoint) -> Result<(), Error> {
        self.put_checkpoint(of, checkpoint).await
    }

    async fn checkpoint(&self, of: LogPartition) -> Result<Option<Checkpoint>, Error> {
        self.read_checkpoint(of).await
    }

    async fn write_devices(&self, _of: LogPartition, rows: Vec<DeviceRow>) -> Result<(), Error> {
        self.put_devices(rows).await
    }

    async fn devices_of(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        self.read_devices(user, after, rows_max).await
    }

    async fn ban(&self, ban: Ban) -> Result<(), Error> {
        self.put_ban(ban).await
    }

    async fn unban(&self, key: &BanKey) -> Result<(), Error> {
        self.remove_ban(key).await
    }

    async fn bans_of(&self, user: &UserId, device: Option<&DeviceId>) -> Result<Vec<Ban>, Error> {
        self.read_bans_of(user, device).await
    }

    async fn bans(&self, user: Option<&UserId>, after: Option<&BanKey>, rows_max: usize) -> Result<Vec<Ban>, Error> {
        self.read_bans(user, after, rows_max).await
    }

    /// Nothing: each row goes by itself, [`Options::inbox_retention_days`] and a day after it was written.
    async fn expire_inbox(&self, _before: TimeMs) -> Result<(), Error> {
        Ok(())
    }

    /// As long as the servers sync before they answer; see the crate.
    fn is_durable_at_once(&self) -> bool {
        true
    }

    async fn flush(&self) -> Result<(), Error> {
        Ok(())
    }
}
