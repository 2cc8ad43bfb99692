//! The messages of one pair that are under way, and what must come next of each.

use std::{collections::VecDeque, time::Instant};

use crate::tally::Stage;

/// Something that no server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something came again.
    Repeated,
    /// Something came that was not the next.
    OutOfOrder,
    /// A text is not what was written.
    Altered,
    /// A receipt for what the recipient doesn't have, or hasn't read.
    Untrue,
}

/// A chat in which one user writes and the other receives, from its first message on.
#[derive(Debug)]
pub(crate) struct Flights {
    /// When those should have been sent that are not done, oldest first.
    list: VecDeque<Instant>,
    /// Up to which message each stage has come. They count from 1, and ids and seqs are the same here, since the chat
    /// is new and nobody else writes.
    begun: u64,
    sent: u64,
    received: u64,
    delivered: u64,
    read: u64,
    /// Whether a message is done when it is read, or when it is delivered.
    reads: bool,
}

impl Flights {
    pub(crate) fn new(reads: bool) -> Self {
        Self { list: VecDeque::new(), begun: 0, sent: 0, received: 0, delivered: 0, read: 0, reads }
    }

    /// A message is written; gives its id.
    pub(crate) fn begin(&mut self, since: Instant) -> u64 {
        self.begun += 1;
        self.list.push_back(since);
        self.begun
    }

    /// The last message that the recipient has.
    pub(crate) fn last_received(&self) -> u64 {
        self.received
    }

    /// The last message that was accepted.
    pub(crate) fn last_sent(&self) -> u64 {
        self.sent
    }

    /// How many are not done.
    pub(crate) fn under_way(&self) -> usize {
        self.list.len()
    }

    /// How many have no outcome yet.
    pub(crate) fn without_outcome(&self) -> u64 {
        self.begun - self.sent
    }

    fn since(&self, number: u64) -> Option<Instant> {
        let first = self.begun - self.list.len() as u64 + 1;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.list.get(index).copied()
    }

    /// The sender is told that a message was accepted.
    pub(crate) fn sent(&mut self, id: u64, seq: u64) -> Result<Option<Instant>, Fault> {
        follows(&mut self.sent, id, self.begun)?;
        if seq == id { Ok(self.since(id)) } else { Err(Fault::OutOfOrder) }
    }

    /// The recipient has a message.
    pub(crate) fn received(&mut self, id: u64, seq: u64, is_intact: bool) -> Result<Option<Instant>, Fault> {
        follows(&mut self.received, seq, self.begun)?;
        match (seq == id, is_intact) {
            (true, true) => Ok(self.since(id)),
            (true, false) => Err(Fault::Altered),
            (false, _) => Err(Fault::OutOfOrder),
        }
    }

    /// The sender is told how far the recipient has come. Gives to `note` the stage that each message comes to so, and
    /// since when it was under way.
    pub(crate) fn receipt(
        &mut self,
        delivered: u64,
        read: u64,
        mut note: impl FnMut(Stage, Instant),
    ) -> Result<(), Fault> {
        if delivered < self.delivered || read < self.read {
            return Err(Fault::OutOfOrder);
        }
        let is_true = read <= delivered && delivered <= self.received.min(self.sent);
        if !is_true || (read > 0 && !self.reads) {
            return Err(Fault::Untrue);
        }
        let rose = [(Stage::Delivered, self.delivered + 1..=delivered), (Stage::Read, self.read + 1..=read)];
        for (stage, numbers) in rose {
            numbers.filter_map(|number| self.since(number)).for_each(|since| note(stage, since));
        }
        (self.delivered, self.read) = (delivered, read);
        let left = self.begun - self.done();
        while self.list.len() as u64 > left {
            self.list.pop_front();
        }
        Ok(())
    }

    fn done(&self) -> u64 {
        if self.reads { self.read } else { self.delivered }
    }

