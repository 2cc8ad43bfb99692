//! How many files the process may have open: every connection is one, and log and store need theirs.

use anyhow::ensure;
use rustix::process::{Resource, getrlimit, setrlimit};

/// What is kept for log, store and standard streams, and for connections that are no sessions.
const RESERVE: u64 = 128 + chasqui_gateway::CONNECTIONS_BESIDE as u64;

/// Raises the limit as far as the process may, and gives how many sessions fit: `sessions_max`, or fewer.
///
/// # Errors
/// When there is not even room for log and store.
pub(crate) fn raise(sessions_max: usize) -> anyhow::Result<usize> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
    // None is no limit.
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    ensure!(
        files > RESERVE,
        "the process may open {files} files only, and needs more than {RESERVE}: raise `ulimit -n`"
    );
    let fit = usize::try_from(files - RESERVE).unwrap_or(usize::MAX);
    if fit < sessions_max {
        tracing::info!(files, sessions_max, fit, "fewer sessions than configured: raise `ulimit -n` for more");
    }
    Ok(fit.min(sessions_max))
}
