//! Watermarks on their way: while an append is in flight, later ones are merged.

use std::collections::BTreeMap;

use chasqui_domain::{Action, ChatId, Seq};

use crate::limits;

/// A user's own watermarks in a chat; 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Watermarks {
    pub(crate) delivered: Seq,
    pub(crate) read: Seq,
}

impl Watermarks {
    fn merge(&mut self, other: Self) {
        self.delivered = self.delivered.max(other.delivered);
        self.read = self.read.max(other.read);
    }

    /// What to ask of the chat. Reading raises delivered, too.
    pub(crate) fn actions(self) -> impl Iterator<Item = Action> {
        let delivered = (self.delivered > self.read).then_some(Action::Delivered { seq: self.delivered });
        let read = (self.read > Seq(0)).then_some(Action::Read { seq: self.read });
        delivered.into_iter().chain(read)
    }
}

/// The watermarks that wait for an append.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    waiting: BTreeMap<ChatId, Watermarks>,
}

impl Receipts {
    pub(crate) fn raise(&mut self, chat: ChatId, to: Watermarks) {
        self.waiting.entry(chat).or_default().merge(to);
    }

    /// Takes all that wait, for one append.
    pub(crate) fn take(&mut self) -> BTreeMap<ChatId, Watermarks> {
        std::mem::take(&mut self.waiting)
    }

    /// Puts back what was not appended.
    pub(crate) fn put_back(&mut self, taken: BTreeMap<ChatId, Watermarks>) {
        taken.into_iter().for_each(|(chat, to)| self.raise(chat, to));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether another frame's worth may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < limits::RECEIPTS_WAITING_MAX
    }
}

#[cfg(test)]
mod tests {
    use chasqui_domain::UserId;

    use super::*;

    fn watermarks(delivered: u64, read: u64) -> Watermarks {
        Watermarks { delivered: Seq(delivered), read: Seq(read) }
    }

    #[test]
    fn later_watermarks_merge_into_what_waits_or_was_put_back() {
        let chat = ChatId::direct(&UserId::new("alice").unwrap(), &UserId::new("bob").unwrap());
        let mut receipts = Receipts::default();
        receipts.raise(chat, watermarks(5, 0));
        let taken = receipts.take();
        assert!(receipts.is_empty());
        receipts.raise(chat, watermarks(7, 2));
        receipts.put_back(taken);
        assert_eq!(receipts.take(), BTreeMap::from([(chat, watermarks(7, 2))]));
    }

    #[test]
    fn reading_makes_a_delivered_below_it_needless() {
        let actions = |delivered, read| watermarks(delivered, read).actions().collect::<Vec<_>>();
        assert_eq!(actions(3, 0), [Action::Delivered { seq: Seq(3) }]);
        assert_eq!(actions(3, 3), [Action::Read { seq: Seq(3) }]);
        assert_eq!(actions(5, 3), [Action::Delivered { seq: Seq(5) }, Action::Read { seq: Seq(3) }]);
        assert!(actions(0, 0).is_empty());
    }
}
