//! A chunk: the records that one commit puts into one partition. All chunks of a commit are written and synced
//! together; those of a commit whose last is missing were never confirmed.

use std::sync::Arc;

use bytes::Bytes;
use chasqui_domain::{GatewayId, LogId, TimeMs};
use chasqui_log::{Record, TopicPartition};

use crate::{
    codec::{Cursor, is_checksum, put_place, put_record, put_u32, put_u64},
    options::CHUNK_BODY_BYTES_MAX,
};

pub(crate) const HEADER_BYTES: usize = 48;

/// What stands between the header and the records: a tag, a partition, and a gateway's id with its length.
pub(crate) const PLACE_BYTES_MAX: usize = 9 + GatewayId::BYTES_MAX;

pub(crate) const MAGIC: [u8; 4] = *b"CHNK";

/// Magic and the two checksums.
const CHECKED_FROM: usize = 8;

/// Where a chunk lies. It is mixed into the checksum, so that bytes of another log, segment or place, or a record
/// whose value looks like a chunk, are never taken for one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) log: LogId,
    pub(crate) segment: u64,
    pub(crate) position: u64,
}

impl Site {
    fn seed(self) -> u32 {
        let seed = crc32c::crc32c(&self.log.0);
        let seed = crc32c::crc32c_append(seed, &self.segment.to_le_bytes());
        crc32c::crc32c_append(seed, &self.position.to_le_bytes())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) body_crc: u32,
    pub(crate) body_bytes: u32,
    /// The number of the commit in its segment, from 0.
    pub(crate) commit: u64,
    /// How many chunks of the commit follow this one.
    pub(crate) left: u32,
    pub(crate) count: u32,
    pub(crate) base: u64,
    pub(crate) time: TimeMs,
}

impl Header {
    /// The bytes of the whole chunk.
    pub(crate) fn bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.body_bytes)
    }
}

/// What is in a chunk.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) at: TopicPartition,
    pub(crate) records: Vec<Record>,
}

/// Appends a chunk to `out`. `site.position` is where it will lie. The runs follow each other, none is empty, and all records
/// have one time.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    site: Site,
    commit: u64,
    left: u32,
    at: &TopicPartition,
    runs: &[Arc<[Record]>],
) {
    let first = runs.first().and_then(|run| run.first());
    let start = out.len();
    out.resize(start + HEADER_BYTES, 0);
    put_place(out, at);
    for record in runs.iter().flat_map(|run| run.iter()) {
        put_record(out, record);
    }
    let body = &out[start + HEADER_BYTES..];
    debug_assert!(body.len() <= CHUNK_BODY_BYTES_MAX, "{}", body.len());
    let mut checked = Vec::with_capacity(HEADER_BYTES - CHECKED_FROM);
    put_u32(&mut checked, crc32c::crc32c(body));
    put_u32(&mut checked, u32::try_from(body.len()).unwrap_or(u32::MAX));
    put_u64(&mut checked, commit);
    put_u32(&mut checked, left);
    let count = runs.iter().map(|run| run.len()).sum::<usize>();
    put_u32(&mut checked, u32::try_from(count).unwrap_or(u32::MAX));
    put_u64(&mut checked, first.map_or(0, |record| record.offset.0));
    put_u64(&mut checked, first.map_or(0, |record| record.time.0));
    let crc = crc32c::crc32c_append(site.seed(), &checked);
    out[start..start + 4].copy_from_slice(&MAGIC);
    out[start + 4..start + CHECKED_FROM].copy_from_slice(&crc.to_le_bytes());
    out[start + CHECKED_FROM..start + HEADER_BYTES].copy_from_slice(&checked);
}

/// Reads a header; none where there is no chunk, or its length is beyond all bounds.
pub(crate) fn decode_header(bytes: &Bytes, site: Site) -> Option<Header> {
    let mut cursor = Cursor(bytes.get(..HEADER_BYTES).map(|header| bytes.slice_ref(header))?);
    let (magic, crc) = (cursor.array::<4>()?, cursor.u32()?);
    if magic != MAGIC || !is_checksum(crc, crc32c::crc32c_append(site.seed(), &cursor.0)) {
        return None;
    }
    let header = Header {
        body_crc: cursor.u32()?,
        body_bytes: cursor.u32()?,
        commit: cursor.u64()?,
        left: cursor.u32()?,
        count: cursor.u32()?,
        base: cursor.u64()?,
        time: TimeMs(cursor.u64()?),
    };
    (header.body_bytes as usize <= CHUNK_BODY_BYTES_MAX && header.count > 0).then_some(header)
}

