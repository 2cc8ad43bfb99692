//! Why a token is not taken.

use jsonwebtoken::errors::{Error, ErrorKind};

/// Why a token is not taken. Says nothing of what is in it, so it may be logged; who brought it is told less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was valid, and has ended.
    #[error("the token has ended")]
    Expired,
    /// It will be valid later.
    #[error("the token is not valid yet")]
    NotYet,
    /// It is no token for this server.
    #[error("the token is not valid: {why}")]
    Invalid {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The provider's keys can't be read, or may not be read again so soon. The same token may be taken later.
    #[error("the keys that the token may be signed with can't be read now")]
    KeysAway,
}

impl Refusal {
    /// Whether the same token may be taken later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::NotYet | Self::KeysAway)
    }

    /// In one word, for metrics.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::Invalid { .. } => "invalid",
            Self::KeysAway => "keys_away",
        }
    }

    pub(crate) const fn invalid(why: &'static str) -> Self {
        Self::Invalid { why }
    }
}

impl From<Error> for Refusal {
    /// The error itself may repeat what is in the token.
    fn from(error: Error) -> Self {
        Self::invalid(match error.kind() {
            ErrorKind::InvalidSignature => "the signature doesn't fit",
            ErrorKind::InvalidAlgorithm => "the algorithm doesn't fit the key",
            ErrorKind::InvalidIssuer => "another issuer",
            ErrorKind::InvalidAudience => "for another audience",
            ErrorKind::MissingRequiredClaim(_) => "a claim is missing",
            _ => "it can't be read",
        })
    }
}
