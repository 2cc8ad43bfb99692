//! A member's own messages above the read watermark, as runs of neighbouring seqs.

use std::collections::VecDeque;

use crate::ids::Seq;

/// How many runs are kept. Between two runs lies a message of somebody else, so whoever loses the oldest run has at
/// least this many unread.
pub const RUNS_MAX: usize = 1024;

/// Ascending, disjoint, not touching runs of seqs above a floor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    floor: Seq,
    runs: VecDeque<(Seq, Seq)>,
}

impl Runs {
    /// Rebuilds what [`Runs::floor`] and [`Runs::iter`] gave.
    #[must_use]
    pub fn from_parts(floor: Seq, runs: impl IntoIterator<Item = (Seq, Seq)>) -> Self {
        Self { floor, runs: runs.into_iter().collect() }
    }

    /// Below and at this seq nothing is known: it rises only when more than [`RUNS_MAX`] runs would be kept.
    #[must_use]
    pub fn floor(&self) -> Seq {
        self.floor
    }

    /// First and last seq of every run, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Seq, Seq)> + '_ {
        self.runs.iter().copied()
    }

    /// How many messages are in the runs.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|(first, last)| last.0 - first.0 + 1).sum()
    }

    /// Adds a seq above all others.
    pub(super) fn push(&mut self, seq: Seq) {
        match self.runs.back_mut() {
            Some((_, last)) if last.next() == seq => *last = seq,
            _ => self.runs.push_back((seq, seq)),
        }
        if self.runs.len() > RUNS_MAX
            && let Some((_, last)) = self.runs.pop_front()
        {
            self.floor = last;
        }
    }

    /// Drops what lies at or below `seq`.
    pub(super) fn forget_up_to(&mut self, seq: Seq) {
        while let Some((first, last)) = self.runs.front_mut() {
            if *last <= seq {
                self.runs.pop_front();
            } else {
                *first = (*first).max(seq.next());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_join_and_reading_cuts() {
        let mut runs = Runs::default();
        for seq in [1, 2, 3, 7, 8] {
            runs.push(Seq(seq));
        }
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(Seq(1), Seq(3)), (Seq(7), Seq(8))]);
        runs.forget_up_to(Seq(2));
        assert_eq!((runs.count(), runs.floor()), (3, Seq(0)));
        runs.forget_up_to(Seq(7));
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(Seq(8), Seq(8))]);
    }

    #[test]
    fn at_the_bound_the_oldest_run_gives_way_and_the_floor_rises() {
        let mut runs = Runs::default();
        for seq in 0..=RUNS_MAX as u64 {
            runs.push(Seq(seq * 2 + 1));
        }
        assert_eq!(runs.iter().len(), RUNS_MAX);
        assert_eq!(runs.floor(), Seq(1));
    }
}
