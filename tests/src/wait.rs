//! Waiting for conditions. Time only ends what hangs.

use std::{future::Future, time::Duration};

use anyhow::anyhow;
use tokio::{sync::watch, time::timeout};

/// Nothing takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a future.
///
/// # Errors
/// When it hangs; `what` says what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> anyhow::Result<T> {
    timeout(PATIENCE, future).await.map_err(|_| anyhow!("this didn't happen within {PATIENCE:?}: {what}"))
}

/// Told whenever something was seen, so that whoever waits looks again.
#[derive(Debug, Clone, Default)]
pub struct Pulse(watch::Sender<()>);

impl Pulse {
    /// Something was seen.
    pub fn beat(&self) {
        self.0.send_replace(());
    }

    /// Waits until a condition holds, however long that takes: somebody else has to notice when it hangs.
    pub async fn until(&self, mut holds: impl FnMut() -> bool) {
        let mut beats = self.0.subscribe();
        loop {
            beats.mark_unchanged();
            // There is always somebody who can beat, since this can.
            if holds() || beats.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until nothing is missing any more.
    ///
    /// # Errors
    /// When that hangs; with what was missing last.
    pub async fn until_nothing_is_missing(&self, mut missing: impl FnMut() -> Vec<String>) -> anyhow::Result<()> {
        let waited = timeout(PATIENCE, self.until(|| missing().is_empty())).await;
        waited.map_err(|_| anyhow!("after {PATIENCE:?} this is still missing:\n  {}", missing().join("\n  ")))
    }
}
