//! A clock that the test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chasqui_domain::TimeMs;
use chasqui_runtime::Driver;
use futures::future::BoxFuture;

/// A clock that stands still until the test moves it, so that two runs get the same times. Clones are the same clock.
/// Sleeping only yields, and randomness is all zeroes.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// So much time goes by.
    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Driver for Clock {
    fn now(&self) -> TimeMs {
        TimeMs(1_700_000_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::task::yield_now())
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn spawn(&self, _: &'static str, future: BoxFuture<'static, ()>) {
        tokio::spawn(future);
    }
}
