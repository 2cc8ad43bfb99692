//! Says that the gateway lives, so that routers push to it.

use std::{sync::Arc, time::Duration};

use crate::{limits, shared::Shared};

/// Sends a heartbeat every so often, for ever, and lets the log remove what was handed out.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut release_at = Duration::ZERO;
    loop {
        let sent = shared.uplink.heartbeat(shared.incarnation).await;
        let failed_before = shared.set_heartbeat_failure(sent.as_ref().err().map(ToString::to_string));
        match sent {
            Err(error) if !failed_before => tracing::warn!(%error, "the heartbeat can't be sent"),
            Ok(()) if failed_before => tracing::info!("the heartbeat is sent again"),
            _ => {}
        }
        let now = shared.runtime.monotonic();
        if release_at <= now {
            release_at = now + limits::RELEASE_EVERY;
            shared.quotas.forget();
            release(&shared).await;
        }
        shared.runtime.sleep(shared.options.heartbeat()).await;
    }
}

/// When this fails the records stay longer.
async fn release(shared: &Shared) {
    // A log that is away must not hold up the heartbeat.
    let topic = shared.uplink.topic();
    let released = shared.uplink.log.release(&topic, shared.dispatched());
    if let Ok(Err(error)) = shared.runtime.timeout(limits::RETRY, released).await {
        tracing::debug!(%error, "the gateway's topic can't be released");
    }
}
