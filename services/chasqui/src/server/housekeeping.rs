//! What is done from time to time: the store is flushed, the log may let go of what is done, and inbox rows expire.

use std::{collections::HashMap, convert::Infallible, future::Future, time::Duration};

use chasqui_domain::TimeMs;

use super::{Foundation, backend::Backend, roles::Gauges};

/// How often inbox rows are let go. They expire by days.
const EXPIRE_EVERY: Duration = Duration::from_secs(60 * 60);

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Does so until it is dropped. A store that fails is told of by itself.
pub(super) fn run(
    foundation: &Foundation,
    backend: &Backend,
    gauges: Gauges,
) -> impl Future<Output = Infallible> + use<> {
    let runtime = foundation.runtime.clone();
    let (log, store) = (backend.log.clone(), backend.store.clone());
    let flush_interval = Duration::from_millis(foundation.options.store.flush_interval_ms);
    let retention_ms = u64::from(foundation.options.store.inbox_retention_days) * DAY_MS;
    let metrics = foundation.metrics.server.clone();
    async move {
        let mut released = HashMap::new();
        let mut expire_at = runtime.monotonic();
        loop {
            runtime.sleep(flush_interval).await;
            // Taken before the flush, which makes it last: what a crash can take back is not released.
            let done = gauges.done();
            let began = runtime.monotonic();
            if let Err(error) = store.flush().await {
                metrics.flush_failures.inc();
                tracing::debug!(%error, "the store was not flushed");
                continue;
            }
            metrics.flushed(runtime.monotonic() - began);
            for (at, below) in done {
                if released.get(&at) == Some(&below) {
                    continue;
                }
                match log.release(&at, below).await {
                    Ok(()) => drop(released.insert(at, below)),
                    Err(error) => tracing::debug!(%error, %at, "the log was not released"),
                }
            }
            let now = runtime.monotonic();
            if now >= expire_at {
                expire_at = now + EXPIRE_EVERY;
                let before = TimeMs(runtime.now().0.saturating_sub(retention_ms));
                if let Err(error) = store.expire_inbox(before).await {
                    tracing::debug!(%error, "inbox rows were not let go");
                }
            }
        }
    }
}
