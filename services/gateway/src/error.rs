//! Why a gateway doesn't start, or stops.

use chasqui_domain::Incarnation;

/// Why a gateway doesn't start, or stops by itself.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The options don't fit together.
    #[error("{why}")]
    Options {
        /// What is wrong, and what would be right.
        why: &'static str,
    },
    /// The gateway's topic can't be written or read.
    #[error("the gateway's topic failed")]
    Log(#[from] chasqui_log::Error),
    /// A record can't be written.
    #[error(transparent)]
    Wire(#[from] chasqui_wire::Error),
    /// Another process runs, or ran, with this gateway's id, and began later.
    #[error("another process has taken over this gateway's id, in its life {by}: give every gateway an id of its own")]
    Superseded {
        /// The life of the other.
        by: Incarnation,
    },
    /// What reads the gateway's topic died of a bug.
    #[error("the dispatcher panicked")]
    Panicked,
}

impl Error {
    /// Whether starting again, unchanged, can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Log(error) => error.is_retryable(),
            Self::Panicked => true,
            Self::Options { .. } | Self::Wire(_) | Self::Superseded { .. } => false,
        }
    }
}
