//! How long something took, each time.

use std::time::Duration;

use serde_json::{Value, json};

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// One more.
    pub(crate) fn note(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Those of somebody else, too.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The median and the tail, in milliseconds; null when there is none.
    pub(crate) fn summary(&self) -> Value {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let Some(last) = sorted.len().checked_sub(1) else { return Value::Null };
        let at = |of_1000: usize| sorted[last * of_1000 / 1_000].as_secs_f64() * 1_000.0;
        json!({ "count": sorted.len(), "p50_ms": at(500), "p95_ms": at(950), "p99_ms": at(990), "max_ms": at(1_000) })
    }
}
