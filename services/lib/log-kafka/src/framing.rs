//! The header in front of a record. Roles write and read Avro's single-object encoding, which begins with the fingerprint of
//! the schema. On Kafka a record begins as Confluent's serializers write it, with the id that a registry gave the schema, so
//! that any consumer can read it. The record itself is the same bytes in both.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Registered;

/// A schema's Rabin fingerprint, in the order of bytes in which it stands in front of a record.
pub type Fingerprint = [u8; 8];

/// What the single-object encoding begins with (Avro 1.12, "Single-object encoding").
const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];

/// What Confluent's wire format begins with; the id follows, big-endian.
const CONFLUENT: u8 = 0;

/// The schemas that have an id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    by_fingerprint: BTreeMap<Fingerprint, u32>,
    by_id: BTreeMap<u32, Fingerprint>,
}

/// An id of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownId(pub(crate) u32);

impl Ids {
    /// Takes one in. A schema may have several, since a registry tells those apart that differ in their documentation alone:
    /// the last one is written, all are read.
    pub(crate) fn add(&mut self, schema: &Registered) {
        self.by_fingerprint.insert(schema.fingerprint, schema.id);
        self.by_id.insert(schema.id, schema.fingerprint);
    }

    pub(crate) fn knows(&self, id: u32) -> bool {
        self.by_id.contains_key(&id)
    }

    /// A value as it is written to Kafka. One whose schema has no id stays as it is, and so does what is no record.
    pub(crate) fn outgoing<'a>(&self, value: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let record = value.strip_prefix(&SINGLE_OBJECT).and_then(|rest| rest.split_first_chunk());
        let Some((fingerprint, body)) = record else { return value };
        let Some(id) = self.by_fingerprint.get(fingerprint) else { return value };
        scratch.clear();
        scratch.push(CONFLUENT);
        scratch.extend_from_slice(&id.to_be_bytes());
        scratch.extend_from_slice(body);
        scratch
    }

    /// A value as roles read it. What has neither header stays as it is.
    pub(crate) fn incoming(&self, value: &[u8]) -> Result<Bytes, UnknownId> {
        let record = value.strip_prefix(&[CONFLUENT]).and_then(|rest| rest.split_first_chunk());
        let Some((&id, body)) = record else { return Ok(Bytes::copy_from_slice(value)) };
        let id = u32::from_be_bytes(id);
        let fingerprint = self.by_id.get(&id).ok_or(UnknownId(id))?;
        Ok([&SINGLE_OBJECT, fingerprint.as_slice(), body].concat().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Fingerprint = *b"old-----";
    const NEW: Fingerprint = *b"new-----";

    fn ids(all: &[(u32, Fingerprint)]) -> Ids {
        let mut ids = Ids::default();
        for &(id, fingerprint) in all {
            ids.add(&Registered { subject: "chasqui.Event".to_owned(), id, fingerprint });
        }
        ids
    }

    fn single_object(fingerprint: Fingerprint, body: &[u8]) -> Vec<u8> {
        [&[0xC3, 0x01], fingerprint.as_slice(), body].concat()
    }

    #[test]
    fn a_record_with_an_id_has_it_on_kafka_and_comes_back_as_it_was() {
        let ids = ids(&[(0x0102_0304, OLD)]);
        for body in [b"".as_slice(), b"\0", b"the body \xC3\x01"] {
            let (value, mut scratch) = (single_object(OLD, body), Vec::new());
            let written = ids.outgoing(&value, &mut scratch).to_vec();
            assert_eq!(written, [&[0, 1, 2, 3, 4], body].concat());
            assert_eq!(ids.incoming(&written).unwrap(), value);
        }
    }

    #[test]
    fn what_has_no_id_or_is_no_record_passes_as_it_is() {
        let ids = ids(&[(7, OLD)]);
        let unregistered = single_object(NEW, b"body");
        for value in [&b""[..], b"\0", b"\0\0\0\x07", b"\xC3", b"\xC3\x01", b"\xC3\x01old----", b"text", &unregistered]
        {
            let mut scratch = b"what stood here before".to_vec();
            assert_eq!(ids.outgoing(value, &mut scratch), value);
            assert_eq!(ids.incoming(value).unwrap(), value);
        }
    }

    #[test]
    fn records_from_before_they_had_an_id_are_read_afterwards() {
        let value = single_object(OLD, b"body");
        assert_eq!(ids(&[(7, OLD)]).incoming(&value).unwrap(), value);
    }

    #[test]
    fn an_id_that_nobody_recorded_is_named() {
        assert_eq!(ids(&[(7, OLD)]).incoming(b"\0\0\0\0\x08body"), Err(UnknownId(8)));
    }

    #[test]
    fn a_schema_with_two_ids_is_written_with_the_last_and_read_with_both() {
        let ids = ids(&[(7, OLD), (8, NEW), (9, OLD)]);
        let (value, mut scratch) = (single_object(OLD, b"body"), Vec::new());
        assert_eq!(ids.outgoing(&value, &mut scratch), b"\0\0\0\0\x09body");
        for written in [b"\0\0\0\0\x07body", b"\0\0\0\0\x09body"] {
            assert_eq!(ids.incoming(written).unwrap(), value);
        }
    }
}
