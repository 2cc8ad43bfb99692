//! What waits for one session: bounded, in the order of the gateway's topic.

use std::{collections::VecDeque, task::Waker};

use axum::extract::ws::Utf8Bytes;
use chasqui_domain::{ChatId, Counter, Day, Offset};
use chasqui_wire::Code;
use futures::task::AtomicWaker;
use parking_lot::Mutex;

use crate::limits;

/// An entry as one session sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// The entry's place in the inbox.
    pub(crate) offset: Offset,
    /// No entry behind it is older.
    pub(crate) day: Day,
    /// Whether it has a row. Only such entries count as unacknowledged.
    pub(crate) kept: bool,
    /// What is written; none when the entry is of no concern to this device.
    pub(crate) frame: Option<Utf8Bytes>,
    /// Whether that may wait a while for something else to be written.
    pub(crate) may_wait: bool,
    /// The message of this device whose outcome this is.
    pub(crate) settles: Option<(ChatId, Counter)>,
}

/// Something for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    /// The router's answer to an attach.
    Answer {
        /// Which attach.
        attempt: u32,
        /// Rows below are stored; pushes that follow are not below.
        up_to: Offset,
    },
    /// A push.
    Entry(Delivery),
    /// Something that is told to those who are there, and has no place in the inbox.
    Live(Utf8Bytes),
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Answer { .. } => 0,
            Self::Entry(delivery) => delivery.frame.as_ref().map_or(0, |frame| frame.len()),
            Self::Live(frame) => frame.len(),
        }
    }
}

/// What [`Queue::pop`] finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Popped {
    /// The next item.
    Item(Item),
    /// Items are missing from here on.
    Gap,
    /// Nothing.
    Empty,
}

/// What waits for one session. Once an item found no room all that follow are dropped, until the session has taken
/// notice: so what is in the queue never has a hole before its gap.
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    reader: AtomicWaker,
    frames_max: usize,
}

#[derive(Default)]
struct Inner {
    items: VecDeque<Item>,
    /// Of all items.
    bytes: usize,
    gap: bool,
    closing: Option<Code>,
}

/// An emptied queue keeps room for so many items and gives back the rest: thousands of sessions have one each.
const KEPT_ROOM: usize = 16;

impl Queue {
    pub(crate) fn new(frames_max: usize) -> Self {
        Self { inner: Mutex::default(), reader: AtomicWaker::new(), frames_max }
    }

    /// Appends an item, or makes a gap when there is no room.
    pub(crate) fn push(&self, item: Item) {
        let mut inner = self.inner.lock();
        if inner.gap {
            return;
        }
        let bytes = inner.bytes.saturating_add(item.bytes());
        // A single item always has room.
        if inner.items.is_empty() || (inner.items.len() < self.frames_max && bytes <= limits::QUEUE_BYTES_MAX) {
            inner.bytes = bytes;
            inner.items.push_back(item);
        } else {
            inner.gap = true;
        }
        drop(inner);
        self.reader.wake();
    }

    /// Says that items are missing from here on.
    pub(crate) fn mark_gap(&self) {
        self.inner.lock().gap = true;
        self.reader.wake();
    }

    /// Asks the session to end. The first reason counts.
    pub(crate) fn close(&self, why: Code) {
        self.inner.lock().closing.get_or_insert(why);
        self.reader.wake();
    }

    /// Why the session is to end, if it is.
    pub(crate) fn closing(&self) -> Option<Code> {
        self.inner.lock().closing
    }

    /// Takes what is next. A gap comes once, behind all items before it.
    pub(crate) fn pop(&self) -> Popped {
        let mut inner = self.inner.lock();
        if let Some(item) = inner.items.pop_front() {
            inner.bytes -= item.bytes();
            return Popped::Item(item);
        }
        if inner.items.capacity() > KEPT_ROOM {
            inner.items = VecDeque::new();
        }
        if std::mem::take(&mut inner.gap) { Popped::Gap } else { Popped::Empty }
    }

    /// Whether [`Queue::pop`] would find something.
    pub(crate) fn has_more(&self) -> bool {
        let inner = self.inner.lock();
        !inner.items.is_empty() || inner.gap
    }

    /// The task to wake when something changes. To be called before looking.
    pub(crate) fn register(&self, waker: &Waker) {
        self.reader.register(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(attempt: u32) -> Item {
        Item::Answer { attempt, up_to: Offset(0) }
    }

    #[test]
    fn what_finds_no_room_becomes_one_gap_behind_the_rest() {
        let queue = Queue::new(2);
        for attempt in 0..4 {
            queue.push(answer(attempt));
        }
        assert_eq!(queue.pop(), Popped::Item(answer(0)));
        queue.push(answer(4));
        assert_eq!(queue.pop(), Popped::Item(answer(1)));
        assert!(queue.has_more());
        assert_eq!(queue.pop(), Popped::Gap);
        assert_eq!(queue.pop(), Popped::Empty);
        queue.push(answer(5));
        assert_eq!(queue.pop(), Popped::Item(answer(5)));
    }

    #[test]
    fn frames_that_are_long_become_a_gap_earlier() {
        let entry = |bytes: usize| {
            let frame = Some("x".repeat(bytes).into());
            Item::Entry(Delivery { offset: Offset(0), day: Day(0), kept: true, frame, may_wait: false, settles: None })
        };
        let queue = Queue::new(1_000);
        queue.push(entry(2 * limits::QUEUE_BYTES_MAX));
        assert!(matches!(queue.pop(), Popped::Item(_)), "one alone has room");
        for _ in 0..5 {
            queue.push(entry(limits::QUEUE_BYTES_MAX / 4));
        }
        let popped: Vec<_> = (0..5).map(|_| matches!(queue.pop(), Popped::Item(_))).collect();
        assert_eq!(popped, [true, true, true, true, false]);
        queue.push(entry(limits::QUEUE_BYTES_MAX));
        assert!(matches!(queue.pop(), Popped::Item(_)), "what was taken gave its room back");
    }

    #[test]
    fn the_first_reason_to_close_counts() {
        let queue = Queue::new(2);
        queue.close(Code::Replaced);
        queue.close(Code::Draining);
        assert_eq!(queue.closing(), Some(Code::Replaced));
    }
}
