//! A wall clock that the test turns.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chasqui_domain::TimeMs;
use chasqui_runtime::{Driver, Real};
use futures::future::BoxFuture;

/// A wall clock that stands still until the test turns it, for what happens over days. All else is real: what waits for
/// seconds waits for them. Clones are the same calendar.
#[derive(Debug, Clone)]
pub struct Calendar {
    now: Arc<AtomicU64>,
    real: Arc<Real>,
}

impl Calendar {
    /// One that shows a time.
    #[must_use]
    pub fn at(now: TimeMs) -> Self {
        Self { now: Arc::new(AtomicU64::new(now.0)), real: Arc::default() }
    }

    /// Shows another time.
    pub fn turn_to(&self, now: TimeMs) {
        self.now.store(now.0, Ordering::SeqCst);
    }
}

impl Driver for Calendar {
    fn now(&self) -> TimeMs {
        TimeMs(self.now.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.real.sleep(duration)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.real.fill_random(bytes);
    }

    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) {
        self.real.spawn(name, future);
    }
}
