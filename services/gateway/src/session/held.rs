//! Messages that were refused for a while, and what must wait behind them.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use chasqui_domain::{ChatId, Counter};

use crate::{limits, why::Why};

/// The messages of a session that were refused and may be sent again. Until they are, what the client had under way
/// behind them in the same chat is refused as well: a chat keeps its sender's order, refusals or not.
#[derive(Debug, Default)]
pub(crate) struct Held {
    sends: BTreeMap<(ChatId, Counter), Refusal>,
    /// Messages whose outcome this session has written, the last ones. A message of a session before may be sent again, and
    /// be refused, before its client reads that or behind it: the client won't send it once more.
    passed_over: VecDeque<(ChatId, Counter)>,
}

#[derive(Debug, Clone, Copy)]
struct Refusal {
    why: Why,
    /// From when `why` counts.
    since: Duration,
    /// When the client is taken to have given the message up.
    until: Duration,
}

impl Held {
    /// Why a message must wait; none when it may be sent.
    pub(crate) fn behind(&self, chat: ChatId, counter: Counter, now: Duration) -> Option<Why> {
        self.first_before(chat, counter, now).map(|refusal| refusal.why.later(now.saturating_sub(refusal.since)))
    }

    fn first_before(&self, chat: ChatId, counter: Counter, now: Duration) -> Option<Refusal> {
        let before = self.sends.range((chat, Counter(0))..(chat, counter));
        before.map(|(_, refusal)| *refusal).find(|refusal| refusal.until > now)
    }

    /// A message was refused and may be sent again.
    pub(crate) fn hold(&mut self, chat: ChatId, counter: Counter, why: Why, now: Duration) {
        if self.passed_over.contains(&(chat, counter)) {
            return;
        }
        let until = now + why.retry_in() + limits::HELD_FOR;
        // Whoever gives a message up must not wait longer for each that was refused behind it.
        let refusal = self.first_before(chat, counter, now).unwrap_or(Refusal { why, since: now, until });
        self.sends.insert((chat, counter), refusal);
    }

    /// The client is told the outcome of a message.
    pub(crate) fn pass_over(&mut self, chat: ChatId, counter: Counter) {
        if self.passed_over.len() >= limits::PASSED_OVER_MAX {
            self.passed_over.pop_front();
        }
        self.passed_over.push_back((chat, counter));
    }

    /// Whether a message is held already.
    pub(crate) fn holds(&self, chat: ChatId, counter: Counter) -> bool {
        self.sends.contains_key(&(chat, counter))
    }

    /// A message was taken, or never will be.
    pub(crate) fn release(&mut self, chat: ChatId, counter: Counter) {
        self.sends.remove(&(chat, counter));
    }

    /// Whether no more can be held.
    pub(crate) fn is_full(&mut self, now: Duration) -> bool {
        if self.sends.len() >= limits::HELD_MAX {
            self.sends.retain(|_, refusal| refusal.until > now);
        }
        self.sends.len() >= limits::HELD_MAX
    }
}
