//! How values are laid out: a CRC32C over key and content, then the content. Numbers are big endian.
//!
//! The database doesn't check what it reads, so each value proves that it is whole and that it belongs to its key.

use bytes::Bytes;
use chasqui_domain::{
    ChatId, DeviceId, GatewayId, Incarnation, LogId, Offset, Partition, Position, SessionId, Source, Term, TimeMs,
    UserId, Version,
};
use chasqui_store::{Ban, BanKey, BanReason, Checkpoint, DeviceRow, EventRow, Snapshot, Stream};

use crate::fault::Fault;

const CRC_BYTES: usize = 4;

/// A value being made.
pub(crate) struct Value(Vec<u8>);

impl Value {
    fn new(bytes: usize) -> Self {
        let mut value = Vec::with_capacity(CRC_BYTES + bytes);
        value.resize(CRC_BYTES, 0);
        Self(value)
    }

    fn put(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u64(self, number: u64) -> Self {
        self.put(&number.to_be_bytes())
    }

    fn u32(self, number: u32) -> Self {
        self.put(&number.to_be_bytes())
    }

    /// Bytes behind their length. None of ours comes near 4 GiB: a record of the log has at most 1 MiB.
    fn sized(self, bytes: &[u8]) -> Self {
        self.u32(bytes.len() as u32).put(bytes)
    }

    fn seal(mut self, key: &[u8]) -> Vec<u8> {
        let (_, content) = self.0.split_at(CRC_BYTES);
        let crc = crc32c::crc32c_append(crc32c::crc32c(key), content);
        self.0[..CRC_BYTES].copy_from_slice(&crc.to_be_bytes());
        self.0
    }
}

/// The rest of a value being read.
struct Content<'a>(&'a [u8]);

impl<'a> Content<'a> {
    fn open(key: &[u8], value: &'a [u8]) -> Option<Self> {
        let (crc, content) = value.split_first_chunk()?;
        let is_whole = u32::from_be_bytes(*crc) == crc32c::crc32c_append(crc32c::crc32c(key), content);
        is_whole.then_some(Self(content))
    }

    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let bytes = self.u32()?;
        self.take(bytes as usize)
    }

    fn rest(self) -> Bytes {
        Bytes::copy_from_slice(self.0)
    }

    /// Nothing may be left.
    fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

fn damaged(table: &str, key: &[u8]) -> Fault {
    Fault::Damaged(format!("a row of {table} is not what was written, its key is {key:02x?}"))
}

/// The value of an event.
pub(crate) fn event(key: &[u8], row: &EventRow) -> Vec<u8> {
    let body = row.body.as_deref();
    Value::new(37 + row.envelope.len() + body.map_or(0, <[u8]>::len))
        .put(&row.source.log.0)
        .u32(row.source.partition.0)
        .u64(row.source.offset.0)
        .u32(row.source.index)
        .put(&[u8::from(body.is_some())])
        .sized(&row.envelope)
        .put(body.unwrap_or_default())
        .seal(key)
}

/// Reads an event.
pub(crate) fn read_event(
    chat: ChatId,
    stream: Stream,
    version: Version,
    key: &[u8],
    value: &[u8],
) -> Result<EventRow, Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        let source = Source {
            log: LogId(content.array()?),
            partition: Partition(content.u32()?),
            offset: Offset(content.u64()?),
            index: content.u32()?,
        };
        let [has_body] = content.array()?;
        let envelope = Bytes::copy_from_slice(content.sized()?);
        let body = if has_body == 1 {
            Some(content.rest())
        } else {
            content.end()?;
            None
        };
        Some(EventRow { chat, stream, version, source, envelope, body })
    };
    read().ok_or_else(|| damaged("events", key))
}

/// The value of a snapshot.
pub(crate) fn snapshot(key: &[u8], snapshot: &Snapshot) -> Vec<u8> {
    Value::new(8 + snapshot.bytes.len()).u64(snapshot.version.0).put(&snapshot.bytes).seal(key)
}

