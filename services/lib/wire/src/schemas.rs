//! The Avro schemas, as they are in `schemas/avro`.

use std::sync::LazyLock;

use apache_avro::{
    Schema,
    headers::{HeaderBuilder, RabinFingerprintHeader},
};
use serde_json::Value;

use crate::Error;

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        /// Every schema file: its name, and what is in it.
        pub const FILES: &[(&str, &str)] =
            &[$(($file, include_str!(concat!("../../../../schemas/avro/", $file)))),*];
    };
}

// A file stands behind the files that it refers to.
files![
    "source.avsc",
    "sealed.avsc",
    "role.avsc",
    "change_add.avsc",
    "change_remove.avsc",
    "change_leave.avsc",
    "change_role.avsc",
    "change_describe.avsc",
    "target.avsc",
    "reaction.avsc",
    "change_edit.avsc",
    "change_delete.avsc",
    "change_react.avsc",
    "change_pin.avsc",
    "change_unpin.avsc",
    "change.avsc",
    "command_create.avsc",
    "command_send.avsc",
    "command_change.avsc",
    "command_delivered.avsc",
    "command_read.avsc",
    "command.avsc",
    "event_opened.avsc",
    "event_created.avsc",
    "event_changed.avsc",
    "event_message.avsc",
    "event_delivered.avsc",
    "event_read.avsc",
    "event.avsc",
    "entry_message.avsc",
    "entry_changed.avsc",
    "entry_done.avsc",
    "entry_repeated.avsc",
    "entry_refused.avsc",
    "entry_receipt.avsc",
    "message_count.avsc",
    "author_counts.avsc",
    "entry_counts.avsc",
    "entry.avsc",
    "inbox_record.avsc",
    "presence.avsc",
    "heartbeat.avsc",
    "revocation.avsc",
    "gateway_start.avsc",
    "gateway_answer.avsc",
    "gateway_repair.avsc",
    "gateway_forgotten.avsc",
    "gateway_superseded.avsc",
    "gateway_counts.avsc",
    "gateway_push.avsc",
    "gateway_record.avsc",
    "profile_part.avsc",
    "snapshot_run.avsc",
    "snapshot_member.avsc",
    "snapshot_accepted.avsc",
    "snapshot_device.avsc",
    "snapshot.avsc",
    "chat_member.avsc",
    "chat_summary.avsc",
    "message_reaction.avsc",
    "message_state.avsc",
    "placed.avsc",
    "suspended.avsc",
    "router_state.avsc",
    "body.avsc",
];

/// The records that topics hold: what others read. Those that are only stored, or stand within these, are not among them.
const ON_TOPICS: [&str; 7] =
    ["Command", "Event", "InboxRecord", "Presence", "Heartbeat", "Revocation", "GatewayRecord"];

/// A schema as others come to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The full name of its record, such as `chasqui.Event`.
    pub name: String,
    /// The schema as JSON text, complete in itself.
    pub text: String,
    /// Its Rabin fingerprint, in the order of bytes in which it stands in front of a record.
    pub fingerprint: [u8; 8],
}

static SCHEMAS: LazyLock<Result<Vec<Schema>, Error>> =
    LazyLock::new(|| parse().map_err(|error| Error::Schema { why: error.to_string() }));

/// Each schema with the records that it refers to in it: a fingerprint must change with any of them.
fn parse() -> Result<Vec<Schema>, apache_avro::Error> {
    let schemas = Schema::parse_list(FILES.iter().map(|(_, text)| text))?;
    let whole = |schema: &Schema| {
        let mut schema = schema.clone();
        schema.denormalize(&schemas)?;
        Ok(schema)
    };
    schemas.iter().map(whole).collect()
}

/// The schema of a record, complete in itself.
pub(crate) fn find(record: &str) -> Result<&'static Schema, Error> {
    let schemas = SCHEMAS.as_ref().map_err(Error::clone)?;
    let has_name = |schema: &&Schema| schema.name().is_some_and(|name| name.name() == record);
    schemas.iter().find(has_name).ok_or_else(|| Error::Schema { why: format!("there is no record {record}") })
}

/// The schema of a record as JSON text, complete in itself: what a schema registry takes.
///
/// # Errors
/// [`Error::Schema`] when there is no record of this name.
pub fn text(record: &str) -> Result<String, Error> {
    serde_json::to_string(find(record)?).map_err(|error| Error::Schema { why: error.to_string() })
}

/// The schemas of the records that topics hold.
///
/// # Errors
/// [`Error::Schema`] when those that this build carries are broken.
pub fn on_topics() -> Result<Vec<Published>, Error> {
    let published = |record: &&str| {
        let schema = find(record)?;
        let nameless = || Error::Schema { why: format!("{record} has no name") };
        let name = schema.name().ok_or_else(nameless)?.fullname(None);
        let text = text(record)?;
        Ok(Published { name, fingerprint: fingerprint(&text)?, text })
    };
    ON_TOPICS.iter().map(published).collect()
}

/// The Rabin fingerprint of a schema that is complete in itself, in the order of bytes in which it stands in front of a
/// record.
///
/// # Errors
/// [`Error::Schema`] when the text is no schema.
pub fn fingerprint(text: &str) -> Result<[u8; 8], Error> {
    let broken = |error: apache_avro::Error| Error::Schema { why: error.to_string() };
    let header = header(&Schema::parse_str(text).map_err(broken)?)?;
    header.last_chunk().copied().ok_or_else(|| Error::Schema { why: "its header is too short".to_owned() })
}

/// What stands in front of a record. Logical types are no part of what is fingerprinted: the library strips their names, but
/// leaves `{"type":"long"}` where those of Java and Python have `"long"`, and they would not find our schemas.
pub(crate) fn header(schema: &Schema) -> Result<Vec<u8>, Error> {
    let mut plain = serde_json::to_value(schema).map_err(|error| Error::Schema { why: error.to_string() })?;
    strip_logical_types(&mut plain);
    let plain = Schema::parse(&plain).map_err(|error| Error::Schema { why: error.to_string() })?;
    Ok(RabinFingerprintHeader::from_schema(&plain).build_header())
}

fn strip_logical_types(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("logicalType");
            fields.values_mut().for_each(strip_logical_types);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_logical_types),
        _ => {}
    }
}
