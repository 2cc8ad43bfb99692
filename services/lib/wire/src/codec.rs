//! Avro's single-object encoding of a record: the fingerprint of its schema, then the record.

use std::sync::LazyLock;

use apache_avro::{reader::datum::GenericDatumReader, writer::datum::GenericDatumWriter};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, schemas};

/// The longest text or bytes in a record that is read. Nothing longer is ever written, and without a bound a damaged
/// length would have that much memory allocated before its bytes turn out to be missing.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Writes and reads one sort of record.
pub(crate) struct Codec {
    record: &'static str,
    header: Vec<u8>,
    writer: GenericDatumWriter<'static>,
    reader: GenericDatumReader<'static>,
}

/// A codec that is made when it is first needed.
pub(crate) type Lazy = LazyLock<Result<Codec, Error>>;

impl Codec {
    /// Finds the schema of a record.
    pub(crate) fn load(record: &'static str) -> Result<Self, Error> {
        apache_avro::util::max_allocation_bytes(TEXT_BYTES_MAX);
        let schema = schemas::find(record)?;
        let broken = |error: apache_avro::Error| Error::Schema { why: error.to_string() };
        Ok(Self {
            record,
            header: schemas::header(schema)?,
            writer: GenericDatumWriter::builder(schema).human_readable(false).build().map_err(broken)?,
            reader: GenericDatumReader::builder(schema).human_readable(false).build().map_err(broken)?,
        })
    }

    fn encode<T: Serialize>(&self, value: &T) -> Result<Bytes, Error> {
        let mut bytes = Vec::with_capacity(self.header.len() + 256);
        bytes.extend_from_slice(&self.header);
        self.writer
            .write_ser(&mut bytes, value)
            .map_err(|error| Error::Encode { record: self.record, why: error.to_string() })?;
        Ok(bytes.into())
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let Some(mut rest) = bytes.strip_prefix(self.header.as_slice()) else {
            return Err(Error::Fingerprint { record: self.record });
        };
        let value = self.reader.read_deser(&mut rest).map_err(|error| self.damaged(error.to_string()))?;
        if rest.is_empty() { Ok(value) } else { Err(self.damaged(format!("{} bytes too many", rest.len()))) }
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
