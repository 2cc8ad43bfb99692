//! Every limit of this crate, and what can be set.

use std::time::Duration;

use chasqui_log::{Partitions, RECORD_BYTES_MAX};

/// How large a chunk may grow before the next record of its partition begins another. A read from disk takes chunks
/// whole, so small ones waste less; each costs a header.
pub(crate) const CHUNK_BYTES_TARGET: usize = 256 * 1024;

/// The most bytes behind a chunk's header: what is there when the last record comes, that record, and what encoding
/// adds. A longer length on disk is damage, and nothing is allocated for it.
pub(crate) const CHUNK_BODY_BYTES_MAX: usize = CHUNK_BYTES_TARGET + 2 * RECORD_BYTES_MAX;

/// The most bytes of a segment's header: some hundred thousand partitions and gateways.
pub(crate) const SEGMENT_HEADER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most bytes that one commit takes from the queue; a batch that alone is larger goes alone.
pub(crate) const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How much of a segment is filled with zeroes ahead of what is written, at most: a sixteenth of a segment. Syncing what lies
/// in room that is there changes nothing but the data, which disks do faster; and whoever has a place has room.
pub(crate) const ROOM_BYTES_MAX: u64 = 512 * 1024;

/// See [`ROOM_BYTES_MAX`].
pub(crate) const ROOM_OF_SEGMENT: u64 = 16;

/// How much of a segment is read at once when it is scanned.
pub(crate) const SCAN_BYTES: usize = 1024 * 1024;

/// How much one read from disk gathers for a reader that catches up.
pub(crate) const READ_BYTES_TARGET: usize = 256 * 1024;

/// From how many chunks it gathers at most.
pub(crate) const READ_CHUNKS_MAX: usize = 256;

/// The most records that one `next` returns, so that records without a byte are bounded too.
pub(crate) const READ_RECORDS_MAX: usize = 4096;

/// How many sealed segments keep their file open and their index in memory.
pub(crate) const SEALED_OPEN_MAX: usize = 8;

/// How long after a segment couldn't be begun it is tried again.
pub(crate) const ROLL_AGAIN: Duration = Duration::from_secs(1);

/// How often a log that is written to looks for what retention may remove, beside after every roll and release.
pub(crate) const TRIM_EVERY_MS: u64 = 60_000;

// A chunk holds the largest record with the headers that it may have, whatever came before it.
const _: () = assert!(CHUNK_BODY_BYTES_MAX > CHUNK_BYTES_TARGET + RECORD_BYTES_MAX);
const _: () = assert!(COMMIT_BYTES_MAX > CHUNK_BODY_BYTES_MAX);

/// What can be set about an embedded log.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many partitions the topics have. Fixed for a folder; another number refuses to open.
    pub partitions: Partitions,
    /// The bytes after which a segment is sealed and the next begins. Default 64 MiB.
    pub segment_bytes: u64,
    /// The milliseconds after which a segment is sealed however small it is, so that retention can remove it.
    /// Default 1 day.
    pub segment_ms: u64,
    /// The age in milliseconds after which records may be removed. Default 7 days.
    pub retention_ms: u64,
    /// The bytes of all segments above which the oldest may be removed before its age. Default none.
    pub bytes_max: Option<u64>,
    /// The bytes that may wait to be written; at the bound `enqueue` waits. At most 4 GiB - 1. Default 32 MiB.
    pub queue_bytes_max: usize,
    /// The bytes of the newest records that are kept in memory for readers near the end. Default 64 MiB.
    pub cache_bytes: usize,
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new(partitions: Partitions) -> Self {
        const DAY_MS: u64 = Duration::from_secs(24 * 60 * 60).as_millis() as u64;
        Self {
            partitions,
            segment_bytes: 64 * 1024 * 1024,
            segment_ms: DAY_MS,
            retention_ms: 7 * DAY_MS,
            bytes_max: None,
            queue_bytes_max: 32 * 1024 * 1024,
            cache_bytes: 64 * 1024 * 1024,
        }
    }
}
