//! How many files the process may have open: every connection is one, and log and store need theirs.

use anyhow::ensure;
use chasqui_config::Gateway;
use rustix::process::{Resource, getrlimit, setrlimit};

/// What is kept for log, store and standard streams, and for connections that are no sessions.
const RESERVE: u64 = 128 + chasqui_gateway::CONNECTIONS_BESIDE as u64;

/// The part of the rest that connections may take that have not proven who they are.
const UNAUTHENTICATED_SHARE: usize = 4;

/// Raises the limit as far as the process may, and lowers what is allowed of sessions, and of connections that have not
/// proven who they are, to what fits.
///
/// # Errors
/// When there is not even room for log and store.
pub(crate) fn raise(gateway: &mut Gateway) -> anyhow::Result<()> {
    let files = raise_limit();
    // So that there is a place for a session and one for a newcomer.
    let needed = RESERVE + UNAUTHENTICATED_SHARE as u64;
    ensure!(files >= needed, "the process may open {files} files only, and needs at least {needed}: raise `ulimit -n`");
    let fit = usize::try_from(files - RESERVE).unwrap_or(usize::MAX);
    let sessions_max = gateway.sessions_max;
    share(gateway, fit);
    if gateway.sessions_max < sessions_max {
        let fit = gateway.sessions_max;
        tracing::info!(files, sessions_max, fit, "fewer sessions than configured: raise `ulimit -n` for more");
    }
    Ok(())
}

/// Raises the limit as far as the process may; gives what it is then.
pub(crate) fn raise_limit() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open files stays as it is");
    }
    // None is no limit.
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

fn share(gateway: &mut Gateway, fit: usize) {
    gateway.unauthenticated_max = gateway.unauthenticated_max.min(fit / UNAUTHENTICATED_SHARE);
    gateway.sessions_max = gateway.sessions_max.min(fit - gateway.unauthenticated_max);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_shared() {
        let shared = |fit: usize| {
            let mut gateway = Gateway { sessions_max: 1_000, unauthenticated_max: 100, ..Gateway::default() };
            share(&mut gateway, fit);
            (gateway.sessions_max, gateway.unauthenticated_max)
        };
        assert_eq!(shared(4), (3, 1));
        assert_eq!(shared(800), (700, 100));
        assert_eq!(shared(1_100), (1_000, 100));
        assert_eq!(shared(usize::MAX), (1_000, 100));
    }
}
