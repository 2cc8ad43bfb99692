//! The keyspace: how many replicas there are of each row.
//!
//! It is always replicated by datacenter, which with one node is the same as any other way, and with more is the only one that
//! can grow. On ScyllaDB it gets the tablets that are the default there. Versions whose tablets can't do conditional writes
//! refuse those of the data keys: make the keyspace by hand without tablets then, and it is taken as it is.

use std::collections::HashMap;

use scylla::client::session::Session;

use super::{Error, records::query};
use crate::Options;

const STRATEGY: &str = "NetworkTopologyStrategy";

/// The statement that makes the keyspace; none when it is there.
///
/// # Errors
/// When it is there and is not what the options say. Datacenters besides the local one may be in it: they change nothing here.
pub(crate) async fn missing(session: &Session, options: &Options, local: &str) -> Result<Option<String>, Error> {
    let Options { keyspace, replication_factor, .. } = options;
    let cql =
        format!("SELECT replication, durable_writes FROM system_schema.keyspaces WHERE keyspace_name = '{keyspace}'");
    let rows: Vec<(HashMap<String, String>, bool)> = query(session, cql).await?;
    let Some((replication, is_durable)) = rows.into_iter().next() else {
        return Ok(Some(create(keyspace, local, *replication_factor)));
    };
    let differs = |found: String, wanted: String| Error::Keyspace { keyspace: keyspace.clone(), found, wanted };
    if !is_durable {
        // What was answered would not survive a crash.
        return Err(differs("durable_writes = false".to_owned(), "durable_writes = true".to_owned()));
    }
    let strategy = replication.get("class").map(String::as_str).unwrap_or_default();
    if !strategy.ends_with(STRATEGY) {
        return Err(differs(format!("the strategy {strategy}"), STRATEGY.to_owned()));
    }
    let factor = replication.get(local).map_or("0", String::as_str);
    if factor != replication_factor.to_string() {
        return Err(differs(format!("{factor} replicas in {local}"), replication_factor.to_string()));
    }
    Ok(None)
}

fn create(keyspace: &str, local: &str, replication_factor: u8) -> String {
    let local = local.replace('\'', "''");
    format!(
        "CREATE KEYSPACE IF NOT EXISTS {keyspace}
    WITH replication = {{'class': '{STRATEGY}', '{local}': {replication_factor}}} AND durable_writes = true"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datacenter_can_be_called_anything() {
        assert!(create("ks", "it's", 3).contains("'it''s': 3"));
    }
}