    /// What has not come: outcomes, messages, receipts.
    pub(crate) fn missing(&self) -> Missing {
        Missing {
            outcomes: self.begun - self.sent,
            messages: self.begun - self.received,
            receipts: self.begun - self.done(),
        }
    }
}

/// What has not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) outcomes: u64,
    pub(crate) messages: u64,
    pub(crate) receipts: u64,
}

/// Whether `number` is the next one, and exists.
pub(crate) fn follows(last: &mut u64, number: u64, begun: u64) -> Result<(), Fault> {
    if number <= *last {
        return Err(Fault::Repeated);
    }
    let is_next = number == *last + 1 && number <= begun;
    // Counted from there on, so that one hole is one fault.
    *last = number.min(begun);
    if is_next { Ok(()) } else { Err(Fault::OutOfOrder) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(flights: &mut Flights, delivered: u64, read: u64) -> Result<(usize, usize), Fault> {
        let (mut one, mut other) = (0, 0);
        flights.receipt(delivered, read, |stage, _| match stage {
            Stage::Delivered => one += 1,
            _ => other += 1,
        })?;
        Ok((one, other))
    }

    fn with(messages: u64, reads: bool) -> Flights {
        let mut flights = Flights::new(reads);
        for number in 1..=messages {
            assert_eq!(flights.begin(Instant::now()), number);
        }
        flights
    }

    #[test]
    fn a_message_is_done_with_its_receipt() {
        let mut flights = with(3, false);
        for id in 1..=3 {
            assert!(flights.sent(id, id).unwrap().is_some());
            assert!(flights.received(id, id, true).unwrap().is_some());
        }
        assert_eq!(receipt(&mut flights, 2, 0), Ok((2, 0)));
        assert_eq!((flights.under_way(), flights.missing().receipts), (1, 1));
        assert_eq!(receipt(&mut flights, 3, 0), Ok((1, 0)));
        assert_eq!(flights.missing(), Missing { outcomes: 0, messages: 0, receipts: 0 });
    }

    #[test]
    fn where_they_are_read_it_is_done_when_it_was() {
        let mut flights = with(2, true);
        for id in 1..=2 {
            flights.sent(id, id).unwrap();
            flights.received(id, id, true).unwrap();
        }
        assert_eq!(receipt(&mut flights, 2, 0), Ok((2, 0)));
        assert_eq!(flights.under_way(), 2);
        assert_eq!(receipt(&mut flights, 2, 1), Ok((0, 1)));
        assert_eq!((flights.under_way(), flights.missing().receipts), (1, 1));
    }

    #[test]
    fn what_no_server_may_do_is_seen() {
        let mut flights = with(9, false);
        flights.sent(1, 1).unwrap();
        assert_eq!(flights.sent(1, 1), Err(Fault::Repeated));
        assert_eq!(flights.sent(3, 3), Err(Fault::OutOfOrder), "2 was passed over");
        assert_eq!(flights.sent(4, 5), Err(Fault::OutOfOrder), "another's place");
        flights.received(1, 1, true).unwrap();
        assert_eq!(flights.received(1, 1, true), Err(Fault::Repeated));
        assert_eq!(flights.received(2, 2, false), Err(Fault::Altered));
        assert_eq!(flights.received(10, 10, true), Err(Fault::OutOfOrder), "nobody wrote it");
        let mut flights = with(9, false);
        flights.sent(1, 1).unwrap();
        assert_eq!(receipt(&mut flights, 1, 0), Err(Fault::Untrue), "the recipient has nothing");
        flights.received(1, 1, true).unwrap();
        assert_eq!(receipt(&mut flights, 1, 1), Err(Fault::Untrue), "nobody reads");
        assert_eq!(receipt(&mut flights, 1, 0), Ok((1, 0)));
        assert_eq!(receipt(&mut flights, 0, 0), Err(Fault::OutOfOrder));
        assert_eq!(flights.missing(), Missing { outcomes: 8, messages: 8, receipts: 8 });
    }
}
