//! Where the chunks of a segment's partitions lie. That of the active segment is in memory only; one is written beside
//! a segment when it is sealed. It can always be made again from the segment.

use std::{collections::HashMap, io, path::Path, sync::Arc};

use bytes::Bytes;
use chasqui_disk::{Disk, File};
use chasqui_domain::LogId;
use chasqui_log::TopicPartition;

use crate::{
    chunk::HEADER_BYTES,
    codec::{Cursor, put_len, put_place, put_u32, put_u64},
    error::ReadError,
    options::{CHUNK_BODY_BYTES_MAX, READ_CHUNKS_MAX},
    scan::Scan,
    segment::{self, Heads},
};

const MAGIC: [u8; 8] = *b"CHASQIDX";
const ENTRY_BYTES: usize = 20;
const PLACE_BYTES_LEAST: usize = 9;

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The offset of its first record.
    pub(crate) base: u64,
    pub(crate) position: u64,
    /// With its header.
    pub(crate) bytes: u32,
}

/// The chunks of a segment, by partition, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Index(HashMap<TopicPartition, Vec<Entry>>);

impl Index {
    pub(crate) fn add(&mut self, at: &TopicPartition, entry: Entry) {
        match self.0.get_mut(at) {
            Some(entries) => entries.push(entry),
            None => drop(self.0.insert(at.clone(), vec![entry])),
        }
    }

    /// The chunk that holds an offset, and some that follow it.
    pub(crate) fn find(&self, at: &TopicPartition, offset: u64) -> Vec<Entry> {
        let entries = self.0.get(at).map(Vec::as_slice).unwrap_or_default();
        let from = entries.partition_point(|entry| entry.base <= offset).saturating_sub(1);
        entries[from..].iter().take(READ_CHUNKS_MAX).copied().collect()
    }

    fn encode(&self, log: LogId, sequence: u64, segment_bytes: u64) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&log.0);
        put_u64(&mut bytes, sequence);
        put_u64(&mut bytes, segment_bytes);
        put_len(&mut bytes, self.0.len());
        for (at, entries) in &self.0 {
            put_place(&mut bytes, at);
            put_len(&mut bytes, entries.len());
            for entry in entries {
                put_u64(&mut bytes, entry.base);
                put_u64(&mut bytes, entry.position);
                put_u32(&mut bytes, entry.bytes);
            }
        }
        let crc = crc32c::crc32c(&bytes);
        put_u32(&mut bytes, crc);
        bytes
    }

    /// None where the bytes are not the index of this segment.
    fn decode(bytes: &Bytes, log: LogId, sequence: u64, segment_bytes: u64) -> Option<Self> {
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut cursor = Cursor(bytes.slice_ref(body));
        let same = cursor.array()? == MAGIC
            && cursor.array()? == log.0
            && cursor.u64()? == sequence
            && cursor.u64()? == segment_bytes;
        if !same {
            return None;
        }
        let mut index = HashMap::new();
        for _ in 0..cursor.count(PLACE_BYTES_LEAST)? {
            let at = cursor.place()?;
            let count = cursor.count(ENTRY_BYTES)?;
            let mut entries = Vec::with_capacity(count);
            for _ in 0..count {
                let entry = Entry { base: cursor.u64()?, position: cursor.u64()?, bytes: cursor.u32()? };
                if entry.bytes as usize > HEADER_BYTES + CHUNK_BODY_BYTES_MAX {
                    return None;
                }
                entries.push(entry);
            }
            index.insert(at, entries);
        }
        cursor.is_empty().then_some(Self(index))
    }

    /// Writes the index beside its segment. Not synced: one that a crash damages is made again.
    pub(crate) fn save(&self, disk: &dyn Disk, folder: &Path, log: LogId, sequence: u64, len: u64) -> io::Result<()> {
        let file = disk.open(&segment::index_path(folder, sequence), true)?;
        let bytes = self.encode(log, sequence, len);
        file.set_len(0)?;
        file.write_all_at(&bytes, 0)
    }

    /// Reads the index of a sealed segment; none where it is missing or damaged.
    pub(crate) fn load(disk: &dyn Disk, folder: &Path, log: LogId, sequence: u64, len: u64) -> Option<Self> {
        let file = disk.open(&segment::index_path(folder, sequence), false).ok()?;
        // An index is smaller than its segment: an entry is smaller than its chunk. The rest is for one nearly empty.
        let size = file.size().ok().filter(|size| *size <= len + 1024)?;
        let mut bytes = vec![0; usize::try_from(size).ok()?];
        file.read_exact_at(&mut bytes, 0).ok()?;
        Self::decode(&bytes.into(), log, sequence, len)
    }
}

