//! Why there is no report.

use std::io;

use tokio_tungstenite::tungstenite;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system gives no runtime.
    #[error("can't start the runtime")]
    Runtime(#[source] io::Error),
    /// What was asked for can't be done.
    #[error("{0}")]
    Options(String),
    /// No token could be signed.
    #[error("can't sign a token: {0}")]
    Token(String),
    /// A connection failed.
    #[error("a connection failed; is a server running there?")]
    Connection(#[source] Box<tungstenite::Error>),
    /// The server closed a connection.
    #[error("the server closed a connection of {user}")]
    Closed {
        /// Whose.
        user: String,
    },
    /// The server refuses something.
    #[error("the server refuses what {user} does: {code}{}", hint(code))]
    Refused {
        /// Whose session.
        user: String,
        /// The server's code.
        code: String,
    },
    /// The server says something that can't be understood.
    #[error("a frame can't be understood: {why}")]
    Frame {
        /// Why.
        why: String,
    },
    /// A log-in took too long.
    #[error("{user} is not logged in after {seconds} s")]
    LogIn {
        /// Whose.
        user: String,
        /// How long it was waited.
        seconds: u64,
    },
}

impl From<tungstenite::Error> for Error {
    fn from(error: tungstenite::Error) -> Self {
        Self::Connection(Box::new(error))
    }
}

/// What helps against the limits that a load runs into.
fn hint(code: &str) -> &'static str {
    match code {
        "rate_limited" | "too_many_frames" => {
            "; start it without limits: --set limits.sends_per_second=0 --set limits.frames_per_second=0"
        }
        "too_many_chats" => "; start it without that limit: --set limits.chats_opened_per_hour=0",
        "too_many_members" => "; raise limits.group_members_max, which can be 1,024 at most",
        "unavailable" => {
            "; it may have too few files for so many sessions: raise `ulimit -n`, and gateway.sessions_max"
        }
        "too_many_connections" => "; raise gateway.unauthenticated_per_address_max",
        "unauthorized" => "; tokens are signed with auth.secret, which must be the server's",
        _ => "",
    }
}
