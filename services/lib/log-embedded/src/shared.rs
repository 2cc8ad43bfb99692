//! What the writer and the readers share.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use chasqui_disk::{Disk, File};
use chasqui_domain::{LogId, TimeMs};
use chasqui_log::{Record, TopicPartition};
use chasqui_runtime::Runtime;
use lru::LruCache;
use parking_lot::{Mutex, RwLock};

use crate::{
    error::ReadError,
    index::{self, Entry, Index},
    options::{Options, READ_BYTES_TARGET, READ_RECORDS_MAX},
    part::Part,
    queue::Queue,
    scan,
    segment::{self, Heads},
};

/// A segment's file and number, and the entries of its index from the wanted offset on.
type Place = (Arc<dyn File>, u64, Vec<Entry>);

pub(crate) struct Shared {
    pub(crate) id: LogId,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    pub(crate) options: Options,
    pub(crate) runtime: Runtime,
    pub(crate) queue: Queue,
    pub(crate) parts: RwLock<HashMap<TopicPartition, Arc<Part>>>,
    pub(crate) segments: RwLock<Segments>,
    /// Sealed segments that were read lately.
    pub(crate) sealed: Mutex<LruCache<u64, Arc<Sealed>>>,
}

/// The segments, oldest first. The last is the active one.
pub(crate) struct Segments {
    pub(crate) list: Vec<Segment>,
    pub(crate) active: Sealed,
}

#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) sequence: u64,
    /// How much of the file is valid: all that was synced.
    pub(crate) bytes: u64,
    /// Where partitions stood before it.
    pub(crate) heads: Arc<Heads>,
    /// The time of the newest record before it.
    pub(crate) time: TimeMs,
}

impl Segment {
    pub(crate) fn head(&self, at: &TopicPartition) -> u64 {
        self.heads.get(at).copied().unwrap_or_default()
    }
}

/// A segment's file and where its chunks lie.
pub(crate) struct Sealed {
    pub(crate) file: Arc<dyn File>,
    pub(crate) index: Index,
}

impl Shared {
    /// The partition; made if it had no record yet.
    pub(crate) fn part(&self, at: &TopicPartition) -> Arc<Part> {
        if let Some(part) = self.parts.read().get(at) {
            return part.clone();
        }
        let made = || Arc::new(Part::new(at.clone(), 0, 0));
        self.parts.write().entry(at.clone()).or_insert_with(made).clone()
    }

    /// Nothing is written any more, for the first reason that there is: whoever reads or appends learns it. What readers
    /// ahead have seen may be gone.
    pub(crate) fn end(&self, why: &chasqui_log::Error) {
        self.queue.end(why);
        self.parts.read().values().for_each(|part| part.wake());
    }

    /// Reads records from `offset` on, and below `end`, from disk: at least one, or none where retention came first.
    /// Blocks.
    pub(crate) fn read(&self, at: &TopicPartition, offset: u64, end: u64) -> Result<Vec<Record>, ReadError> {
        let Some((file, sequence, entries)) = self.find(at, offset)? else { return Ok(Vec::new()) };
        let path = segment::path(&self.folder, sequence);
        let mut records: Vec<Record> = Vec::new();
        let mut bytes = 0;
        for entry in entries {
            let chunk = scan::read_chunk(file.as_ref(), &path, self.id, sequence, at, entry)?;
            records.extend(chunk.records.into_iter().filter(|record| (offset..end).contains(&record.offset.0)));
            bytes += entry.bytes as usize;
            if bytes >= READ_BYTES_TARGET || records.len() >= READ_RECORDS_MAX {
                break;
            }
        }
        if records.first().is_some_and(|first| first.offset.0 == offset) {
            return Ok(records);
        }
        Err(ReadError::corrupt(&path, 0, format!("offset {offset} of {at} should be in it and is not")))
    }

    /// Where the chunk that holds `offset` lies, and those that follow it in its segment.
    fn find(&self, at: &TopicPartition, offset: u64) -> Result<Option<Place>, ReadError> {
        let (sequence, bytes) = {
            let segments = self.segments.read();
            let after = segments.list.partition_point(|segment| segment.head(at) <= offset);
            let Some(found) = after.checked_sub(1).and_then(|found| segments.list.get(found)) else { return Ok(None) };
            if after == segments.list.len() {
                let active = &segments.active;
                return Ok(Some((active.file.clone(), found.sequence, active.index.find(at, offset))));
            }
            (found.sequence, found.bytes)
        };
        let sealed = self.sealed(sequence, bytes)?;
        Ok(Some((sealed.file.clone(), sequence, sealed.index.find(at, offset))))
    }

    fn sealed(&self, sequence: u64, bytes: u64) -> Result<Arc<Sealed>, ReadError> {
        if let Some(sealed) = self.sealed.lock().get(&sequence) {
            return Ok(sealed.clone());
        }
        let path = segment::path(&self.folder, sequence);
        let file = self.disk.open(&path, false).map_err(ReadError::io("open", &path))?;
        let index = match Index::load(self.disk.as_ref(), &self.folder, self.id, sequence, bytes) {
            Some(index) => index,
            None => self.rebuild(file.clone(), sequence, bytes)?,
        };
        let sealed = Arc::new(Sealed { file, index });
        self.sealed.lock().put(sequence, sealed.clone());
        Ok(sealed)
    }

    fn rebuild(&self, file: Arc<dyn File>, sequence: u64, bytes: u64) -> Result<Index, ReadError> {
        let path = segment::path(&self.folder, sequence);
        let index = index::rebuild(file, &path, self.id, sequence, bytes)?.index;
        tracing::info!(segment = sequence, "made a missing index again");
        self.save_index(&index, sequence, bytes);
        Ok(index)
    }

    /// An index that can't be saved costs a scan of its segment when it is next needed, and nothing else.
    pub(crate) fn save_index(&self, index: &Index, sequence: u64, bytes: u64) {
        if let Err(error) = index.save(self.disk.as_ref(), &self.folder, self.id, sequence, bytes) {
            tracing::info!(segment = sequence, %error, "can't save an index; it will be made again when it is needed");
        }
    }
}
