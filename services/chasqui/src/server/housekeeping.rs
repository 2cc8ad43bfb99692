//! What is done from time to time: the store is flushed, and inbox rows expire.

use std::{future::Future, time::Duration};

use chasqui_domain::TimeMs;
use chasqui_store::Store;

use super::{Foundation, files::Files};

/// How often inbox rows are let go. They expire by days.
const EXPIRE_EVERY: Duration = Duration::from_secs(60 * 60);

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Does so until it is dropped. A store that fails is told of by itself.
pub(super) fn run(foundation: &Foundation, files: &Files) -> impl Future<Output = ()> + use<> {
    let (runtime, store) = (foundation.runtime.clone(), files.store.clone());
    let flush_interval = Duration::from_millis(foundation.options.store.flush_interval_ms);
    let retention_ms = u64::from(foundation.options.store.inbox_retention_days) * DAY_MS;
    async move {
        let mut expire_at = runtime.monotonic();
        loop {
            runtime.sleep(flush_interval).await;
            if let Err(error) = store.flush().await {
                tracing::debug!(%error, "the store was not flushed");
            }
            if runtime.monotonic() < expire_at {
                continue;
            }
            expire_at = runtime.monotonic() + EXPIRE_EVERY;
            let before = TimeMs(runtime.now().0.saturating_sub(retention_ms));
            if let Err(error) = store.expire_inbox(before).await {
                tracing::debug!(%error, "inbox rows were not let go");
            }
        }
    }
}
