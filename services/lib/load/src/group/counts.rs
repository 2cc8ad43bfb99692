//! What the author of a group is told of the others, held against what they have said; and how much of it there is.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use crate::{
    Receipts,
    flights::Fault,
    frame::{Count, Others},
};

/// Of so many messages it is remembered what was told of them: more than a frame speaks of.
const REMEMBERED: usize = 64;

/// How far somebody has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Watermarks {
    delivered: u64,
    read: u64,
}

/// What the members of a group have said, and what its author was told of it.
#[derive(Debug)]
pub(super) struct Counts {
    /// How many members there are beside the author.
    others: usize,
    receipts: Receipts,
    /// By member who is online.
    said: Vec<Watermarks>,
    /// By message, the newest.
    told: BTreeMap<u64, Count>,
    of_all: Watermarks,
}

impl Counts {
    pub(super) fn new(others: usize, online: usize, receipts: Receipts) -> Self {
        let said = vec![Watermarks::default(); online];
        Self { others, receipts, said, told: BTreeMap::new(), of_all: Watermarks::default() }
    }

    /// A member says that it has everything up to a message.
    pub(super) fn delivered(&mut self, member: usize, seq: u64) {
        self.said[member].delivered = seq;
    }

    /// A member says that it has read everything up to a message.
    pub(super) fn read(&mut self, member: usize, seq: u64) {
        self.said[member].read = seq;
    }

    /// The author is told how far the others are.
    pub(super) fn told(&mut self, others: Others, messages: &[Count]) -> Result<(), Fault> {
        let of_all = Watermarks { delivered: others.delivered, read: others.read };
        let falls = |count: &Count| {
            let before = self.told.get(&count.seq);
            before.is_some_and(|before| count.delivered < before.delivered || count.read < before.read)
        };
        if of_all.delivered < self.of_all.delivered || of_all.read < self.of_all.read || messages.iter().any(falls) {
            return Err(Fault::OutOfOrder);
        }
        if others.count != self.others || !self.is_true_of_all(of_all) || !messages.iter().all(|it| self.is_true(it)) {
            return Err(Fault::Untrue);
        }
        self.of_all = of_all;
        self.told.extend(messages.iter().map(|count| (count.seq, *count)));
        while self.told.len() > REMEMBERED {
            self.told.pop_first();
        }
        Ok(())
    }

    /// Whether all have come so far, those included who are not online and have nothing.
    fn is_true_of_all(&self, told: Watermarks) -> bool {
        let least = |it: fn(&Watermarks) -> u64| match self.others == self.said.len() {
            true => self.said.iter().map(it).min().unwrap_or_default(),
            false => 0,
        };
        told.read <= told.delivered && told.delivered <= least(|it| it.delivered) && told.read <= least(|it| it.read)
    }

    fn is_true(&self, told: &Count) -> bool {
        let have = |it: fn(&Watermarks) -> u64| self.said.iter().filter(|said| it(said) >= told.seq).count();
        told.read <= told.delivered && told.delivered <= have(|it| it.delivered) && told.read <= have(|it| it.read)
    }

    /// Of how many members the author was not told that they have the last message, or have read it where they do.
    pub(super) fn missing(&self, last: u64) -> u64 {
        let told = self.told.get(&last).map_or(0, |count| match self.receipts {
            Receipts::Read => count.read,
            Receipts::Delivered | Receipts::None => count.delivered,
        });
        let is_nothing_due = last == 0 || self.receipts == Receipts::None;
        if is_nothing_due { 0 } else { self.said.len().saturating_sub(told) as u64 }
    }
}

/// Over how long it is looked how much comes: as long as a router gathers counts.
const MOMENT: Duration = Duration::from_millis(250);

/// The most bytes that may come to an author within [`MOMENT`].
pub(super) const MOMENT_BYTES_MAX: usize = 1024;

/// What came within the last moment.
#[derive(Debug, Default)]
pub(super) struct Moment {
    came: VecDeque<(Instant, usize)>,
}

