//! Sets of messages, as runs of neighbouring seqs.

use std::collections::VecDeque;

use crate::ids::Seq;

/// How many runs are kept at most. Between two runs of a member's own messages lies one of somebody else, so whoever
/// loses the oldest has at least this many unread; unless it is one of their own that they deleted.
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

    /// Below and at this seq nothing is known: it rises only when more runs would be kept than may be.
    #[must_use]
    pub fn floor(&self) -> Seq {
        self.floor
    }

    /// First and last seq of every run, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Seq, Seq)> + ExactSizeIterator + '_ {
        self.runs.iter().copied()
    }

    /// How many messages of the runs lie above a seq.
    #[must_use]
    pub fn count_above(&self, seq: Seq) -> u64 {
        let above = self.runs.iter().rev().take_while(|(_, last)| *last > seq);
        above.map(|(first, last)| last.0 - first.0.max(seq.0 + 1) + 1).sum()
    }

    /// Adds a seq above all others.
    pub(super) fn push(&mut self, seq: Seq, runs_max: usize) {
        match self.runs.back_mut() {
            Some((_, last)) if last.next() == seq => *last = seq,
            _ => self.runs.push_back((seq, seq)),
        }
        self.bound(runs_max);
    }

    /// Adds runs of seqs that are not in it, wherever they lie.
    pub(super) fn add(&mut self, other: &Self, runs_max: usize) {
        let mut all: Vec<_> = self.runs.iter().chain(&other.runs).copied().collect();
        all.sort_unstable();
        self.runs.clear();
        for (first, last) in all {
            match self.runs.back_mut() {
                Some((_, before)) if before.next() >= first => *before = last.max(*before),
                _ => self.runs.push_back((first, last)),
            }
        }
        // What lies below the floor stays unknown, whoever knew it.
        self.forget_up_to(self.floor);
        self.bound(runs_max);
    }

    /// Takes a seq out, wherever it lies.
    pub(super) fn remove(&mut self, seq: Seq, runs_max: usize) {
        let at = self.runs.partition_point(|(_, last)| *last < seq);
        let Some((first, last)) = self.runs.get(at).copied().filter(|(first, _)| *first <= seq) else { return };
        self.runs.remove(at);
        if seq < last {
            self.runs.insert(at, (seq.next(), last));
        }
        if first < seq {
            self.runs.insert(at, (first, Seq(seq.0 - 1)));
        }
        self.bound(runs_max);
    }

    fn bound(&mut self, runs_max: usize) {
        while self.runs.len() > runs_max {
            if let Some((_, last)) = self.runs.pop_front() {
                self.floor = last;
            }
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

    fn of(seqs: &[u64]) -> Runs {
        let mut runs = Runs::default();
        seqs.iter().for_each(|seq| runs.push(Seq(*seq), RUNS_MAX));
        runs
    }

    #[test]
    fn neighbours_join_and_reading_cuts() {
        let mut runs = of(&[1, 2, 3, 7, 8]);
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(Seq(1), Seq(3)), (Seq(7), Seq(8))]);
        let counts = [0, 1, 2, 3, 6, 7, 8, 9].map(|seq| runs.count_above(Seq(seq)));
        assert_eq!(counts, [5, 4, 3, 2, 2, 1, 0, 0]);
        runs.forget_up_to(Seq(2));
        assert_eq!((runs.count_above(Seq(0)), runs.floor()), (3, Seq(0)));
        runs.forget_up_to(Seq(7));
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(Seq(8), Seq(8))]);
    }

    #[test]
    fn sets_are_joined_wherever_they_lie() {
        let mut runs = of(&[2, 3, 9]);
        runs.add(&of(&[1, 4, 5, 7, 11]), RUNS_MAX);
        let all = [(1, 5), (7, 7), (9, 9), (11, 11)].map(|(first, last)| (Seq(first), Seq(last)));
        assert_eq!(runs.iter().collect::<Vec<_>>(), all);
        runs.add(&of(&[8, 10]), 1);
        assert_eq!((runs.iter().collect::<Vec<_>>(), runs.floor()), (vec![(Seq(7), Seq(11))], Seq(5)));
    }

    #[test]
    fn a_seq_is_taken_out_of_its_run() {
        let kept = |seqs: &[u64]| of(seqs).iter().collect::<Vec<_>>();
        for (gone, rest) in
            [(2, vec![3, 4, 7]), (3, vec![2, 4, 7]), (4, vec![2, 3, 7]), (7, vec![2, 3, 4]), (5, vec![2, 3, 4, 7])]
        {
            let mut runs = of(&[2, 3, 4, 7]);
            runs.remove(Seq(gone), RUNS_MAX);
            assert_eq!(runs.iter().collect::<Vec<_>>(), kept(&rest), "without {gone}");
        }
        let mut runs = of(&[1, 2, 3]);
        runs.remove(Seq(2), 1);
        assert_eq!(
            (runs.iter().collect::<Vec<_>>(), runs.floor()),
            (vec![(Seq(3), Seq(3))], Seq(1)),
            "it stays bounded"
        );
    }

    #[test]
    fn at_the_bound_the_oldest_run_gives_way_and_the_floor_rises() {
        let mut runs = Runs::default();
        for seq in 0..=RUNS_MAX as u64 {
            runs.push(Seq(seq * 2 + 1), RUNS_MAX);
        }
        assert_eq!(runs.iter().len(), RUNS_MAX);
        assert_eq!(runs.floor(), Seq(1));
    }
}
