//! What is kept as one value: columns that must never be of two writes at once lie in one cell, and a source is never asked
//! for by its parts. Numbers are big endian.

use bytes::Bytes;
use chasqui_domain::{
    ChatId, DeviceId, GatewayId, Incarnation, LogId, Offset, Partition, Position, SessionId, Source, Term, TimeMs,
    UserId,
};
use chasqui_store::{Checkpoint, DeviceRow, Error};

use crate::error::damaged;

/// The rest of a value being read.
struct Content<'a>(&'a [u8]);

impl Content<'_> {
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

    fn text(&mut self, bytes: usize) -> Option<&str> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        std::str::from_utf8(taken).ok()
    }

    /// Nothing may be left.
    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

const SOURCE_BYTES: usize = 16 + 4 + 8 + 4;

/// The value of a source.
pub(crate) fn source(source: &Source) -> [u8; SOURCE_BYTES] {
    let mut value = [0; SOURCE_BYTES];
    value[..16].copy_from_slice(&source.log.0);
    value[16..20].copy_from_slice(&source.partition.0.to_be_bytes());
    value[20..28].copy_from_slice(&source.offset.0.to_be_bytes());
    value[28..].copy_from_slice(&source.index.to_be_bytes());
    value
}

/// Reads a source.
pub(crate) fn read_source(value: &[u8]) -> Result<Source, Error> {
    let mut content = Content(value);
    let mut read = || {
        let log = LogId(content.array()?);
        let source =
            Source { log, partition: Partition(content.u32()?), offset: Offset(content.u64()?), index: content.u32()? };
        content.end()?;
        Some(source)
    };
    read().ok_or_else(|| damaged("events", "its source has another length"))
}

/// The value of a checkpoint, whose term is in its key. The number of the save comes first: of two with the same timestamp the
/// servers keep the one that is greater as bytes.
pub(crate) fn checkpoint(save: u64, checkpoint: &Checkpoint) -> Vec<u8> {
    let numbers = [save, checkpoint.inbox.0, checkpoint.presence.0];
    let mut value = Vec::with_capacity(numbers.len() * 8 + checkpoint.state.len());
    value.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    value.extend_from_slice(&checkpoint.state);
    value
}

/// Reads a checkpoint.
pub(crate) fn read_checkpoint(term: Term, value: &[u8]) -> Result<Checkpoint, Error> {
    let mut content = Content(value);
    let mut read = || {
        content.u64()?;
        let (inbox, presence) = (Offset(content.u64()?), Offset(content.u64()?));
        Some(Checkpoint { term, inbox, presence, state: Bytes::copy_from_slice(content.0) })
    };
    read().ok_or_else(|| damaged("checkpoints", "it is too short"))
}

/// The value of a device, whose user and life of the topics are in its key.
pub(crate) fn device(row: &DeviceRow) -> Vec<u8> {
    const { assert!(DeviceId::BYTES_MAX <= u8::MAX as usize) };
    let (device, gateway) = (row.device.as_str().as_bytes(), row.gateway.as_str().as_bytes());
    let mut value = Vec::with_capacity(1 + device.len() + 5 * 8 + 1 + gateway.len());
    value.push(device.len() as u8);
    value.extend_from_slice(device);
    for number in [row.told.offset.0, row.connected.0, row.incarnation.0, row.session.0] {
        value.extend_from_slice(&number.to_be_bytes());
    }
    value.push(u8::from(row.disconnected.is_some()));
    value.extend_from_slice(&row.disconnected.unwrap_or_default().0.to_be_bytes());
    value.extend_from_slice(gateway);
    value
}

/// Reads a device.
pub(crate) fn read_device(user: &UserId, log: &[u8], value: &[u8]) -> Result<DeviceRow, Error> {
    let mut content = Content(value);
    let mut read = || {
        let [device_bytes] = content.array()?;
        let device = DeviceId::new(content.text(device_bytes.into())?).ok()?;
        let told = Position { log: LogId(log.try_into().ok()?), offset: Offset(content.u64()?) };
        let connected = TimeMs(content.u64()?);
        let (incarnation, session) = (Incarnation(content.u64()?), SessionId(content.u64()?));
        let ([has_left], left) = (content.array()?, TimeMs(content.u64()?));
        Some(DeviceRow {
            user: user.clone(),
            device,
            told,
            connected,
            disconnected: (has_left == 1).then_some(left),
            gateway: GatewayId::new(content.text(content.0.len())?).ok()?,
            incarnation,
            session,
        })
    };
    read().ok_or_else(|| damaged("devices", "it has other parts"))
}

/// The chat in a column.
pub(crate) fn read_chat(table: &str, value: &[u8]) -> Result<ChatId, Error> {
    ChatId::from_bytes(value).map_err(|error| damaged(table, error))
}

/// The user in a column.
pub(crate) fn read_user(table: &str, value: &str) -> Result<UserId, Error> {
    UserId::new(value).map_err(|error| damaged(table, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_reads_back_and_nothing_else_is_one() {
        let one = Source { log: LogId([3; 16]), partition: Partition(4), offset: Offset(u64::MAX), index: 6 };
        let value = source(&one);
        assert_eq!(read_source(&value).unwrap(), one);
        for other in [&value[..SOURCE_BYTES - 1], &[0; SOURCE_BYTES + 1], &[]] {
            assert!(read_source(other).is_err());
        }
    }

    #[test]
    fn a_checkpoint_reads_back_and_a_later_save_is_the_greater_value() {
        let saved = |state: &'static [u8]| Checkpoint {
            term: Term(3),
            inbox: Offset(1 << 40),
            presence: Offset(9),
            state: Bytes::from_static(state),
        };
        let (first, second) = (checkpoint(255, &saved(b"zzz")), checkpoint(256, &saved(b"")));
        assert_eq!(read_checkpoint(Term(3), &first).unwrap(), saved(b"zzz"));
        assert_eq!(read_checkpoint(Term(3), &second).unwrap(), saved(b""));
        assert!(first < second);
        assert!(read_checkpoint(Term(3), &second[..23]).is_err());
    }

    #[test]
    fn a_device_reads_back_and_no_part_of_one_does() {
        let user = UserId::new("alice").unwrap();
        let row = DeviceRow {
            user: user.clone(),
            device: DeviceId::new("phone").unwrap(),
            told: Position { log: LogId([7; 16]), offset: Offset(5) },
            connected: TimeMs(6),
            disconnected: None,
            gateway: GatewayId::new("g-1").unwrap(),
            incarnation: Incarnation(8),
            session: SessionId(9),
        };
        for row in [row.clone(), DeviceRow { disconnected: Some(TimeMs(0)), ..row }] {
            let value = device(&row);
            assert_eq!(read_device(&user, &row.told.log.0, &value).unwrap(), row);
            for end in 0..=value.len() - row.gateway.as_str().len() {
                assert!(read_device(&user, &row.told.log.0, &value[..end]).is_err());
            }
            assert!(read_device(&user, b"short", &value).is_err());
            let value = [&value[..1], b"no id", &value[6..]].concat();
            assert!(read_device(&user, &row.told.log.0, &value).is_err());
        }
    }
}
