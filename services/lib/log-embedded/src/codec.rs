//! How numbers and names are laid out in files: little endian, lengths in front, nothing trusted when read.

use std::borrow::Cow;

use bytes::{Buf, Bytes};
use chasqui_domain::{GatewayId, Offset, Partition, TimeMs};
use chasqui_log::{Header, Record, Topic, TopicPartition};

/// Key length, value length and number of headers.
pub(crate) const RECORD_BYTES_LEAST: usize = 12;
const HEADER_BYTES_LEAST: usize = 8;

/// What a record takes in a chunk.
pub(crate) fn record_bytes(record: &Record) -> usize {
    RECORD_BYTES_LEAST + HEADER_BYTES_LEAST * record.headers.len() + record.bytes()
}

/// Whether a checksum that is read is that of what was read. A fuzzer can't guess checksums, so in its builds each is.
pub(crate) fn is_checksum(read: u32, of: u32) -> bool {
    cfg!(fuzzing) || read == of
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

/// A length that the log's own limits keep far below 4 GiB.
pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    put_u32(out, u32::try_from(len).unwrap_or(u32::MAX));
}

pub(crate) fn put_place(out: &mut Vec<u8>, at: &TopicPartition) {
    let tag = match at.topic {
        Topic::Commands => 0,
        Topic::Events => 1,
        Topic::Inbox => 2,
        Topic::Presence => 3,
        Topic::Heartbeats => 4,
        Topic::Gateway(_) => 5,
        Topic::Revocations => 6,
    };
    out.push(tag);
    put_u32(out, at.partition.0);
    if let Topic::Gateway(id) = &at.topic {
        put_len(out, id.as_str().len());
        out.extend_from_slice(id.as_str().as_bytes());
    }
}

pub(crate) fn put_record(out: &mut Vec<u8>, record: &Record) {
    put_len(out, record.key.len());
    put_len(out, record.value.len());
    put_len(out, record.headers.len());
    out.extend_from_slice(&record.key);
    out.extend_from_slice(&record.value);
    for header in &record.headers {
        put_len(out, header.name.len());
        put_len(out, header.value.len());
        out.extend_from_slice(header.name.as_bytes());
        out.extend_from_slice(&header.value);
    }
}

/// Reads what was put; none where the bytes are not that.
pub(crate) struct Cursor(pub(crate) Bytes);

impl Cursor {
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = self.0.get(..N)?.try_into().ok()?;
        self.0.advance(N);
        Some(array)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn len(&mut self) -> Option<usize> {
        self.u32().and_then(|len| usize::try_from(len).ok())
    }

    fn bytes(&mut self, len: usize) -> Option<Bytes> {
        (len <= self.0.len()).then(|| self.0.split_to(len))
    }

    /// How many things follow. Each has at least `bytes_least`, so a count that doesn't fit is refused before anything
    /// is allocated for it.
    pub(crate) fn count(&mut self, bytes_least: usize) -> Option<usize> {
        self.len().filter(|count| count.saturating_mul(bytes_least) <= self.0.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn place(&mut self) -> Option<TopicPartition> {
        let [tag] = self.array()?;
        let partition = Partition(self.u32()?);
        let topic = match tag {
            0 => Topic::Commands,
            1 => Topic::Events,
            2 => Topic::Inbox,
            3 => Topic::Presence,
            4 => Topic::Heartbeats,
            5 => {
                let len = self.len()?;
                let name = self.bytes(len)?;
                Topic::Gateway(GatewayId::new(std::str::from_utf8(&name).ok()?).ok()?)
            }
            6 => Topic::Revocations,
            _ => return None,
        };
        Some(topic.partition(partition))
    }

    pub(crate) fn record(&mut self, offset: Offset, time: TimeMs) -> Option<Record> {
        let (key, value) = (self.len()?, self.len()?);
        let count = self.count(HEADER_BYTES_LEAST)?;
        let (key, value) = (self.bytes(key)?, self.bytes(value)?);
        let mut headers = Vec::with_capacity(count.min(self.0.len() / HEADER_BYTES_LEAST));
        for _ in 0..count {
            let (name, value) = (self.len()?, self.len()?);
            let name = header_name(&self.bytes(name)?)?;
            headers.push(Header { name, value: self.bytes(value)? });
        }
        Some(Record { offset, time, key, value, headers })
    }

    pub(crate) fn records(&mut self, count: usize, base: u64, time: TimeMs) -> Option<Vec<Record>> {
        if count.saturating_mul(RECORD_BYTES_LEAST) > self.0.len() {
            return None;
        }
        let mut records = Vec::with_capacity(count);
        for index in 0..count as u64 {
            records.push(self.record(Offset(base.checked_add(index)?), time)?);
        }
        Some(records)
    }
}

/// Nearly every record has the same headers; their names need no allocation.
fn header_name(bytes: &[u8]) -> Option<Cow<'static, str>> {
    Some(match bytes {
        b"traceparent" => Cow::Borrowed("traceparent"),
        b"tracestate" => Cow::Borrowed("tracestate"),
        _ => Cow::Owned(std::str::from_utf8(bytes).ok()?.to_owned()),
    })
}
