//! Where the servers are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

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
    addresses("CQL_CONTACT_POINTS", "cassandra.env").split(',').map(str::to_owned).collect()
}

/// What `variable` says, in the environment or else in a file that starting the servers left.
///
/// # Panics
/// When neither has it.
#[must_use]
pub fn addresses(variable: &str, file: &str) -> String {
    let of_file = || {
        let text = fs::read_to_string(root().join("target/infra/run").join(file)).ok()?;
        text.lines().find_map(|line| line.strip_prefix(variable)?.strip_prefix('=').map(str::to_owned))
    };
    let found = env::var(variable).ok().or_else(of_file).filter(|found| !found.is_empty());
    found.unwrap_or_else(|| panic!("{variable} is not known: start the servers with `make infra-up`"))
}
