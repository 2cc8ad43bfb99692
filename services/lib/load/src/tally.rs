//! What all pairs count together.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::{
    Error,
    flights::Fault,
    report::{Faults, Latency},
};

/// The longest time that is told apart.
const MICROS_MAX: u64 = 600_000_000;

/// What is counted, between two moments.
#[derive(Debug)]
pub(crate) struct Tally {
    /// What counts: what happens from here to there, and of messages the times of those that were to be sent then.
    from: Instant,
    to: Instant,
    pub(crate) receipted: u64,
    pub(crate) read: u64,
    pub(crate) sent_after: Times,
    pub(crate) received_after: Times,
    pub(crate) delivered_after: Times,
    pub(crate) read_after: Times,
    pub(crate) faults: Faults,
}

/// How long something took, each time.
#[derive(Debug)]
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> Result<Self, Error> {
        let histogram = Histogram::new_with_bounds(1, MICROS_MAX, 3);
        histogram.map(Self).map_err(|error| Error::Options(format!("no histogram: {error}")))
    }

    pub(crate) fn note(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    /// None when it never happened.
    pub(crate) fn latency(&self) -> Option<Latency> {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        (!self.0.is_empty()).then(|| Latency {
            count: self.0.len(),
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            p99_9_ms: at(0.999),
            max_ms: self.0.max() as f64 / 1_000.0,
        })
    }
}

/// What happened to a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    Sent,
    Received,
    Delivered,
    Read,
}

impl Tally {
    pub(crate) fn new(from: Instant, to: Instant) -> Result<Self, Error> {
        Ok(Self {
            from,
            to,
            receipted: 0,
            read: 0,
            sent_after: Times::new()?,
            received_after: Times::new()?,
            delivered_after: Times::new()?,
            read_after: Times::new()?,
            faults: Faults::default(),
        })
    }

    /// A message that was to be sent at `since` has come to a stage.
    pub(crate) fn note(&mut self, stage: Stage, since: Instant, now: Instant) {
        let counts = |moment: Instant| (self.from..self.to).contains(&moment);
        if counts(now) {
            match stage {
                Stage::Delivered => self.receipted += 1,
                Stage::Read => self.read += 1,
                Stage::Sent | Stage::Received => {}
            }
        }
        if counts(since) {
            let times = match stage {
                Stage::Sent => &mut self.sent_after,
                Stage::Received => &mut self.received_after,
                Stage::Delivered => &mut self.delivered_after,
                Stage::Read => &mut self.read_after,
            };
            times.note(now - since);
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.count(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_falls_into_the_time_counts() {
        let from = Instant::now();
        let at = |ms| from + Duration::from_millis(ms);
        let mut tally = Tally::new(at(100), at(200)).unwrap();
        tally.note(Stage::Delivered, at(50), at(99));
        tally.note(Stage::Delivered, at(99), at(100));
        tally.note(Stage::Delivered, at(100), at(150));
        tally.note(Stage::Delivered, at(199), at(300));
        assert_eq!(tally.receipted, 2, "those that were done in the time");
        let latency = tally.delivered_after.latency().unwrap();
        assert_eq!(latency.count, 2, "those that were to be sent in it");
        assert!((latency.max_ms - 101.0).abs() < 0.2, "{latency:?}");
        assert_eq!(tally.read_after.latency(), None);
    }
}