/// Reads what follows a header; none where it is not what was written.
pub(crate) fn decode_body(header: &Header, body: Bytes) -> Option<Chunk> {
    if body.len() != header.body_bytes as usize || !is_checksum(header.body_crc, crc32c::crc32c(&body)) {
        return None;
    }
    let mut cursor = Cursor(body);
    let at = cursor.place()?;
    let records = cursor.records(header.count as usize, header.base, header.time)?;
    cursor.is_empty().then_some(Chunk { at, records })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use chasqui_domain::{GatewayId, Offset, Partition};
    use chasqui_log::Topic;
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::codec::record_bytes;

    const SITE: Site = Site { log: LogId([7; 16]), segment: 3, position: 4096 };

    fn decode(bytes: &Bytes, site: Site) -> Option<(Header, Chunk)> {
        let header = decode_header(bytes, site)?;
        let end = usize::try_from(header.bytes()).unwrap();
        let body = (end <= bytes.len()).then(|| bytes.slice(HEADER_BYTES..end))?;
        Some((header, decode_body(&header, body)?))
    }

    fn topics() -> impl Strategy<Value = TopicPartition> {
        let topic = prop_oneof![
            Just(Topic::Commands),
            Just(Topic::Events),
            Just(Topic::Inbox),
            Just(Topic::Presence),
            Just(Topic::Heartbeats),
            Just(Topic::Revocations),
            "[a-zA-Z0-9_-]{1,48}".prop_map(|id| Topic::Gateway(GatewayId::new(id).unwrap())),
        ];
        (topic, any::<u32>()).prop_map(|(topic, partition)| topic.partition(Partition(partition)))
    }

    fn records() -> impl Strategy<Value = Vec<Record>> {
        let bytes = || vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        let header =
            (".{0,12}", bytes()).prop_map(|(name, value)| chasqui_log::Header { name: Cow::Owned(name), value });
        let record = (bytes(), bytes(), vec(header, 0..4)).prop_map(|(key, value, headers)| (key, value, headers));
        (vec(record, 1..20), 0..u64::MAX / 2, any::<u64>()).prop_map(|(records, base, time)| {
            let number = |((key, value, headers), offset)| Record {
                offset: Offset(offset),
                time: TimeMs(time),
                key,
                value,
                headers,
            };
            records.into_iter().zip(base..).map(number).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(at in topics(), records in records(), commit: u64, left: u32) {
            let mut bytes = Vec::new();
            encode(&mut bytes, SITE, commit, left, &at, &[records.clone().into()]);
            let mut place = Vec::new();
            put_place(&mut place, &at);
            let expected: usize = records.iter().map(record_bytes).sum();
            prop_assert_eq!(bytes.len(), HEADER_BYTES + place.len() + expected);
            let (header, chunk) = decode(&bytes.into(), SITE).unwrap();
            prop_assert_eq!((header.commit, header.left), (commit, left));
            prop_assert_eq!(chunk.at, at);
            prop_assert_eq!(chunk.records, records);
        }

        #[test]
        fn a_flipped_bit_is_noticed(at in topics(), records in records(), place: prop::sample::Index, bit in 0..8) {
            let mut bytes = Vec::new();
            encode(&mut bytes, SITE, 1, 2, &at, &[records.clone().into()]);
            let place = place.index(bytes.len());
            bytes[place] ^= 1u8 << bit;
            prop_assert!(decode(&bytes.into(), SITE).is_none());
        }

        #[test]
        fn a_chunk_elsewhere_is_not_one(at in topics(), records in records(), segment: u64, position: u64) {
            let mut bytes = Vec::new();
            encode(&mut bytes, SITE, 1, 2, &at, &[records.clone().into()]);
            let site = Site { segment, position, ..SITE };
            prop_assert!(decode(&bytes.into(), site).is_none());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200), count: u32, base: u64) {
            let body = Bytes::from(bytes);
            let _ = decode(&body, SITE);
            // Also where the checksum happens to be right.
            let header = Header {
                body_crc: crc32c::crc32c(&body),
                body_bytes: u32::try_from(body.len()).unwrap(),
                commit: 0,
                left: 0,
                count,
                base,
                time: TimeMs(0),
            };
            let _ = decode_body(&header, body);
        }
    }
}