impl Moment {
    /// A frame of so many bytes comes; how many came within the moment that ends now.
    pub(super) fn add(&mut self, now: Instant, bytes: usize) -> usize {
        while self.came.pop_front_if(|(at, _)| *at + MOMENT <= now).is_some() {}
        self.came.push_back((now, bytes));
        self.came.iter().map(|(_, bytes)| bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_all(delivered: u64, read: u64) -> Others {
        Others { count: 3, delivered, read }
    }

    fn one(seq: u64, delivered: usize, read: usize) -> [Count; 1] {
        [Count { seq, delivered, read }]
    }

    /// Of the three others so many are online and have the first two messages, of which each has read the first.
    fn with(online: usize) -> Counts {
        let mut counts = Counts::new(3, online, Receipts::Read);
        for member in 0..online {
            counts.delivered(member, 2);
            counts.read(member, 1);
        }
        counts
    }

    #[test]
    fn who_is_not_online_has_nothing() {
        let mut counts = with(2);
        assert_eq!(counts.told(of_all(0, 0), &one(2, 2, 0)), Ok(()));
        assert_eq!(counts.told(of_all(1, 0), &one(2, 2, 0)), Err(Fault::Untrue));
        assert_eq!(with(3).told(of_all(2, 1), &one(1, 3, 3)), Ok(()));
    }

    #[test]
    fn nobody_has_what_they_have_not_said() {
        for (others, messages) in [
            (of_all(0, 0), one(2, 3, 0)),
            (of_all(0, 0), one(2, 2, 1)),
            (of_all(0, 0), one(3, 1, 0)),
            (of_all(0, 0), one(1, 1, 2)),
            (Others { count: 2, ..of_all(0, 0) }, one(1, 1, 0)),
        ] {
            assert_eq!(with(2).told(others, &messages), Err(Fault::Untrue), "{others:?} {messages:?}");
        }
        assert_eq!(with(3).told(of_all(3, 0), &[]), Err(Fault::Untrue));
        assert_eq!(with(3).told(of_all(2, 2), &[]), Err(Fault::Untrue));
        assert_eq!(with(3).told(of_all(0, 1), &[]), Err(Fault::Untrue));
    }

    #[test]
    fn what_is_told_never_falls() {
        let mut counts = with(3);
        counts.told(of_all(1, 1), &one(1, 3, 2)).unwrap();
        assert_eq!(counts.told(of_all(1, 1), &one(1, 3, 1)), Err(Fault::OutOfOrder));
        assert_eq!(counts.told(of_all(1, 1), &one(1, 2, 2)), Err(Fault::OutOfOrder));
        assert_eq!(counts.told(of_all(1, 0), &[]), Err(Fault::OutOfOrder));
        assert_eq!(counts.told(of_all(2, 1), &one(2, 1, 0)), Ok(()));
    }

    #[test]
    fn in_the_end_the_author_must_know_of_all_who_are_online() {
        let mut counts = with(2);
        assert_eq!((counts.missing(0), counts.missing(1)), (0, 2));
        counts.told(of_all(0, 0), &one(1, 2, 1)).unwrap();
        assert_eq!(counts.missing(1), 1, "one that has not read it");
        counts.told(of_all(0, 0), &one(1, 2, 2)).unwrap();
        assert_eq!((counts.missing(1), counts.missing(2)), (0, 2));
        assert_eq!(Counts::new(3, 2, Receipts::None).missing(1), 0, "nobody says anything");
    }

    #[test]
    fn a_moment_ends_behind_a_quarter_of_a_second() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut moment = Moment::default();
        let came = [(0, 400), (249, 300), (250, 200), (498, 100), (499, 10), (900, 1)];
        let within = came.map(|(ms, bytes)| moment.add(at(ms), bytes));
        assert_eq!(within, [400, 700, 500, 600, 310, 1]);
    }
}
