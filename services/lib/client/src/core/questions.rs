//! The chats whose watermarks are asked for, until there is an answer.

use std::{collections::BTreeSet, time::Duration};

use chasqui_domain::ChatId;

use super::CHATS_PER_FRAME;
use crate::backoff::{Dice, pause};

#[derive(Debug, Default)]
pub(super) struct Questions {
    waiting: BTreeSet<ChatId>,
    /// Asked in this session, and not answered.
    asked: BTreeSet<ChatId>,
    due_at: Duration,
    failures: u32,
}

impl Questions {
    /// These are to be asked for; what was asked before counts no more.
    pub(super) fn begin(&mut self, chats: impl Iterator<Item = ChatId>) {
        *self = Self { waiting: chats.collect(), ..Self::default() };
    }

    /// What to ask for now, in one frame.
    pub(super) fn next(&mut self, now: Duration) -> Option<Vec<ChatId>> {
        if !self.is_due(now) {
            return None;
        }
        let chats: Vec<ChatId> = self.waiting.iter().take(CHATS_PER_FRAME).copied().collect();
        for chat in &chats {
            self.waiting.remove(chat);
            self.asked.insert(*chat);
        }
        Some(chats)
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        !self.waiting.is_empty() && self.due_at <= now
    }

    /// When to ask next.
    pub(super) fn due_at(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then_some(self.due_at)
    }

    /// A chat is answered.
    pub(super) fn answered(&mut self, chat: ChatId) {
        self.asked.remove(&chat);
    }

    /// The server could not do something. If it was to answer, it is asked again after a pause; if it was something else,
    /// asking twice does no harm.
    pub(super) fn not_answered(&mut self, now: Duration, dice: &mut Dice) {
        if !self.asked.is_empty() {
            self.failures = self.failures.saturating_add(1);
            self.due_at = now + pause(self.failures, dice);
            self.waiting.append(&mut self.asked);
        }
    }
}
