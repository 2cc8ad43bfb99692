//! Reads a segment chunk by chunk.

use std::{path::Path, path::PathBuf, sync::Arc};

use bytes::Bytes;
use chasqui_disk::File;
use chasqui_domain::LogId;
use chasqui_log::TopicPartition;

use crate::{
    chunk::{self, Chunk, HEADER_BYTES, Header, Site},
    error::ReadError,
    index::Entry,
    options::SCAN_BYTES,
};

/// Goes through the first `limit` bytes of a segment.
pub(crate) struct Scan {
    file: Arc<dyn File>,
    path: PathBuf,
    log: LogId,
    segment: u64,
    limit: u64,
    window_at: u64,
    window: Bytes,
}

impl Scan {
    pub(crate) fn new(file: Arc<dyn File>, path: &Path, log: LogId, segment: u64, limit: u64) -> Self {
        Self { file, path: path.to_owned(), log, segment, limit, window_at: 0, window: Bytes::new() }
    }

    /// `len` bytes from `position`; none where the segment ends before.
    fn bytes(&mut self, position: u64, len: usize) -> Result<Option<Bytes>, ReadError> {
        if position.checked_add(len as u64).is_none_or(|end| end > self.limit) {
            return Ok(None);
        }
        let inside = |scan: &Self| {
            let from = usize::try_from(position.checked_sub(scan.window_at)?).ok()?;
            let to = from.checked_add(len)?;
            (to <= scan.window.len()).then(|| scan.window.slice(from..to))
        };
        if let Some(bytes) = inside(self) {
            return Ok(Some(bytes));
        }
        let rest = usize::try_from(self.limit - position).unwrap_or(usize::MAX);
        let mut window = vec![0; len.max(SCAN_BYTES).min(rest)];
        self.file.read_exact_at(&mut window, position).map_err(ReadError::io("read", &self.path))?;
        self.window = window.into();
        self.window_at = position;
        Ok(inside(self))
    }

    /// The chunk at `position`; none where there is none that is whole.
    pub(crate) fn chunk(&mut self, position: u64) -> Result<Option<(Header, Chunk)>, ReadError> {
        let site = Site { log: self.log, segment: self.segment, position };
        let Some(bytes) = self.bytes(position, HEADER_BYTES)? else { return Ok(None) };
        let Some(header) = chunk::decode_header(&bytes, site) else { return Ok(None) };
        let Some(body) = self.bytes(position + HEADER_BYTES as u64, header.body_bytes as usize)? else {
            return Ok(None);
        };
        Ok(chunk::decode_body(&header, body).map(|chunk| (header, chunk)))
    }

    /// The first place from `position` on that has a chunk header of a commit after `commit`. A header proves that its
    /// commit began to be written, hence that all commits before it were synced.
    pub(crate) fn later_commit(&mut self, position: u64, commit: Option<u64>) -> Result<Option<u64>, ReadError> {
        let mut at = position;
        while let Some(rest) = self.limit.checked_sub(at).filter(|rest| *rest >= HEADER_BYTES as u64) {
            let len = SCAN_BYTES.min(usize::try_from(rest).unwrap_or(usize::MAX));
            let Some(bytes) = self.bytes(at, len)? else { return Ok(None) };
            for from in 0..=len - HEADER_BYTES {
                if bytes[from..from + chunk::MAGIC.len()] != chunk::MAGIC {
                    continue;
                }
                let site = Site { log: self.log, segment: self.segment, position: at + from as u64 };
                let header = chunk::decode_header(&bytes.slice(from..), site);
                if header.is_some_and(|header| commit.is_none_or(|commit| header.commit > commit)) {
                    return Ok(Some(site.position));
                }
            }
            at += (len - HEADER_BYTES + 1) as u64;
        }
        Ok(None)
    }
}

/// Reads the chunk that an index names, and checks that it is the one.
pub(crate) fn read_chunk(
    file: &dyn File,
    path: &Path,
    log: LogId,
    segment: u64,
    at: &TopicPartition,
    entry: Entry,
) -> Result<Chunk, ReadError> {
    let damaged = || ReadError::corrupt(path, entry.position, "the chunk is not what was written");
    // An entry's length was checked against the chunk's bounds when the index was made or loaded.
    let mut bytes = vec![0; entry.bytes as usize];
    file.read_exact_at(&mut bytes, entry.position).map_err(|source| match source.kind() {
        std::io::ErrorKind::UnexpectedEof => ReadError::corrupt(path, entry.position, "the file ends before"),
        _ => ReadError::Io { what: "read", path: path.to_owned(), source },
    })?;
    let bytes = Bytes::from(bytes);
    let site = Site { log, segment, position: entry.position };
    let header = chunk::decode_header(&bytes, site).ok_or_else(damaged)?;
    let chunk = chunk::decode_body(&header, bytes.slice(HEADER_BYTES..)).ok_or_else(damaged)?;
    if chunk.at == *at && header.base == entry.base { Ok(chunk) } else { Err(damaged()) }
}
