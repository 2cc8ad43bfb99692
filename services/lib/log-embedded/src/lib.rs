//! The log in a folder: one physical segment log behind all topics.
//!
//! Everything that waits is written at once and synced once, whoever it is from; only then is it visible and
//! confirmed. The roles of the process may be ahead of that, see [`Log::reader_ahead`]: a record can be read so as soon as it
//! is in the queue. A commit is kept whole or not at all. Segments are checked by CRC and removed whole, when retention and
//! the owners of `commands` and `inbox` allow it. See [`chasqui_log`] for the contract.

mod batch;
mod chunk;
mod codec;
mod error;
mod index;
mod meta;
mod options;
mod part;
mod queue;
mod reader;
mod recover;
mod scan;
mod segment;
mod shared;
mod trim;
mod writer;

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use chasqui_disk::Disk;
use chasqui_domain::{LogId, Offset};
use chasqui_log::{Append, Bounds, Error, Log, Partitions, Pending, Reader, TopicPartition};
use chasqui_runtime::Runtime;
use futures::FutureExt;
use lru::LruCache;
use parking_lot::{Mutex, RwLock};
use tokio::task;

pub use error::OpenError;
pub use options::Options;

use crate::{
    error::ReadError,
    options::SEALED_OPEN_MAX,
    part::{Part, Sight},
    queue::{Answer, Queue},
    reader::PartReader,
    recover::Recovered,
    shared::Shared,
    writer::{Cache, Writer},
};

/// A log in a folder. Dropping it closes it, which blocks until what is queued is written; [`EmbeddedLog::close`] does
/// so without blocking the runtime.
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl EmbeddedLog {
    /// Opens the log in `folder`, or makes one. No other process may have it open. Blocks while it reads the last
    /// segment. Must be used inside a tokio runtime afterwards.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is changed then, but for an unfinished tail.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: PathBuf,
        options: Options,
        runtime: Runtime,
    ) -> Result<Arc<Self>, OpenError> {
        let Recovered { id, segments, active, ends, time } = recover::open(disk.as_ref(), &folder, &options, &runtime)?;
        let start = |at: &TopicPartition| segments.list.first().map_or(0, |first| first.head(at));
        let part = |(at, end): (TopicPartition, u64)| (at.clone(), Arc::new(Part::new(at.clone(), start(&at), end)));
        let parts: HashMap<_, _> = ends.into_iter().map(part).collect();
        let sealed_max = NonZeroUsize::new(SEALED_OPEN_MAX).unwrap_or(NonZeroUsize::MIN);
        let shared = Arc::new(Shared {
            id,
            disk,
            queue: Queue::new(options.queue_bytes_max, time),
            folder: folder.clone(),
            options,
            parts: RwLock::new(parts),
            segments: RwLock::new(segments),
            sealed: Mutex::new(LruCache::new(sealed_max)),
            runtime: runtime.clone(),
        });
        let writer = Writer {
            shared: shared.clone(),
            active,
            time,
            trimmed: runtime.now(),
            roll_at: Duration::ZERO,
            folder_is_dirty: false,
            cache: Cache::default(),
            buffer: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("log-writer".to_owned());
        let writer = thread.spawn(|| writer.run()).map_err(ReadError::io("start the writer of", &folder))?;
        Ok(Arc::new(Self { shared, writer: Mutex::new(Some(writer)) }))
    }

    /// How many partitions the topics of the log in `folder` have; none when there is no log. Blocks.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn partitions_in(disk: &dyn Disk, folder: &Path) -> Result<Option<Partitions>, OpenError> {
        Ok(meta::read(disk, folder, segment::FORMAT)?.map(|(_, partitions)| partitions))
    }

    /// Writes what is queued, and gives the files free. Appends are then answered with [`Error::Closed`], and so are
    /// readers at the end. Goes on when the future is dropped.
    pub async fn close(self: Arc<Self>) {
        // Not run at all when the runtime ends, which drops the log as well.
        let _ = task::spawn_blocking(move || self.close_now()).await;
    }

    /// Waits until everything that readers ahead can see now is durable, as [`Log::settle`] does. Blocks.
    ///
    /// # Errors
    /// What the log has failed with.
    pub fn settle_now(&self) -> Result<(), Error> {
        self.shared.queue.settle()
    }

    /// Waits until the log can't go on, because it has failed or was closed, and says why. It stays so until it is opened
    /// again.
    ///
    /// Cancel safe.
    pub async fn ended(&self) -> Error {
        self.shared.queue.wait_for_end().await
    }

    /// None when there is nothing to append, or nobody waits for it.
    async fn push(&self, batch: Vec<Append>, is_awaited: bool) -> Result<Option<Answer>, Error> {
        self.shared.options.partitions.check_batch(&batch)?;
        if batch.is_empty() {
            return Ok(None);
        }
        self.shared.queue.push(&self.shared, batch, is_awaited).await
    }

    fn open_reader(&self, at: &TopicPartition, from: Offset, sight: Sight) -> Result<Box<dyn Reader>, Error> {
        self.shared.options.partitions.check(at)?;
        Ok(Box::new(PartReader::new(self.shared.clone(), self.shared.part(at), from, sight)))
    }

    fn close_now(&self) {
        self.shared.queue.close();
        // Held until the end, so that whoever closes at the same time waits as well.
        let mut writer = self.writer.lock();
        if let Some(writer) = writer.take() {
            // A writer that panicked has answered all who waited, and the panic was reported.
            let _ = writer.join();
        }
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        self.close_now();
    }
}

#[async_trait]
impl Log for EmbeddedLog {
    fn id(&self) -> LogId {
        self.shared.id
    }

    fn partitions(&self) -> Partitions {
        self.shared.options.partitions
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error> {
        match self.push(batch, true).await? {
            Some(answer) => Ok(answer.map(|answer| answer.unwrap_or(Err(Error::Closed))).boxed()),
            None => Ok(futures::future::ready(Ok(Vec::new())).boxed()),
        }
    }

    async fn append_ahead(&self, batch: Vec<Append>) -> Result<(), Error> {
        self.push(batch, false).await.map(drop)
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        self.open_reader(at, from, Sight::Synced)
    }

    async fn reader_ahead(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        self.open_reader(at, from, Sight::Ahead)
    }

    async fn settle(&self) -> Result<(), Error> {
        if self.shared.queue.is_settled()? {
            return Ok(());
        }
        let shared = self.shared.clone();
        // Not run at all when the runtime ends.
        task::spawn_blocking(move || shared.queue.settle()).await.unwrap_or(Err(Error::Closed))
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        self.shared.options.partitions.check(at)?;
        let part = self.shared.parts.read().get(at).cloned();
        Ok(part.map(|part| part.bounds()).unwrap_or_default())
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error> {
        self.shared.options.partitions.check(at)?;
        let part = self.shared.parts.read().get(at).cloned();
        if let Some(part) = part {
            part.release(below.0);
            self.shared.queue.trim();
        }
        Ok(())
    }
}
