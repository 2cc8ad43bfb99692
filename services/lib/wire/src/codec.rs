//! Avro's single-object encoding of a record: the fingerprint of its schema, then the record.

use std::{cell::Cell, sync::LazyLock};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "reference")]
use crate::reference;
use crate::{
    Error,
    avro::{Reader, Writer},
    schemas,
};

/// A thread keeps no more room than this between two records. Most have some hundred bytes.
const ROOM_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// Where a record is written while it isn't known how long it will be. What is given away is exactly as long as the
    /// record: many of them wait in queues and batches.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Writes and reads one sort of record.
pub(crate) struct Codec {
    record: &'static str,
    header: Vec<u8>,
    #[cfg(feature = "reference")]
    reference: reference::Codec,
}

/// A codec that is made when it is first needed.
pub(crate) type Lazy = LazyLock<Result<Codec, Error>>;

impl Codec {
    /// Finds the schema of a record.
    pub(crate) fn load(record: &'static str) -> Result<Self, Error> {
        let schema = schemas::find(record)?;
        Ok(Self {
            record,
            header: schemas::header(schema)?,
            #[cfg(feature = "reference")]
            reference: reference::Codec::new(schema).map_err(|error| Error::Schema { why: error.to_string() })?,
        })
    }

    fn encode<T: Serialize>(&self, value: &T) -> Result<Bytes, Error> {
        // A thread that is about to end has no room any more.
        let mut room = ROOM.try_with(Cell::take).unwrap_or_default();
        room.clear();
        room.extend_from_slice(&self.header);
        let written = self.write(&mut room, value).map_err(|why| Error::Encode { record: self.record, why });
        let bytes = written.map(|()| Bytes::copy_from_slice(&room));
        if room.capacity() <= ROOM_BYTES_MAX {
            let _ = ROOM.try_with(|kept| kept.set(room));
        }
        bytes
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let Some(mut rest) = bytes.strip_prefix(self.header.as_slice()) else {
            return Err(Error::Fingerprint { record: self.record });
        };
        let value = self.read(&mut rest).map_err(|why| self.damaged(why))?;
        if rest.is_empty() { Ok(value) } else { Err(self.damaged(format!("{} bytes too many", rest.len()))) }
    }

    fn write<T: Serialize>(&self, bytes: &mut Vec<u8>, value: &T) -> Result<(), String> {
        #[cfg(feature = "reference")]
        if reference::is_on() {
            return self.reference.write(bytes, value).map_err(|error| error.to_string());
        }
        value.serialize(&mut Writer::new(bytes)).map_err(|error| error.to_string())
    }

    fn read<T: DeserializeOwned>(&self, rest: &mut &[u8]) -> Result<T, String> {
        #[cfg(feature = "reference")]
        if reference::is_on() {
            return self.reference.read(rest).map_err(|error| error.to_string());
        }
        let mut reader = Reader::new(rest);
        let value = T::deserialize(&mut reader).map_err(|error| error.to_string())?;
        *rest = reader.rest();
        Ok(value)
    }

    fn damaged(&self, why: String) -> Error {
        Error::Decode { record: self.record, why }
    }
}

/// Writes a record.
pub(crate) fn encode<T: Serialize>(codec: &Lazy, value: &T) -> Result<Bytes, Error> {
    codec.as_ref().map_err(Error::clone)?.encode(value)
}

/// Reads a record; all of the bytes must belong to it.
pub(crate) fn decode<T: DeserializeOwned>(codec: &Lazy, bytes: &[u8]) -> Result<T, Error> {
    codec.as_ref().map_err(Error::clone)?.decode(bytes)
}

/// The payload that is set. Which kind a record is of shows in which of its nullable records is there.
pub(crate) fn only<T, const N: usize>(record: &'static str, payloads: [Option<T>; N]) -> Result<T, Error> {
    let mut set = payloads.into_iter().flatten();
    match (set.next(), set.next()) {
        (Some(payload), None) => Ok(payload),
        (None, _) => Err(Error::Decode { record, why: "it has no payload, or one of a later version".to_owned() }),
        (Some(_), Some(_)) => Err(Error::Decode { record, why: "it has more than one payload".to_owned() }),
    }
}
