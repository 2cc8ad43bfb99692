//! Waiting for conditions. Time only ends what hangs.

use std::{future::Future, time::Duration};

use anyhow::{Context, anyhow};
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

    /// Waits until nothing is missing any more.
    ///
    /// # Errors
    /// When that hangs; with what was missing last.
    pub async fn until_nothing_is_missing(&self, mut missing: impl FnMut() -> Vec<String>) -> anyhow::Result<()> {
        let mut beats = self.0.subscribe();
        let wait = async {
            loop {
                beats.mark_unchanged();
                if missing().is_empty() {
                    return Ok(());
                }
                beats.changed().await.context("nothing can be seen any more")?;
            }
        };
        match timeout(PATIENCE, wait).await {
            Ok(done) => done,
            Err(_) => Err(anyhow!("after {PATIENCE:?} this is still missing:\n  {}", missing().join("\n  "))),
        }
    }
}
