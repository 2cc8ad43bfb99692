//! Where the servers are.

use std::path::{Path, PathBuf};

use chasqui_tests::infra;
pub use chasqui_tests::infra::unused_name;

/// The workspace.
#[must_use]
pub fn root() -> PathBuf {
    let cluster = Path::new(env!("CARGO_MANIFEST_DIR"));
    cluster.ancestors().nth(2).unwrap_or(cluster).to_path_buf()
}

/// Some nodes of the CQL servers, as `host:port`: those that the environment names, or those that run here.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn cql_contact_points() -> Vec<String> {
    infra::contact_points().expect("servers").split(',').map(str::to_owned).collect()
}

/// Some of the Kafka brokers, as `host:port,host:port`.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn kafka_bootstrap() -> String {
    infra::bootstrap().expect("servers")
}
