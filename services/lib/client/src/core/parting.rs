//! How a connection ends, and whether another follows.

use std::time::Duration;

use chasqui_wire::{Code, codes::CLOSE_STAY_AWAY};

use super::{Core, Link};
use crate::{
    backoff::pause,
    transport::Close,
    update::{End, Update},
};

/// An error that the server spoke of; it counts when the connection ends behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: Code,
    /// The server wants nobody back before.
    pub(super) retry_in: Duration,
}

impl Said {
    pub(super) fn new(code: Code, retry_in_ms: Option<u32>) -> Self {
        Self { code, retry_in: Duration::from_millis(u64::from(retry_in_ms.unwrap_or_default())) }
    }
}

/// What the server gives for a reason when a connection ends, or doesn't come to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parting {
    pub(crate) close: Option<Close>,
    /// An answer over HTTP instead of a connection: its code, and not before how many milliseconds to come again.
    pub(crate) refusal: Option<(Code, Option<u32>)>,
}

impl Core {
    /// The connection is gone, or didn't come to be; gives the pause before the next attempt. None when there is none by
    /// itself.
    pub(crate) fn disconnected(&mut self, parting: &Parting) -> Option<Duration> {
        self.link = Link::Down;
        self.hello_due = false;
        self.state.outbox.session_over();
        let close = parting.close.as_ref();
        let refused = parting.refusal.map(|(code, retry_in_ms)| Said::new(code, retry_in_ms));
        let said = self.said.take().or(refused);
        let code = said.map(|said| said.code).or_else(|| close.and_then(code_of));
        let wants_token = match code {
            Some(Code::TokenExpired) => {
                self.tokens.ended();
                true
            }
            Some(Code::Unauthorized) => self.tokens.refused(),
            _ => false,
        };
        if !wants_token && close.is_some_and(|close| CLOSE_STAY_AWAY.contains(&close.number)) {
            self.end(End::Refused(code.unwrap_or(Code::Unknown)));
            return None;
        }
        self.tokens.follow();
        let pause = self.pause(said);
        let again_in = self.may_connect().then_some(pause);
        if !std::mem::replace(&mut self.told_down, true) {
            self.tell(Update::Disconnected { code, again_in });
        }
        if self.tokens.is_wanted() {
            self.tell(Update::TokenExpires { left: Duration::ZERO });
        }
        again_in
    }

    /// How long to wait. Who was told a turn comes at that time: earlier it would be told another, and later the turn would
    /// be somebody else's. It is no failure, so it doesn't make the pause behind the next one longer.
    fn pause(&mut self, said: Option<Said>) -> Duration {
        let retry_in = said.map_or(Duration::ZERO, |said| said.retry_in);
        if said.is_some_and(|said| said.code == Code::TooManyLogins) && !retry_in.is_zero() {
            return retry_in;
        }
        self.failures = self.failures.saturating_add(1);
        retry_in + pause(self.failures, &mut self.dice)
    }
}

/// The code of a close; none when neither its number nor its reason is of this build.
fn code_of(close: &Close) -> Option<Code> {
    let numbered = Code::ALL.iter().copied().find(|code| code.close() == Some(close.number));
    numbered.or_else(|| Code::parse(&close.reason))
}
