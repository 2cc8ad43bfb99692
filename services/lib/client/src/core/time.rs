//! What time asks for.

use std::time::Duration;

use super::{Core, Dirty, Link, SAVE_WITHIN};
use crate::update::Update;

/// How long a welcome may take.
const GREETING: Duration = Duration::from_secs(10);

/// What time asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    Nothing,
    /// The server is silent: ask for a sign of life.
    Ping,
    /// The connection is dead.
    HangUp,
}

impl Core {
    /// The server gave a sign of life, or was not listened to.
    pub(crate) fn heard(&mut self, now: Duration) {
        self.heard_at = now;
    }

    /// What time asks for.
    pub(crate) fn tick(&mut self, now: Duration) -> Tick {
        if matches!(self.link, Link::Up { .. })
            && let Some(left) = self.tokens.asks(now)
        {
            self.tell(Update::TokenExpires { left });
        }
        match self.link {
            Link::Greeting { since } if since + GREETING <= now => Tick::HangUp,
            Link::Up { idle, .. } if self.heard_at + idle <= now => Tick::HangUp,
            Link::Up { idle, .. } if self.ping_at(idle) <= now => {
                self.pinged_at = now;
                Tick::Ping
            }
            _ => Tick::Nothing,
        }
    }

    fn ping_at(&self, idle: Duration) -> Duration {
        self.heard_at.max(self.pinged_at) + idle / 3
    }

    /// When time asks for something next.
    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        let save_at = match self.dirty {
            Dirty::Since(since) => Some(since + SAVE_WITHIN),
            Dirty::Clean | Dirty::Now => None,
        };
        let (alive_at, ack_at, send_at, token_at) = match self.link {
            Link::Down => (None, None, None, None),
            Link::Greeting { since } => (Some(since + GREETING), None, None, None),
            Link::Up { idle, .. } => {
                let alive_at = self.ping_at(idle).min(self.heard_at + idle);
                let ack_at = self.state.cursor.as_ref().and(self.acks.deadline());
                let token_at = self.tokens.ask_at().into_iter().chain(self.tokens.renew_at()).min();
                let send_at = self.state.outbox.deadline(now).into_iter().chain(self.questions.due_at()).min();
                (Some(alive_at), ack_at, send_at, token_at)
            }
        };
        [save_at, alive_at, ack_at, send_at, token_at].into_iter().flatten().min()
    }
}