/// Reads a snapshot.
pub(crate) fn read_snapshot(chat: ChatId, key: &[u8], value: &[u8]) -> Result<Snapshot, Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        Some(Snapshot { chat, version: Version(content.u64()?), bytes: content.rest() })
    };
    read().ok_or_else(|| damaged("snapshots", key))
}

/// The value of a summary, as of a version.
pub(crate) fn summary(key: &[u8], version: Version, summary: &[u8]) -> Vec<u8> {
    Value::new(8 + summary.len()).u64(version.0).put(summary).seal(key)
}

/// Reads a summary.
pub(crate) fn read_summary(key: &[u8], value: &[u8]) -> Result<(Version, Bytes), Fault> {
    read_versioned("summaries", key, value)
}

/// The value of a member, as of a version.
pub(crate) fn member(key: &[u8], version: Version, state: &[u8]) -> Vec<u8> {
    Value::new(8 + state.len()).u64(version.0).put(state).seal(key)
}

/// Reads a member.
pub(crate) fn read_member(key: &[u8], value: &[u8]) -> Result<(Version, Bytes), Fault> {
    read_versioned("members", key, value)
}

/// The value of a message, as of a version.
pub(crate) fn message(key: &[u8], version: Version, state: &[u8]) -> Vec<u8> {
    Value::new(8 + state.len()).u64(version.0).put(state).seal(key)
}

/// Reads a message.
pub(crate) fn read_message(key: &[u8], value: &[u8]) -> Result<(Version, Bytes), Fault> {
    read_versioned("messages", key, value)
}

fn read_versioned(table: &str, key: &[u8], value: &[u8]) -> Result<(Version, Bytes), Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        Some((Version(content.u64()?), content.rest()))
    };
    read().ok_or_else(|| damaged(table, key))
}

/// The value of a checkpoint.
pub(crate) fn checkpoint(key: &[u8], checkpoint: &Checkpoint) -> Vec<u8> {
    Value::new(16 + checkpoint.state.len())
        .u64(checkpoint.inbox.0)
        .u64(checkpoint.presence.0)
        .put(&checkpoint.state)
        .seal(key)
}

/// Reads a checkpoint, whose term is kept elsewhere.
pub(crate) fn read_checkpoint(key: &[u8], term: Term, value: &[u8]) -> Result<Checkpoint, Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        let (inbox, presence) = (Offset(content.u64()?), Offset(content.u64()?));
        Some(Checkpoint { term, inbox, presence, state: content.rest() })
    };
    read().ok_or_else(|| damaged("checkpoints", key))
}

/// The value of an inbox row.
pub(crate) fn entry(key: &[u8], time: TimeMs, entry: &[u8]) -> Vec<u8> {
    Value::new(8 + entry.len()).u64(time.0).put(entry).seal(key)
}

/// Reads an inbox row.
pub(crate) fn read_entry(key: &[u8], value: &[u8]) -> Result<(TimeMs, Bytes), Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        Some((TimeMs(content.u64()?), content.rest()))
    };
    read().ok_or_else(|| damaged("inbox", key))
}

/// The value of a device.
pub(crate) fn device(key: &[u8], row: &DeviceRow) -> Vec<u8> {
    let gateway = row.gateway.as_str().as_bytes();
    Value::new(57 + gateway.len())
        .put(&row.told.log.0)
        .u64(row.told.offset.0)
        .u64(row.connected.0)
        .put(&[u8::from(row.disconnected.is_some())])
        .u64(row.disconnected.unwrap_or_default().0)
        .u64(row.incarnation.0)
        .u64(row.session.0)
        .put(gateway)
        .seal(key)
}

