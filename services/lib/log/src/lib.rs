//! The log's contract: topics of partitions, in which records are appended, kept durably, and read in order.
//!
//! * **Durability.** A record whose append was confirmed survives a crash of this process and of the machine. Readers
//!   see only such records, and never one that a crash can take back.
//! * **Order.** In a partition offsets ascend without a hole, but for `presence`, of which compaction may have removed some.
//!   Batches given to [`Log::enqueue`] one after another get their places in that order, whether or not the caller waits
//!   for the first before it gives the second.
//! * **Time** is the log's own. In a partition it goes back at most by as much as the clocks of the log's machines differ.
//! * **Empty values** remove their keys where there is compaction.
//! * **Retry.** An append that failed with an error whose [`Error::is_unknown`] is true may have happened. The log
//!   never repeats an append by itself.
//! * **Cancellation.** Dropping the future of `enqueue` appends nothing; dropping a [`Pending`] loses the answer, not
//!   the records. [`Reader::next`] is cancel safe.
//! * **Ahead of the disk.** Where all roles are one process, they may work with records that a crash can still take back, as
//!   long as nothing leaves the process that rests on them: with [`Log::append_ahead`] and [`Log::reader_ahead`]. A crash that
//!   takes a record back takes back all that was appended later, in whatever partition. [`Log::settle`] waits for the disk.
//! * **Bounds.** What waits to be written is bounded by bytes; at the bound `enqueue` waits.

pub mod memory;
#[cfg(feature = "suite")]
pub mod suite;
mod topic;

use std::{borrow::Cow, num::NonZeroU32};

use async_trait::async_trait;
use bytes::Bytes;
use chasqui_domain::{LogId, Offset, TimeMs};
use futures::future::BoxFuture;

pub use memory::MemoryLog;
pub use topic::{Topic, TopicPartition};

/// The most bytes that a record's key, value and headers may have together.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// What a header counts for at least, however short it is.
pub const HEADER_BYTES_LEAST: usize = 64;

/// How many partitions the topics have; fixed for a log id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitions {
    /// Of `commands` and `events`, which are partitioned by chat.
    pub chats: NonZeroU32,
    /// Of `inbox` and `presence`, which are partitioned by user.
    pub users: NonZeroU32,
}

impl Partitions {
    /// How many partitions a topic has.
    #[must_use]
    pub fn of(&self, topic: &Topic) -> NonZeroU32 {
        match topic {
            Topic::Commands | Topic::Events => self.chats,
            Topic::Inbox | Topic::Presence => self.users,
            Topic::Heartbeats | Topic::Revocations | Topic::Gateway(_) => NonZeroU32::MIN,
        }
    }

    /// Whether the topic has this partition.
    ///
    /// # Errors
    /// [`Error::NoSuchPartition`].
    pub fn check(&self, at: &TopicPartition) -> Result<(), Error> {
        if at.partition.0 < self.of(&at.topic).get() { Ok(()) } else { Err(Error::NoSuchPartition(at.clone())) }
    }

    /// What every implementation checks before a batch gets its place.
    ///
    /// # Errors
    /// [`Error::NoSuchPartition`] or [`Error::TooLarge`], for the first record that can't be taken.
    pub fn check_batch(&self, batch: &[Append]) -> Result<(), Error> {
        for append in batch {
            self.check(&append.to)?;
            // Headers without a byte must not be without a bound either.
            let bytes = append.bytes().max(append.headers.len().saturating_mul(HEADER_BYTES_LEAST));
            if bytes > RECORD_BYTES_MAX {
                return Err(Error::TooLarge { bytes });
            }
        }
        Ok(())
    }
}

/// A named value beside a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: Cow<'static, str>,
    /// Its value.
    pub value: Bytes,
}

/// What is appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub to: TopicPartition,
    /// What the record is about; compaction and tools go by it.
    pub key: Bytes,
    /// The record.
    pub value: Bytes,
    /// Beside the record: its trace context.
    pub headers: Vec<Header>,
}

impl Append {
    /// The bytes that count against [`RECORD_BYTES_MAX`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
        self.key.len() + self.value.len() + headers
    }
}

/// What was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The record's place in its partition.
    pub offset: Offset,
    /// The log's time when it was appended.
    pub time: TimeMs,
}

/// What is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The record's place in its partition.
    pub offset: Offset,
    /// The log's time when it was appended.
    pub time: TimeMs,
    /// What the record is about.
    pub key: Bytes,
    /// The record.
    pub value: Bytes,
    /// Beside the record: its trace context.
    pub headers: Vec<Header>,
}

impl Record {
    /// The bytes that count against the `bytes_max` of [`Reader::next`].
    #[must_use]
    pub fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
        self.key.len() + self.value.len() + headers
    }
}

/// The records that a partition has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The first that can still be read.
    pub start: Offset,
    /// The one that will come next.
    pub end: Offset,
}

/// The answer to an append that has its place in the queue: one [`Appended`] a record, in the order given.
pub type Pending = BoxFuture<'static, Result<Vec<Appended>, Error>>;

