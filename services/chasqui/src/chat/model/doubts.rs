//! Messages of which it is not known for sure what has become of them.

use std::collections::BTreeSet;

use chasqui_domain::Seq;

use super::super::{
    limits::PAGE_MESSAGES,
    timeline::{Load, Timeline},
};

/// How many react to a message is only told by answers, and one that was on its way may not have what came meanwhile.
/// So they are asked for again.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    wanted: BTreeSet<Seq>,
    asked: BTreeSet<Seq>,
}

impl Doubts {
    pub(super) fn add(&mut self, seq: Seq) {
        self.wanted.insert(seq);
    }

    /// The next question: the last of them, as many as an answer holds. Those that are not here are loaded when they
    /// are scrolled to.
    pub(super) fn next(&mut self, timeline: &Timeline) -> Option<Load> {
        self.wanted.retain(|seq| timeline.has(*seq));
        let lowest = Seq(self.wanted.last()?.0.saturating_sub(u64::from(PAGE_MESSAGES) - 1));
        self.asked = self.wanted.split_off(&lowest);
        let (first, last) = (*self.asked.first()?, *self.asked.last()?);
        let count = u32::try_from(last.0 - first.0 + 1).unwrap_or(PAGE_MESSAGES);
        Some(Load::Again { first, count })
    }

    /// There is an answer, up to a message; none when it has none. An answer may be cut short.
    pub(super) fn answered(&mut self, last: Option<Seq>) {
        let asked = std::mem::take(&mut self.asked);
        self.wanted.extend(asked.into_iter().filter(|seq| last.is_some_and(|last| *seq > last)));
    }

    pub(super) fn failed(&mut self) {
        self.wanted.append(&mut self.asked);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::testing::message, *};

    fn window(from: u64, to: u64) -> Timeline {
        let mut timeline = Timeline::default();
        timeline.loaded(Load::Last, (from..=to).map(|seq| message(seq, "bob", "hi")).collect());
        timeline
    }

    fn again(first: u64, count: u32) -> Option<Load> {
        Some(Load::Again { first: Seq(first), count })
    }

    #[test]
    fn those_that_are_here_are_asked_for_the_last_ones_first() {
        let (timeline, mut doubts) = (window(10, 99), Doubts::default());
        for seq in [9, 10, 11, 50, 99, 100] {
            doubts.add(Seq(seq));
        }
        assert_eq!(doubts.next(&timeline), again(50, 50));
        doubts.answered(Some(Seq(99)));
        assert_eq!(doubts.next(&timeline), again(10, 2));
        doubts.answered(None);
        assert_eq!(doubts.next(&timeline), None);
    }

    #[test]
    fn what_has_no_answer_and_what_comes_meanwhile_is_asked_for_again() {
        let (timeline, mut doubts) = (window(1, 9), Doubts::default());
        doubts.add(Seq(2));
        assert_eq!(doubts.next(&timeline), again(2, 1));
        doubts.add(Seq(2));
        doubts.answered(Some(Seq(2)));
        assert_eq!(doubts.next(&timeline), again(2, 1));
        doubts.add(Seq(5));
        doubts.failed();
        assert_eq!(doubts.next(&timeline), again(2, 4));
        doubts.answered(Some(Seq(3)));
        assert_eq!(doubts.next(&timeline), again(5, 1), "the answer was cut short");
    }
}
