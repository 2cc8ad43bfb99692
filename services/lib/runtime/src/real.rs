//! The operating system's clocks and randomness, and tokio's scheduler.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chasqui_domain::TimeMs;
use futures::{FutureExt, future::BoxFuture};
use rand::Rng;

use crate::Driver;

/// The driver of real processes. Must be used inside a tokio runtime.
#[derive(Debug)]
pub struct Real {
    started: Instant,
}

impl Real {
    /// A driver whose monotonic clock starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for Real {
    fn default() -> Self {
        Self::new()
    }
}

impl Driver for Real {
    fn now(&self) -> TimeMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }

    fn spawn(&self, _name: &'static str, future: BoxFuture<'static, ()>) {
        tokio::spawn(future);
    }
}