/// Topics of partitions. See the crate for the contract.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// This life of the topics.
    fn id(&self) -> LogId;

    /// How many partitions the topics have.
    fn partitions(&self) -> Partitions;

    /// Puts a batch in the queue, waiting for room. Resolves once the batch has its place; the [`Pending`] resolves
    /// once all of its records are durable. The records of a batch that go to one partition keep their order, and become
    /// neighbours unless another process writes there.
    ///
    /// # Errors
    /// [`Error::TooLarge`] or [`Error::NoSuchPartition`], and nothing of the batch is appended; [`Error::Closed`].
    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error>;

    /// Appends a batch and waits until it is durable.
    ///
    /// # Errors
    /// Those of [`Log::enqueue`], and [`Error::Full`] or [`Error::Unavailable`].
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<Appended>, Error> {
        self.enqueue(batch).await?.await
    }

    /// Appends one record, waits until it is durable, and gives its place.
    ///
    /// # Errors
    /// Those of [`Log::append`], and [`Error::Corrupt`] when the log confirms it without a place.
    async fn append_one(&self, record: Append) -> Result<Appended, Error> {
        let missing = || Error::Corrupt { why: "the log confirmed a record without its place".to_owned() };
        self.append(vec![record]).await?.into_iter().next().ok_or_else(missing)
    }

    /// Appends a batch that follows from what the process has read, and waits until readers ahead see it. It may not be
    /// durable yet; see the crate. A log that can't be read ahead waits until it is durable.
    ///
    /// # Errors
    /// Those of [`Log::append`].
    async fn append_ahead(&self, batch: Vec<Append>) -> Result<(), Error> {
        self.append(batch).await.map(drop)
    }

    /// Waits until everything is durable that readers ahead can see now.
    ///
    /// # Errors
    /// [`Error::Unavailable`], when it won't be.
    async fn settle(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Like [`Log::reader`], but shows records as soon as they have their place: a crash can take back what it gives. For
    /// those alone who tell nobody outside the process before [`Log::settle`].
    ///
    /// # Errors
    /// Those of [`Log::reader`].
    async fn reader_ahead(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        self.reader(at, from).await
    }

    /// Reads a partition from `from` on. Reading at the end, or beyond it, waits for what comes.
    ///
    /// # Errors
    /// [`Error::NoSuchPartition`]. An offset that is gone is the reader's to report.
    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error>;

    /// The records that a partition has now, with those that only readers ahead see.
    ///
    /// # Errors
    /// [`Error::NoSuchPartition`]; [`Error::Unavailable`].
    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error>;

    /// The owner of a partition has done everything below `below`, and no crash can take that back. Retention may
    /// remove it, and removes nothing of `commands` and `inbox` that was not released. Never goes back. It may be
    /// forgotten when the log is closed, and is then released again.
    ///
    /// # Errors
    /// [`Error::NoSuchPartition`]; [`Error::Unavailable`].
    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error>;
}

/// Reads one partition.
#[async_trait]
pub trait Reader: Send + Sync {
    /// The records that follow, in order and without a hole: at least one, waiting for it if need be, and no more than
    /// fit `bytes_max` unless the first alone is larger. Cancel safe: a dropped call has read nothing.
    ///
    /// # Errors
    /// [`Error::Trimmed`] when the next offset is gone; the reader then goes on from the start that it names.
    /// [`Error::Unavailable`]; [`Error::Corrupt`]; [`Error::UnknownSchema`]; [`Error::Closed`] at the end of a log that
    /// was closed.
    async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error>;
}

/// What can go wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The topic or its partition doesn't exist.
    #[error("there is no partition {0}")]
    NoSuchPartition(TopicPartition),
    /// A record is larger than [`RECORD_BYTES_MAX`].
    #[error("a record of {bytes} bytes is larger than the {RECORD_BYTES_MAX} that the log takes")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The offset to be read was removed by retention.
    #[error("what was to be read is gone: the partition now starts at offset {start}")]
    Trimmed {
        /// Where the partition now starts.
        start: Offset,
    },
    /// There is no room on the disk. Nothing of the batch was kept; an append succeeds again once there is room.
    #[error("the disk is full: make room in {place}, and the log goes on by itself")]
    Full {
        /// The folder.
        place: String,
    },
    /// The log can't be reached or its disk fails. Whether the batch was kept is not known.
    #[error("the log is not available: {why}")]
    Unavailable {
        /// What happened.
        why: String,
    },
    /// What was read is not what was written.
    #[error("the log is damaged: {why}; restore it from a backup")]
    Corrupt {
        /// Where, and what was found.
        why: String,
    },
    /// A record of a schema that isn't known here, since it was written by a later version. It is not passed over.
    #[error("{at}: the record at offset {offset} has the schema {id}, which isn't known here: upgrade this process")]
    UnknownSchema {
        /// The partition.
        at: TopicPartition,
        /// The record's place in it.
        offset: Offset,
        /// The id that the schema was registered under.
        id: u32,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
}

impl Error {
    /// Whether the same call can succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Unavailable { .. })
    }

    /// Whether an append that failed so may have happened all the same.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Closed)
    }
}
