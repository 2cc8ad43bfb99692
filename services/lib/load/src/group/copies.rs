//! The messages of one group that are under way, and which of them each member who is online has.

use std::{collections::VecDeque, time::Instant};

use crate::flights::{Fault, follows};

/// A message that is not done: not accepted yet, or not with all who are online.
#[derive(Debug)]
struct Flight {
    /// When it should have been sent.
    since: Instant,
    /// How many of them don't have it.
    lacking: usize,
}

/// A member has a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copy {
    /// When the message should have been sent.
    pub(super) since: Instant,
    /// Whether all who are online have it now.
    pub(super) is_last: bool,
}

/// A group in which one writes, from its first message on. Ids and seqs are the same, since nobody else asks anything.
#[derive(Debug)]
pub(super) struct Copies {
    /// Oldest first.
    list: VecDeque<Flight>,
    /// Up to which message it has come; they count from 1.
    begun: u64,
    sent: u64,
    /// By member who is online.
    received: Vec<u64>,
}

impl Copies {
    /// Of a group with so many online beside the author.
    pub(super) fn new(online: usize) -> Self {
        Self { list: VecDeque::new(), begun: 0, sent: 0, received: vec![0; online] }
    }

    /// A message is written; gives its id.
    pub(super) fn begin(&mut self, since: Instant) -> u64 {
        self.begun += 1;
        self.list.push_back(Flight { since, lacking: self.received.len() });
        self.begun
    }

    /// The last message that was written.
    pub(super) fn last_begun(&self) -> u64 {
        self.begun
    }

    /// The last message that a member has.
    pub(super) fn last_received(&self, member: usize) -> u64 {
        self.received[member]
    }

    /// How many are not done.
    pub(super) fn under_way(&self) -> usize {
        self.list.len()
    }

    /// How many have no outcome yet.
    pub(super) fn without_outcome(&self) -> u64 {
        self.begun - self.sent
    }

    /// The author is told that a message was accepted.
    pub(super) fn sent(&mut self, id: u64, seq: u64) -> Result<Option<Instant>, Fault> {
        follows(&mut self.sent, id, self.begun)?;
        let since = self.flight(id).map(|flight| flight.since);
        self.let_go();
        if seq == id { Ok(since) } else { Err(Fault::OutOfOrder) }
    }

    /// A member has a message.
    pub(super) fn received(
        &mut self,
        member: usize,
        id: u64,
        seq: u64,
        is_intact: bool,
    ) -> Result<Option<Copy>, Fault> {
        let before = self.received[member];
        let next = follows(&mut self.received[member], seq, self.begun);
        // What was passed over is a fault already, and is waited for no longer.
        for number in before + 1..=self.received[member] {
            if let Some(flight) = self.flight(number) {
                flight.lacking -= 1;
            }
        }
        let copy = self.flight(seq).map(|flight| Copy { since: flight.since, is_last: flight.lacking == 0 });
        self.let_go();
        next?;
        match (seq == id, is_intact) {
            (true, true) => Ok(copy),
            (true, false) => Err(Fault::Altered),
            (false, _) => Err(Fault::OutOfOrder),
        }
    }

    /// How many messages have no outcome, and how many copies of those that have one have not come.
    pub(super) fn missing(&self) -> (u64, u64) {
        let lost = self.received.iter().map(|received| self.sent.saturating_sub(*received)).sum();
        (self.without_outcome(), lost)
    }

    fn flight(&mut self, number: u64) -> Option<&mut Flight> {
        let first = self.begun - self.list.len() as u64 + 1;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.list.get_mut(index)
    }

    /// Forgets those that are done.
    fn let_go(&mut self) {
        while self.begun - (self.list.len() as u64) < self.sent
            && self.list.pop_front_if(|flight| flight.lacking == 0).is_some()
        {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(messages: u64, online: usize) -> Copies {
        let mut copies = Copies::new(online);
        for number in 1..=messages {
            assert_eq!(copies.begin(Instant::now()), number);
        }
        copies
    }

    fn is_last(copies: &mut Copies, member: usize, id: u64) -> Option<bool> {
        copies.received(member, id, id, true).unwrap().map(|copy| copy.is_last)
    }

    #[test]
    fn a_message_is_done_when_it_is_accepted_and_all_who_are_online_have_it() {
        let mut copies = with(2, 2);
        assert_eq!(is_last(&mut copies, 0, 1), Some(false));
        assert_eq!(is_last(&mut copies, 0, 2), Some(false));
        assert_eq!(is_last(&mut copies, 1, 1), Some(true));
        assert_eq!(copies.under_way(), 2, "none is accepted");
        assert!(copies.sent(1, 1).unwrap().is_some());
        assert_eq!((copies.under_way(), copies.without_outcome()), (1, 1));
        assert!(copies.sent(2, 2).unwrap().is_some());
        assert_eq!((copies.under_way(), copies.missing()), (1, (0, 1)));
        assert_eq!(is_last(&mut copies, 1, 2), Some(true));
        assert_eq!((copies.under_way(), copies.missing()), (0, (0, 0)));
    }

    #[test]
    fn where_nobody_is_online_it_is_done_when_it_is_accepted() {
        let mut copies = with(2, 0);
        assert!(copies.sent(1, 1).unwrap().is_some());
        assert_eq!((copies.under_way(), copies.missing()), (1, (1, 0)));
    }

    #[test]
    fn what_no_server_may_do_is_seen() {
        let mut copies = with(9, 2);
        copies.sent(1, 1).unwrap();
        assert_eq!(copies.sent(1, 1), Err(Fault::Repeated));
        assert_eq!(copies.sent(2, 3), Err(Fault::OutOfOrder), "another's place");
        copies.received(0, 1, 1, true).unwrap();
        assert_eq!(copies.received(0, 1, 1, true), Err(Fault::Repeated));
        assert_eq!(copies.received(0, 3, 3, true), Err(Fault::OutOfOrder), "2 was passed over");
        assert_eq!(copies.received(0, 4, 4, false), Err(Fault::Altered));
        assert_eq!(copies.received(0, 10, 10, true), Err(Fault::OutOfOrder), "nobody wrote it");
        assert_eq!(copies.received(1, 2, 1, true), Err(Fault::OutOfOrder), "another's place");
        assert_eq!(copies.missing(), (7, 1), "one of the two that were accepted");
    }

    #[test]
    fn what_was_passed_over_is_waited_for_no_longer() {
        let mut copies = with(3, 1);
        assert!((1..=3).all(|id| copies.sent(id, id).is_ok()));
        assert_eq!(copies.received(0, 3, 3, true), Err(Fault::OutOfOrder));
        assert_eq!((copies.under_way(), copies.missing()), (0, (0, 0)));
    }
}
