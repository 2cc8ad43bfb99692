//! The Avro schemas, as they are in `schemas/avro`.

use std::sync::LazyLock;

use apache_avro::Schema;

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
    "command_send.avsc",
    "command_delivered.avsc",
    "command_read.avsc",
    "command.avsc",
    "event_opened.avsc",
    "event_message.avsc",
    "event_delivered.avsc",
    "event_read.avsc",
    "event.avsc",
    "entry_message.avsc",
    "entry_repeated.avsc",
    "entry_refused.avsc",
    "entry_receipt.avsc",
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
    "gateway_push.avsc",
    "gateway_record.avsc",
    "snapshot_run.avsc",
    "snapshot_member.avsc",
    "snapshot_accepted.avsc",
    "snapshot_device.avsc",
    "snapshot.avsc",
    "member_summary.avsc",
    "chat_summary.avsc",
    "placed.avsc",
    "suspended.avsc",
    "router_state.avsc",
    "body.avsc",
];

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
