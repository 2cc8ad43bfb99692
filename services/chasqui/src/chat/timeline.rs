//! The messages in memory: a window of seqs without a hole, and what is known beyond it.

mod item;

use std::collections::{BTreeMap, VecDeque};

use chasqui_domain::Seq;
use chasqui_wire::frames::{Message, MessagesQuery};

use super::limits::{AHEAD_MAX, MESSAGES_MAX, PAGE_MESSAGES};
pub(super) use item::{Item, said};

/// Which messages to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// The last ones.
    Last,
    /// Those below a seq.
    Before(Seq),
    /// Those above a seq.
    After(Seq),
    /// So many that are here already, from a seq on.
    Again { first: Seq, count: u32 },
}

impl Load {
    pub(super) fn query(self) -> MessagesQuery {
        let (before, after, limit) = match self {
            Self::Last => (None, None, PAGE_MESSAGES),
            Self::Before(seq) => (Some(seq), None, PAGE_MESSAGES),
            Self::After(seq) => (None, Some(seq), PAGE_MESSAGES),
            Self::Again { first, count } => (None, Some(Seq(first.0.saturating_sub(1))), count),
        };
        MessagesQuery { before, after, limit: Some(limit), ..MessagesQuery::default() }
    }
}

/// Which end may go when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    Oldest,
    Newest,
}

#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Dense in seq.
    window: VecDeque<Item>,
    /// Behind a hole. It closes when what lies between was loaded.
    ahead: BTreeMap<Seq, Item>,
    last_seq: Seq,
    /// Up to here there is nothing that could be shown: who comes to a group later doesn't see what was before.
    floor: Seq,
}

impl Timeline {
    pub(super) fn first(&self) -> Option<Seq> {
        self.window.front().map(|item| item.seq)
    }

    /// The end of the window.
    pub(super) fn last(&self) -> Option<Seq> {
        self.window.back().map(|item| item.seq)
    }

    /// The last message that is known to be.
    pub(super) fn last_seq(&self) -> Seq {
        self.last_seq
    }

    pub(super) fn has_last(&self) -> bool {
        self.last().unwrap_or(self.floor) >= self.last_seq
    }

    /// All that can be shown, in order of seq.
    pub(super) fn items(&self) -> impl DoubleEndedIterator<Item = &Item> {
        self.window.iter().chain(self.ahead.values())
    }

    pub(super) fn has(&self, seq: Seq) -> bool {
        self.get(seq).is_some()
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Item> {
        self.in_window(seq).map_or_else(|| self.ahead.get(&seq), |at| self.window.get(at))
    }

    pub(super) fn get_mut(&mut self, seq: Seq) -> Option<&mut Item> {
        match self.in_window(seq) {
            Some(at) => self.window.get_mut(at),
            None => self.ahead.get_mut(&seq),
        }
    }

    /// Where a message is in the window.
    fn in_window(&self, seq: Seq) -> Option<usize> {
        let at = usize::try_from(seq.0.checked_sub(self.first()?.0)?).ok()?;
        (at < self.window.len()).then_some(at)
    }

    /// There is a message with this seq.
    pub(super) fn know(&mut self, seq: Seq) {
        self.last_seq = self.last_seq.max(seq);
    }

    /// Takes a message that came by itself. While older ones are being read, they are not dropped for it.
    pub(super) fn insert(&mut self, item: Item, is_following: bool) {
        self.know(item.seq);
        let is_next = self.last().is_none_or(|last| item.seq == last.next());
        let has_room = is_following || self.window.len() < MESSAGES_MAX;
        if is_next && has_room {
            self.window.push_back(item);
            self.close_hole(Keep::Newest);
        } else if self.last().is_some_and(|last| item.seq > last) {
            // One that is here already may have been edited since.
            self.ahead.entry(item.seq).or_insert(item);
            if self.ahead.len() > AHEAD_MAX {
                self.ahead.pop_first();
            }
        }
        // What lies in the window is a repeat, and what lies below it is loaded when it is scrolled to.
    }

    /// Takes an answer; tells whether it had anything new.
    pub(super) fn loaded(&mut self, load: Load, messages: Vec<Message>) -> bool {
        let mut items: Vec<Item> = messages.into_iter().map(Item::from).collect();
        items.sort_by_key(|item| item.seq);
        items.dedup_by_key(|item| item.seq);
        let (Some(low), Some(high)) = (items.first().map(|item| item.seq), items.last().map(|item| item.seq)) else {
            if load == Load::Last {
                self.floor = self.last_seq;
            }
            return false;
        };
        self.know(high);
        for item in &items {
            if let Some(known) = self.get_mut(item.seq) {
                known.renew(item);
            }
        }
        if matches!(load, Load::Again { .. }) {
            return false;
        }
        if load == Load::Last && self.last().is_some_and(|last| low > last.next()) {
            // What lies between would have to be loaded page by page; it is when it is scrolled to.
            self.window.clear();
        }
        let before = (self.first(), self.last());
        match before {
            (Some(first), Some(last)) => {
                let older: Vec<Item> = items.iter().filter(|item| item.seq < first).cloned().collect();
                for item in older.into_iter().rev() {
                    if self.first().is_some_and(|first| item.seq.next() == first) {
                        self.window.push_front(item);
                    }
                }
                for item in items.into_iter().filter(|item| item.seq > last) {
                    if self.last().is_some_and(|last| item.seq == last.next()) {
                        self.window.push_back(item);
                    }
                }
            }
            _ => self.window.extend(items),
        }
        let is_new = before != (self.first(), self.last());
        self.close_hole(if matches!(load, Load::Before(_)) { Keep::Oldest } else { Keep::Newest });
        is_new
    }

    /// How many messages lie in front of this one that are not here; 0 but at the hole.
    pub(super) fn hole_before(&self, seq: Seq) -> u64 {
        match (self.last(), self.ahead.first_key_value()) {
            (Some(last), Some((first, _))) if *first == seq => seq.0.saturating_sub(last.0 + 1),
            _ => 0,
        }
    }

    fn close_hole(&mut self, keep: Keep) {
        while let (Some(last), Some((first, _))) = (self.last(), self.ahead.first_key_value()) {
            if *first > last.next() {
                break;
            }
            if let Some((seq, item)) = self.ahead.pop_first()
                && seq > last
            {
                self.window.push_back(item);
            }
        }
        while self.window.len() > MESSAGES_MAX {
            match keep {
                Keep::Newest => self.window.pop_front(),
                Keep::Oldest => self.window.pop_back(),
            };
        }
    }
}

#[cfg(test)]
mod tests;
