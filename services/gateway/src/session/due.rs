//! What is due in a session as time goes by: pings, repeated attaches, refreshes, notices, and its end.

use std::time::Duration;

use chasqui_domain::{ChatId, Counter};
use chasqui_wire::{
    Code,
    frames::{Delayed, ServerFrame},
    presence::PresenceKind,
};

use super::{Phase, Session};
use crate::{limits, render::text, why::Why};

impl Session {
    /// Whether a message may be sent now, as to those before it.
    ///
    /// # Errors
    /// Why it is refused like the one that it must wait for.
    pub(crate) fn in_order(&self, chat: ChatId, counter: Counter, now: Duration) -> Result<(), Why> {
        self.held.behind(chat, counter, now).map_or(Ok(()), Err)
    }

    /// Whether a message that is refused can be waited for.
    pub(crate) fn can_hold(&mut self, chat: ChatId, counter: Counter, now: Duration) -> bool {
        self.held.holds(chat, counter) || !self.held.is_full(now)
    }

    /// A message of this session waits for its outcome from now on.
    ///
    /// # Errors
    /// [`Code::TooManyOutstanding`].
    pub(crate) fn sending(&mut self, chat: ChatId, counter: Counter, now: Duration) -> Result<(), Code> {
        if self.outstanding.add(chat, counter, now) { Ok(()) } else { Err(Code::TooManyOutstanding) }
    }

    /// A message of this session is on its way.
    pub(crate) fn sent(&mut self, chat: ChatId, counter: Counter) {
        self.held.release(chat, counter);
    }

    /// A message of this session is not, and will have no outcome.
    pub(crate) fn not_sent(&mut self, chat: ChatId, counter: Counter, why: Why, now: Duration) {
        self.outstanding.settle(chat, counter);
        if why.is_for_a_while() {
            self.held.hold(chat, counter, why, now);
        } else {
            self.held.release(chat, counter);
        }
    }

    /// A message has its outcome.
    pub(super) fn settled(&mut self, chat: ChatId, counter: Counter) {
        self.outstanding.settle(chat, counter);
        self.held.pass_over(chat, counter);
        self.held.release(chat, counter);
    }

    /// What to tell the router, and of which attach; given once.
    pub(crate) fn announcement(&mut self) -> Option<(PresenceKind, u32)> {
        self.announce.take().map(|kind| (kind, self.attempt))
    }

    /// The router couldn't be told. An attach is repeated anyway.
    pub(crate) fn not_announced(&mut self, now: Duration) {
        self.refresh_at = self.refresh_at.min(now + limits::ATTACH_WAIT_MAX);
    }

    /// The client gave a sign of life.
    pub(crate) fn heard(&mut self, now: Duration) {
        self.heard_at = now;
    }

    /// Whether the socket takes more.
    pub(crate) fn socket_is_open(&mut self, is_open: bool, now: Duration) {
        if is_open {
            self.blocked_since = None;
        } else {
            self.blocked_since.get_or_insert(now);
        }
    }

    /// Whether to ping now; said once.
    pub(crate) fn takes_ping(&mut self) -> bool {
        std::mem::take(&mut self.ping_due)
    }

    /// Does what is due.
    ///
    /// # Errors
    /// Why the session must end.
    pub(crate) fn tick(&mut self, now: Duration) -> Result<(), Code> {
        let overdue = |since: Duration| since + self.limits.idle <= now;
        if self.stuck_since.is_some_and(overdue) || self.blocked_since.is_some_and(overdue) {
            return Err(Code::Slow);
        }
        if overdue(self.heard_at) {
            return Err(Code::Idle);
        }
        if self.ping_at() <= now {
            self.pinged_at = now;
            self.ping_due = true;
        }
        if let Phase::Attaching { again, wait } = self.phase {
            if again <= now {
                // The same attempt: an answer that is merely late counts, too.
                let wait = (wait * 2).min(limits::ATTACH_WAIT_MAX);
                self.phase = Phase::Attaching { again: now + wait, wait };
                self.announce = Some(PresenceKind::Attach);
            }
        } else if self.refresh_at <= now {
            self.announce.get_or_insert(PresenceKind::Refresh);
        }
        if self.refresh_at <= now {
            self.refresh_at = now + limits::REFRESH_EVERY;
        }
        let late = self.outstanding.late(now).map(|(chat, id)| ServerFrame::Delayed(Delayed { chat, id }));
        self.control.extend(late.filter_map(|frame| text(&frame)));
        Ok(())
    }

    fn ping_at(&self) -> Duration {
        self.heard_at.max(self.pinged_at) + self.limits.ping
    }

    /// When [`Session::tick`] has something to do next. Others' calls move it forth, and back only as far as a
    /// second, so a timer may be kept that fires early.
    pub(crate) fn deadline(&self) -> Duration {
        let again = match self.phase {
            Phase::Attaching { again, .. } => Some(again),
            Phase::Reading { .. } | Phase::Live => None,
        };
        let idle = [Some(self.heard_at), self.stuck_since, self.blocked_since].into_iter().flatten().min();
        let idle = idle.unwrap_or(self.heard_at) + self.limits.idle;
        [again, self.outstanding.deadline(), Some(self.ping_at()), Some(self.refresh_at)]
            .into_iter()
            .flatten()
            .fold(idle, Duration::min)
    }
}
