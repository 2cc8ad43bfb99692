//! What those in a group share.

use std::{cell::RefCell, rc::Rc, sync::Arc, time::Instant};

use futures::task::AtomicWaker;

use super::{copies::Copies, counts::Counts, tally::Tally};
use crate::{
    Group, Progress, Receipts,
    flights::Fault,
    frame::Frame,
    text::{self, Texts},
};

/// What is the same for all groups.
#[derive(Clone)]
pub(super) struct Common {
    pub(super) texts: Rc<Texts>,
    pub(super) receipts: Receipts,
    pub(super) tally: Rc<RefCell<Tally>>,
    pub(super) progress: Arc<Progress>,
}

/// A group, and what must be seen there.
pub(super) struct Shared {
    number: usize,
    pub(super) chat: String,
    pub(super) copies: RefCell<Copies>,
    pub(super) counts: RefCell<Counts>,
    /// Woken when a message is done.
    pub(super) author: AtomicWaker,
    pub(super) common: Common,
}

impl Shared {
    pub(super) fn new(number: usize, chat: String, group: &Group, common: Common) -> Self {
        let copies = RefCell::new(Copies::new(group.online));
        let counts = RefCell::new(Counts::new(group.members - 1, group.online, group.receipts));
        Self { number, chat, copies, counts, author: AtomicWaker::new(), common }
    }

    /// A message is written; gives its id and its text.
    pub(super) fn begin(&self, since: Instant) -> (u64, String) {
        let id = self.copies.borrow_mut().begin(since);
        (id, self.common.texts.of(text::number(self.number, id)))
    }

    /// The author is told that a message was accepted.
    pub(super) fn sent(&self, id: u64, seq: u64) {
        let sent = self.change(|copies| copies.sent(id, seq));
        match sent {
            Ok(since) => since.into_iter().for_each(|since| self.common.tally.borrow_mut().sent(since, Instant::now())),
            Err(fault) => self.fault(fault),
        }
    }

    /// A member has a message, which may be one that it must not have.
    pub(super) fn received(&self, member: usize, id: u64, frame: &Frame<'_>) {
        let is_text = |text| self.common.texts.is(text::number(self.number, id), text);
        let is_intact = frame.chat == Some(&self.chat) && frame.text.is_some_and(is_text);
        let received = self.change(|copies| copies.received(member, id, frame.seq, is_intact));
        match received {
            Ok(copy) => copy.into_iter().for_each(|copy| self.common.tally.borrow_mut().received(copy, Instant::now())),
            Err(fault) => self.fault(fault),
        }
    }

    /// Counts a fault, where there is one.
    pub(super) fn must(&self, what: Result<(), Fault>) {
        what.unwrap_or_else(|fault| self.fault(fault));
    }

    pub(super) fn fault(&self, fault: Fault) {
        self.common.tally.borrow_mut().fault(fault);
    }

    /// Whether nothing is under way: no message, and nothing that the author is to be told.
    pub(super) fn is_quiet(&self) -> bool {
        let copies = self.copies.borrow();
        copies.under_way() == 0 && self.counts.borrow().missing(copies.last_begun()) == 0
    }

    /// Counts what has not come, when nothing more is waited for.
    pub(super) fn count_missing(&self) {
        let copies = self.copies.borrow();
        let (outcomes, lost) = copies.missing();
        let receipts = self.counts.borrow().missing(copies.last_begun());
        let faults = &mut self.common.tally.borrow_mut().faults.exchange;
        faults.without_outcome += outcomes;
        faults.lost += lost;
        faults.without_receipt += receipts;
    }

    /// Changes what is under way, and wakes the author when there is less of it.
    fn change<T>(&self, change: impl FnOnce(&mut Copies) -> T) -> T {
        let mut copies = self.copies.borrow_mut();
        let before = copies.under_way();
        let changed = change(&mut copies);
        let done = before - copies.under_way();
        if done > 0 {
            self.common.progress.more_done(done as u64);
            self.author.wake();
        }
        changed
    }
}
