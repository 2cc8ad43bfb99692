//! What all groups count together.

use std::time::Instant;

use super::{CountsReport, GroupFaults, copies::Copy, counts::MOMENT_BYTES_MAX};
use crate::{Error, flights::Fault, tally::Times};

/// What is counted, between two moments.
pub(super) struct Tally {
    /// What counts: what happens from here to there, and of messages the times of those that were to be sent then.
    from: Instant,
    to: Instant,
    pub(super) messages: u64,
    pub(super) deliveries: u64,
    pub(super) sent_after: Times,
    pub(super) received_after: Times,
    pub(super) received_by_all_after: Times,
    counts_frames: u64,
    counts_bytes: u64,
    /// Over the whole run.
    frame_bytes_max: usize,
    moment_bytes_max: usize,
    pub(super) faults: GroupFaults,
}

impl Tally {
    pub(super) fn new(from: Instant, to: Instant) -> Result<Self, Error> {
        Ok(Self {
            from,
            to,
            messages: 0,
            deliveries: 0,
            sent_after: Times::new()?,
            received_after: Times::new()?,
            received_by_all_after: Times::new()?,
            counts_frames: 0,
            counts_bytes: 0,
            frame_bytes_max: 0,
            moment_bytes_max: 0,
            faults: GroupFaults::default(),
        })
    }

    fn counts(&self, moment: Instant) -> bool {
        (self.from..self.to).contains(&moment)
    }

    /// A message that was to be sent at `since` is accepted.
    pub(super) fn sent(&mut self, since: Instant, now: Instant) {
        self.messages += u64::from(self.counts(now));
        if self.counts(since) {
            self.sent_after.note(now - since);
        }
    }

    /// It has come to a member.
    pub(super) fn received(&mut self, copy: Copy, now: Instant) {
        self.deliveries += u64::from(self.counts(now));
        if !self.counts(copy.since) {
            return;
        }
        self.received_after.note(now - copy.since);
        if copy.is_last {
            self.received_by_all_after.note(now - copy.since);
        }
    }

    /// A `counts` frame has come to an author, who got so many bytes of them within the moment that it ends.
    pub(super) fn counted(&mut self, bytes: usize, moment_bytes: usize, now: Instant) {
        if self.counts(now) {
            self.counts_frames += 1;
            self.counts_bytes += bytes as u64;
        }
        self.frame_bytes_max = self.frame_bytes_max.max(bytes);
        self.moment_bytes_max = self.moment_bytes_max.max(moment_bytes);
        self.faults.too_many_counts += u64::from(moment_bytes > MOMENT_BYTES_MAX);
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.exchange.count(fault);
    }

    /// What the authors of so many groups were told in so many seconds.
    pub(super) fn counts_report(&self, groups: usize, seconds: f64) -> CountsReport {
        let each = |total: u64| total as f64 / groups as f64;
        CountsReport {
            frames_per_author: each(self.counts_frames),
            bytes_per_author_and_second: each(self.counts_bytes) / seconds,
            frame_bytes_max: self.frame_bytes_max,
            bytes_in_250_ms_max: self.moment_bytes_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_falls_into_the_time_counts() {
        let from = Instant::now();
        let at = |ms| from + Duration::from_millis(ms);
        let mut tally = Tally::new(at(100), at(200)).unwrap();
        for (since, now) in [(50, 99), (99, 100), (100, 150), (199, 300)] {
            tally.sent(at(since), at(now));
            tally.received(Copy { since: at(since), is_last: since == 199 }, at(now));
        }
        assert_eq!((tally.messages, tally.deliveries), (2, 2), "those that came in the time");
        let counts = [&tally.sent_after, &tally.received_after, &tally.received_by_all_after].map(Times::latency);
        assert_eq!(counts.map(|latency| latency.unwrap().count), [2, 2, 1], "those that were to be sent in it");
    }

    #[test]
    fn an_author_may_get_so_much_in_a_moment() {
        let now = Instant::now();
        let mut tally = Tally::new(now, now + Duration::from_secs(2)).unwrap();
        tally.counted(400, 400, now);
        tally.counted(400, 1_024, now);
        assert!(!tally.faults.any());
        tally.counted(500, 1_025, now + Duration::from_secs(2));
        assert_eq!(tally.faults.too_many_counts, 1);
        let report = tally.counts_report(2, 2.0);
        assert_eq!((report.frame_bytes_max, report.bytes_in_250_ms_max), (500, 1_025));
        assert!((report.frames_per_author - 1.0).abs() < 1e-9, "one came behind the end");
        assert!((report.bytes_per_author_and_second - 200.0).abs() < 1e-9);
    }
}
