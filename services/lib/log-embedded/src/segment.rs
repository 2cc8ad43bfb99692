//! A segment file: a header, then chunks. The header says how much of the segment before it is valid, and where every
//! partition stood, so that neither is lost with older segments.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use chasqui_disk::{Disk, File};
use chasqui_domain::{LogId, TimeMs};
use chasqui_log::TopicPartition;

use crate::{
    codec::{Cursor, is_checksum, put_len, put_place, put_u32, put_u64},
    error::ReadError,
    options::SEGMENT_HEADER_BYTES_MAX,
};

pub(crate) const FORMAT: u32 = 1;
const MAGIC: [u8; 8] = *b"CHASQLOG";
const PREFIX_BYTES: usize = 16;
const PLACE_BYTES_LEAST: usize = 13;

/// Where partitions stood: their ends. One that is not named stood at 0.
pub(crate) type Heads = HashMap<TopicPartition, u64>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) log: LogId,
    pub(crate) sequence: u64,
    pub(crate) created: TimeMs,
    /// The time of the newest record before this segment.
    pub(crate) time: TimeMs,
    /// How many bytes of the segment before this one are valid; what lies behind was never confirmed.
    pub(crate) previous_bytes: u64,
    pub(crate) heads: Heads,
}

pub(crate) fn path(folder: &Path, sequence: u64) -> PathBuf {
    folder.join(format!("{sequence:020}.segment"))
}

pub(crate) fn index_path(folder: &Path, sequence: u64) -> PathBuf {
    folder.join(format!("{sequence:020}.index"))
}

/// The sequence in a file's name, if it has this extension.
pub(crate) fn sequence(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?.strip_suffix('.')?;
    if digits.len() == 20 { digits.parse().ok() } else { None }
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put_u32(&mut body, FORMAT);
        body.extend_from_slice(&self.log.0);
        put_u64(&mut body, self.sequence);
        put_u64(&mut body, self.created.0);
        put_u64(&mut body, self.time.0);
        put_u64(&mut body, self.previous_bytes);
        put_len(&mut body, self.heads.len());
        for (at, end) in &self.heads {
            put_place(&mut body, at);
            put_u64(&mut body, *end);
        }
        let mut bytes = MAGIC.to_vec();
        put_len(&mut bytes, body.len());
        put_u32(&mut bytes, crc32c::crc32c(&body));
        bytes.extend_from_slice(&body);
        bytes
    }

    fn decode(body: Bytes, crc: u32) -> Option<Self> {
        if !is_checksum(crc, crc32c::crc32c(&body)) {
            return None;
        }
        let mut cursor = Cursor(body);
        if cursor.u32()? != FORMAT {
            return None;
        }
        let mut header = Self {
            log: LogId(cursor.array()?),
            sequence: cursor.u64()?,
            created: TimeMs(cursor.u64()?),
            time: TimeMs(cursor.u64()?),
            previous_bytes: cursor.u64()?,
            heads: Heads::new(),
        };
        for _ in 0..cursor.count(PLACE_BYTES_LEAST)? {
            let at = cursor.place()?;
            header.heads.insert(at, cursor.u64()?);
        }
        cursor.is_empty().then_some(header)
    }
}

/// Reads a segment's header and its length; none where it is not one.
pub(crate) fn read_header(file: &dyn File, size: u64) -> io::Result<Option<(SegmentHeader, u64)>> {
    if size < PREFIX_BYTES as u64 {
        return Ok(None);
    }
    let mut prefix = [0; PREFIX_BYTES];
    file.read_exact_at(&mut prefix, 0)?;
    let mut cursor = Cursor(Bytes::copy_from_slice(&prefix));
    let (Some(MAGIC), Some(bytes), Some(crc)) = (cursor.array(), cursor.u32(), cursor.u32()) else { return Ok(None) };
    let end = PREFIX_BYTES as u64 + u64::from(bytes);
    if bytes as usize > SEGMENT_HEADER_BYTES_MAX || end > size {
        return Ok(None);
    }
    let mut body = vec![0; bytes as usize];
    file.read_exact_at(&mut body, PREFIX_BYTES as u64)?;
    Ok(SegmentHeader::decode(body.into(), crc).map(|header| (header, end)))
}

/// Makes a segment that is durable with its header; returns its file and length. A file of that name which an
/// attempt before left behind is overwritten.
pub(crate) fn create(
    disk: &dyn Disk,
    folder: &Path,
    header: &SegmentHeader,
) -> Result<(Arc<dyn File>, u64), ReadError> {
    let path = path(folder, header.sequence);
    let attempt = || {
        let file = disk.open(&path, true)?;
        let bytes = header.encode();
        file.set_len(0)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
        disk.sync_folder(folder)?;
        Ok((file, bytes.len() as u64))
    };
    attempt().map_err(ReadError::io("create", &path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use chasqui_domain::{GatewayId, Partition};
    use chasqui_log::Topic;
    use chasqui_testkit::CrashDisk;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn header() -> SegmentHeader {
        let gateway = Topic::Gateway(GatewayId::new("g-1").unwrap());
        SegmentHeader {
            log: LogId([1; 16]),
            sequence: 5,
            created: TimeMs(1),
            time: TimeMs(2),
            previous_bytes: 3,
            heads: Heads::from([
                (Topic::Commands.partition(Partition(2)), 44),
                (gateway.partition(Partition(0)), u64::MAX),
            ]),
        }
    }

    #[test]
    fn a_header_comes_back() {
        let disk = CrashDisk::new();
        disk.create_folder(Path::new("/l")).unwrap();
        let (file, size) = create(&disk, Path::new("/l"), &header()).unwrap();
        assert_eq!(read_header(file.as_ref(), size).unwrap(), Some((header(), size)));
        assert_eq!(read_header(file.as_ref(), size - 1).unwrap(), None);
    }

    #[test]
    fn names_are_read_strictly() {
        assert_eq!(sequence("00000000000000000012.segment", "segment"), Some(12));
        for name in ["12.segment", "00000000000000000012.index", "00000000000000000012segment", "log.json"] {
            assert_eq!(sequence(name, "segment"), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..120)) {
            let body = Bytes::from(bytes);
            let crc = crc32c::crc32c(&body);
            let _ = SegmentHeader::decode(body, crc);
        }
    }
}
