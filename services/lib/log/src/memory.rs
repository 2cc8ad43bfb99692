//! A log in memory, for tests and simulations. Nothing survives the process; all else is as the contract says.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{LogId, Offset, TimeMs};
use chasqui_runtime::Runtime;
use futures::{FutureExt, future};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{Append, Appended, Bounds, Error, Log, Partitions, Pending, Reader, Record, TopicPartition};

/// The most records that one [`Reader::next`] returns, so that records without a byte are bounded too.
const READ_RECORDS_MAX: usize = 4096;

/// A log in memory. What is enqueued is there at once, so its queue never fills.
pub struct MemoryLog {
    id: LogId,
    partitions: Partitions,
    runtime: Runtime,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stored: BTreeMap<TopicPartition, Arc<Stored>>,
    time: TimeMs,
}

/// One partition.
struct Stored {
    records: Mutex<Records>,
    /// The end; readers wait for it to change.
    end: watch::Sender<u64>,
}

#[derive(Default)]
struct Records {
    start: u64,
    released: u64,
    kept: Vec<Record>,
}

impl MemoryLog {
    /// An empty log that takes its times from `runtime`.
    #[must_use]
    pub fn new(id: LogId, partitions: Partitions, runtime: Runtime) -> Self {
        Self { id, partitions, runtime, state: Mutex::default() }
    }

    /// Removes everything that was released.
    pub fn trim(&self) {
        for stored in self.state.lock().stored.values() {
            let mut records = stored.records.lock();
            let gone = records.released.saturating_sub(records.start) as usize;
            records.kept.drain(..gone);
            records.start += gone as u64;
        }
    }

    /// Removes everything of a partition, released or not, as retention may do with topics that nobody releases.
    pub fn trim_all(&self, at: &TopicPartition) {
        if let Some(stored) = self.state.lock().stored.get(at) {
            let mut records = stored.records.lock();
            let gone = std::mem::take(&mut records.kept).len() as u64;
            records.start += gone;
        }
    }

    fn stored(&self, at: &TopicPartition) -> Result<Arc<Stored>, Error> {
        self.partitions.check(at)?;
        Ok(Self::stored_in(&mut self.state.lock(), at))
    }

    fn stored_in(state: &mut State, at: &TopicPartition) -> Arc<Stored> {
        let made = || Arc::new(Stored { records: Mutex::default(), end: watch::Sender::new(0) });
        state.stored.entry(at.clone()).or_insert_with(made).clone()
    }
}

#[async_trait]
impl Log for MemoryLog {
    fn id(&self) -> LogId {
        self.id
    }

    fn partitions(&self) -> Partitions {
        self.partitions
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error> {
        self.partitions.check_batch(&batch)?;
        let mut state = self.state.lock();
        state.time = state.time.max(self.runtime.now());
        let time = state.time;
        let mut appended = Vec::with_capacity(batch.len());
        for Append { to, key, value, headers } in batch {
            let stored = Self::stored_in(&mut state, &to);
            let mut records = stored.records.lock();
            let offset = Offset(records.start + records.kept.len() as u64);
            records.kept.push(Record { offset, time, key, value, headers });
            stored.end.send_replace(offset.0 + 1);
            appended.push(Appended { offset, time });
        }
        Ok(future::ready(Ok(appended)).boxed())
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        let stored = self.stored(at)?;
        Ok(Box::new(MemoryReader { end: stored.end.subscribe(), stored, next: from.0 }))
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        let stored = self.stored(at)?;
        let records = stored.records.lock();
        Ok(Bounds { start: Offset(records.start), end: Offset(records.start + records.kept.len() as u64) })
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error> {
        let stored = self.stored(at)?;
        let mut records = stored.records.lock();
        let end = records.start + records.kept.len() as u64;
        records.released = records.released.max(below.0.min(end));
        Ok(())
    }
}

struct MemoryReader {
    stored: Arc<Stored>,
    end: watch::Receiver<u64>,
    next: u64,
}

impl MemoryReader {
    /// What is there now; none at the end.
    fn read(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        let records = self.stored.records.lock();
        if self.next < records.start {
            self.next = records.start;
            return Err(Error::Trimmed { start: Offset(records.start) });
        }
        let kept = usize::try_from(self.next - records.start).ok().and_then(|from| records.kept.get(from..));
        let mut read: Vec<Record> = Vec::new();
        let mut bytes = 0;
        for record in kept.unwrap_or_default().iter().take(READ_RECORDS_MAX) {
            bytes += record.bytes();
            if bytes > bytes_max && !read.is_empty() {
                break;
            }
            read.push(record.clone());
        }
        self.next += read.len() as u64;
        Ok(read)
    }
}

#[async_trait]
impl Reader for MemoryReader {
    async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        loop {
            self.end.borrow_and_update();
            let read = self.read(bytes_max)?;
            if !read.is_empty() {
                return Ok(read);
            }
            self.end.changed().await.map_err(|_| Error::Closed)?;
        }
    }
}