/// Reads a device.
pub(crate) fn read_device(user: &UserId, device: DeviceId, key: &[u8], value: &[u8]) -> Result<DeviceRow, Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        let told = Position { log: LogId(content.array()?), offset: Offset(content.u64()?) };
        let connected = TimeMs(content.u64()?);
        let ([has_left], left) = (content.array()?, TimeMs(content.u64()?));
        let (incarnation, session) = (Incarnation(content.u64()?), SessionId(content.u64()?));
        let gateway = GatewayId::new(std::str::from_utf8(content.0).ok()?).ok()?;
        let disconnected = (has_left == 1).then_some(left);
        Some(DeviceRow { user: user.clone(), device, told, connected, disconnected, gateway, incarnation, session })
    };
    read().ok_or_else(|| damaged("devices", key))
}

/// The value of a ban.
pub(crate) fn ban(key: &[u8], ban: &Ban) -> Vec<u8> {
    let reason = ban.reason.as_ref().map(|reason| reason.as_str().as_bytes());
    Value::new(9 + reason.map_or(0, <[u8]>::len))
        .u64(ban.since.0)
        .put(&[u8::from(reason.is_some())])
        .put(reason.unwrap_or_default())
        .seal(key)
}

/// Reads a ban.
pub(crate) fn read_ban(of: BanKey, key: &[u8], value: &[u8]) -> Result<Ban, Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        let (since, [has_reason]) = (TimeMs(content.u64()?), content.array()?);
        let reason = BanReason::new(std::str::from_utf8(content.0).ok()?).ok()?;
        Some(Ban { key: of, since, reason: (has_reason == 1).then_some(reason) })
    };
    read().ok_or_else(|| damaged("bans", key))
}

/// A value of numbers alone.
pub(crate) fn numbers<const N: usize>(key: &[u8], numbers: [u64; N]) -> Vec<u8> {
    numbers.into_iter().fold(Value::new(8 * N), Value::u64).seal(key)
}

/// Reads a value of numbers alone.
pub(crate) fn read_numbers<const N: usize>(table: &str, key: &[u8], value: &[u8]) -> Result<[u64; N], Fault> {
    let read = || {
        let mut content = Content::open(key, value)?;
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = content.u64()?;
        }
        content.end()?;
        Some(numbers)
    };
    read().ok_or_else(|| damaged(table, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat() -> ChatId {
        ChatId::direct(&UserId::new("alice").unwrap(), &UserId::new("bob").unwrap())
    }

    #[test]
    fn values_read_back_and_no_flipped_or_missing_byte_goes_unseen() {
        let source = Source { log: LogId([3; 16]), partition: Partition(4), offset: Offset(5), index: 6 };
        let envelope = Bytes::from_static(b"envelope");
        for body in [None, Some(Bytes::new()), Some(Bytes::from_static(b"body"))] {
            let row = EventRow {
                chat: chat(),
                stream: Stream::Content,
                version: Version(9),
                source,
                envelope: envelope.clone(),
                body,
            };
            let value = event(b"key", &row);
            let read = |key: &[u8], value: &[u8]| read_event(chat(), Stream::Content, Version(9), key, value);
            assert_eq!(read(b"key", &value).unwrap(), row);
            assert!(read(b"kez", &value).is_err());
            for at in 0..value.len() {
                let mut other = value.clone();
                other[at] ^= 1;
                assert!(read(b"key", &other).is_err());
                assert!(read(b"key", &value[..at]).is_err());
            }
        }
    }

    #[test]
    fn what_has_become_of_a_message_reads_back_and_no_flipped_or_missing_byte_goes_unseen() {
        for state in [&b""[..], b"state"] {
            let value = message(b"key", Version(9), state);
            assert_eq!(read_message(b"key", &value).unwrap(), (Version(9), Bytes::copy_from_slice(state)));
            assert!(read_message(b"kez", &value).is_err());
            for at in 0..value.len() {
                let mut other = value.clone();
                other[at] ^= 1;
                assert!(read_message(b"key", &other).is_err());
                assert!(read_message(b"key", &value[..at]).is_err());
            }
        }
    }

    #[test]
    fn a_value_that_lies_about_its_lengths_is_damaged() {
        let value = Value::new(0).put(&[0; 37]).u32(u32::MAX).seal(b"key");
        assert!(read_event(chat(), Stream::Content, Version(9), b"key", &value).is_err());
    }
}