/// What a segment's chunks add up to.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) index: Index,
    /// Where each partition stands after the segment.
    pub(crate) ends: Heads,
}

impl Contents {
    pub(crate) fn new(heads: Heads) -> Self {
        Self { index: Index::default(), ends: heads }
    }

    /// Takes the next chunk of the segment. False where it doesn't follow what its partition has.
    pub(crate) fn add(&mut self, at: &TopicPartition, entry: Entry, count: u32) -> bool {
        let end = self.ends.entry(at.clone()).or_default();
        let Some(next) = entry.base.checked_add(u64::from(count)).filter(|_| *end == entry.base) else { return false };
        *end = next;
        self.index.add(at, entry);
        true
    }
}

/// Makes the index of a sealed segment again, from its chunks. All of them must be whole.
pub(crate) fn rebuild(
    file: Arc<dyn File>,
    path: &Path,
    log: LogId,
    sequence: u64,
    len: u64,
) -> Result<Contents, ReadError> {
    let damaged = |position, why: &str| ReadError::corrupt(path, position, why);
    let header = segment::read_header(file.as_ref(), len).map_err(ReadError::io("read", path))?;
    let Some((header, mut position)) = header else { return Err(damaged(0, "the segment has no valid header")) };
    let mut contents = Contents::new(header.heads);
    let mut scan = Scan::new(file, path, log, sequence, len);
    while position < len {
        let Some((header, chunk)) = scan.chunk(position)? else {
            return Err(damaged(position, "the chunk is not what was written"));
        };
        let bytes = header.bytes();
        let entry = Entry { base: header.base, position, bytes: u32::try_from(bytes).unwrap_or(u32::MAX) };
        if !contents.add(&chunk.at, entry, header.count) {
            return Err(damaged(position, "the chunk does not follow the one before it"));
        }
        position += bytes;
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use chasqui_domain::Partition;
    use chasqui_log::Topic;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const LOG: LogId = LogId([9; 16]);

    fn index() -> Index {
        let mut index = Index::default();
        for number in 0..10 {
            let entry = Entry { base: number * 3, position: number * 100, bytes: 100 };
            index.add(&Topic::Commands.partition(Partition(1)), entry);
            index.add(&Topic::Inbox.partition(Partition(0)), Entry { base: 5 + number, ..entry });
        }
        index
    }

    #[test]
    fn an_index_comes_back_and_only_for_its_segment() {
        let bytes = Bytes::from(index().encode(LOG, 4, 1000));
        assert_eq!(Index::decode(&bytes, LOG, 4, 1000), Some(index()));
        assert_eq!(Index::decode(&bytes, LOG, 5, 1000), None);
        assert_eq!(Index::decode(&bytes, LOG, 4, 999), None);
        assert_eq!(Index::decode(&bytes, LogId([8; 16]), 4, 1000), None);
    }

    #[test]
    fn the_chunk_that_holds_an_offset_is_found() {
        let at = Topic::Commands.partition(Partition(1));
        for offset in 0..30 {
            let found = index().find(&at, offset);
            assert_eq!(found[0].base, offset / 3 * 3);
            assert_eq!(found.len() as u64, 10 - offset / 3);
        }
        assert!(index().find(&Topic::Events.partition(Partition(1)), 0).is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(mut bytes in vec(any::<u8>(), 0..120), known: bool) {
            if known {
                let mut valid = index().encode(LOG, 4, 1000);
                valid.truncate(44);
                valid.append(&mut bytes);
                bytes = valid;
            }
            let crc = crc32c::crc32c(&bytes);
            put_u32(&mut bytes, crc);
            let _ = Index::decode(&bytes.into(), LOG, 4, 1000);
        }
    }
}
