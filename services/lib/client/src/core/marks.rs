//! What is unfinished in chats: the user's own watermarks that the server has not confirmed, and the highest message of
//! this device that the others have not read.

use std::collections::BTreeMap;

use chasqui_domain::{ChatId, Seq};

/// So many chats may have something unfinished; beyond it, watermarks wait for the next message of their chat.
const CHATS_MAX: usize = 1024;

/// What is unfinished in a chat; 0 is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) delivered: Seq,
    pub(crate) read: Seq,
    pub(crate) sent: Seq,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<ChatId, Mark>);

impl FromIterator<(ChatId, Mark)> for Marks {
    fn from_iter<I: IntoIterator<Item = (ChatId, Mark)>>(marks: I) -> Self {
        Self(marks.into_iter().take(CHATS_MAX).collect())
    }
}

impl Marks {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChatId, Mark)> + '_ {
        self.0.iter().map(|(chat, mark)| (*chat, *mark))
    }

    pub(crate) fn of(&self, chat: ChatId) -> Mark {
        self.0.get(&chat).copied().unwrap_or_default()
    }

    /// Raises what is unfinished; false when there is no room.
    pub(crate) fn raise(&mut self, chat: ChatId, to: Mark) -> bool {
        if self.0.len() >= CHATS_MAX && !self.0.contains_key(&chat) {
            return false;
        }
        let mark = self.0.entry(chat).or_default();
        mark.delivered = mark.delivered.max(to.delivered);
        mark.read = mark.read.max(to.read);
        mark.sent = mark.sent.max(to.sent);
        true
    }

    /// The server has these watermarks of the user.
    pub(crate) fn confirm(&mut self, chat: ChatId, delivered: Seq, read: Seq) {
        self.change(chat, |mark| {
            if mark.delivered <= delivered {
                mark.delivered = Seq(0);
            }
            if mark.read <= read {
                mark.read = Seq(0);
            }
        });
    }

    /// The others have read up to here.
    pub(crate) fn others_read(&mut self, chat: ChatId, read: Seq) {
        self.change(chat, |mark| {
            if mark.sent <= read {
                mark.sent = Seq(0);
            }
        });
    }

    /// The server refuses the user's watermarks in the chat: repeating them would be refused for ever.
    pub(crate) fn refused(&mut self, chat: ChatId) {
        self.change(chat, |mark| (mark.delivered, mark.read) = (Seq(0), Seq(0)));
    }

    /// The user is no longer in the chat.
    pub(crate) fn over(&mut self, chat: ChatId) {
        self.0.remove(&chat);
    }

    fn change(&mut self, chat: ChatId, change: impl FnOnce(&mut Mark)) {
        if let Some(mark) = self.0.get_mut(&chat) {
            change(mark);
            if *mark == Mark::default() {
                self.0.remove(&chat);
            }
        }
    }
}
