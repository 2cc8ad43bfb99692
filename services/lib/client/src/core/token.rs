//! The token, its end, and the one that follows it.
//!
//! A token that has ended is mended by another; one that the server has taken once and then refuses has ended, too. One
//! that it never took would be refused again.

use std::time::Duration;

use chasqui_wire::frames::{Renew, Token};

use crate::backoff::{Dice, pause};

/// The app is asked for another token so long before the end, or half of what is left, whichever is later.
const ASK_BEFORE: Duration = Duration::from_secs(60);

pub(super) struct Tokens {
    current: Token,
    /// The server has taken it.
    was_taken: bool,
    has_ended: bool,
    ask_at: Option<Duration>,
    ends_at: Duration,
    next: Option<Next>,
}

/// A token that the app has brought, and that the server has not answered.
struct Next {
    token: Token,
    /// From when the server may be asked to take it; none while it is asked.
    due_at: Option<Duration>,
    failures: u32,
}

impl Tokens {
    pub(super) fn new(token: Token) -> Self {
        let (ask_at, ends_at) = (None, Duration::ZERO);
        Self { current: token, was_taken: false, has_ended: false, ask_at, ends_at, next: None }
    }

    /// The one to say hello with.
    pub(super) fn current(&self) -> &Token {
        &self.current
    }

    /// The app brings another.
    pub(super) fn bring(&mut self, token: Token, has_said_hello: bool) {
        self.next = Some(Next { token, due_at: Some(Duration::ZERO), failures: 0 });
        if !has_said_hello {
            self.follow();
        }
    }

    /// Takes the one that was brought, if one was, for the next hello.
    pub(super) fn follow(&mut self) -> bool {
        let Some(next) = self.next.take() else { return false };
        (self.current, self.was_taken, self.has_ended) = (next.token, false, false);
        self.ask_at = None;
        true
    }

    /// Asks the server to take the one that was brought; given once a session, unless it couldn't be judged.
    pub(super) fn renewal(&mut self, now: Duration) -> Option<Renew> {
        let next = self.next.as_mut().filter(|next| next.due_at.is_some_and(|at| at <= now))?;
        next.due_at = None;
        Some(Renew { token: next.token.clone() })
    }

    pub(super) fn is_renewal_due(&self, now: Duration) -> bool {
        self.renew_at().is_some_and(|at| at <= now)
    }

    /// When the server is asked next.
    pub(super) fn renew_at(&self) -> Option<Duration> {
        self.next.as_ref().and_then(|next| next.due_at)
    }

    /// The server could not do something. If it was to judge the one that was brought, it is asked again after a pause;
    /// if it was something else, asking twice does no harm.
    pub(super) fn not_judged(&mut self, now: Duration, dice: &mut Dice) {
        if let Some(next) = self.next.as_mut().filter(|next| next.due_at.is_none()) {
            next.failures = next.failures.saturating_add(1);
            next.due_at = Some(now + pause(next.failures, dice));
        }
    }

    /// The server has taken the current one.
    pub(super) fn taken(&mut self, now: Duration, left: Duration) {
        self.was_taken = true;
        self.ends_at = now.saturating_add(left);
        self.ask_at = Some(self.ends_at.saturating_sub(ASK_BEFORE.min(left / 2)));
    }

    /// The server has taken the one that was brought. None when none was.
    pub(super) fn renewed(&mut self, now: Duration, left: Duration) -> bool {
        let is_taken = self.follow();
        if is_taken {
            self.taken(now, left);
        }
        is_taken
    }

    /// The server has not taken the one that was brought; false when it wasn't asked to.
    pub(super) fn not_renewed(&mut self) -> bool {
        self.next.take_if(|next| next.due_at.is_none()).is_some()
    }

    /// The current one has ended.
    pub(super) fn ended(&mut self) {
        self.has_ended = true;
    }

    /// The server refuses the current one. Whether another would mend it.
    pub(super) fn refused(&mut self) -> bool {
        self.has_ended = self.was_taken;
        self.has_ended || self.next.is_some()
    }

    /// It has ended, and there is no other.
    pub(super) fn is_wanted(&self) -> bool {
        self.has_ended && self.next.is_none()
    }

    pub(super) fn ask_at(&self) -> Option<Duration> {
        self.ask_at
    }

    /// What is left of the token when the app is to be asked for another; once for each.
    pub(super) fn asks(&mut self, now: Duration) -> Option<Duration> {
        self.ask_at.take_if(|at| *at <= now).map(|_| self.ends_at.saturating_sub(now))
    }
}
