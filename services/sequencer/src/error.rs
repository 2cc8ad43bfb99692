//! What can go wrong.

use chasqui_domain::{
    Offset, UnknownRules,
    chat::{Inapplicable, NotAbout},
};

/// Why a sequencer waits, or stops.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] chasqui_log::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] chasqui_store::Error),
    /// A row or a snapshot can't be read, or an output can't be written.
    #[error(transparent)]
    Wire(#[from] chasqui_wire::Error),
    /// A command of rules that came after this build. It must not be decided by old rules, so nothing goes on.
    #[error("the command at offset {offset}: {rules}")]
    Rules {
        /// Where it stands.
        offset: Offset,
        /// The rules.
        rules: UnknownRules,
    },
    /// A command of a schema that came after this build. Whoever sent it waits for an outcome, so it is not skipped.
    #[error("the command at offset {offset} has a schema that is not known here: upgrade this process")]
    Schema {
        /// Where it stands.
        offset: Offset,
    },
    /// Rows that do not follow each other.
    #[error("the event log is damaged: {0}; restore it from a backup")]
    Rows(#[from] Inapplicable),
    /// Rows that are not about the message that they are found by.
    #[error("the event log is damaged: {0}; restore it from a backup")]
    Messages(#[from] NotAbout),
    /// The store has lost the partition's offset: what was decided before is not known, so nothing may be decided.
    #[error("commands of this partition were decided before, but the store has no offset of it: restore the store")]
    OffsetLost,
    /// The log ends before the offset that is committed: commands that come now would take the places of decided ones,
    /// and be passed over.
    #[error("offset {committed} is committed, but the log ends at {end}: restore both from the same backup")]
    LogBehind {
        /// The offset that is committed.
        committed: Offset,
        /// The log's end.
        end: Offset,
    },
    /// Somebody else has committed for the partition.
    #[error("another process has committed for this partition")]
    Overtaken,
}

impl Error {
    /// Whether beginning again later can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Log(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
            Self::Overtaken => true,
            Self::Wire(_)
            | Self::Rules { .. }
            | Self::Schema { .. }
            | Self::Rows(_)
            | Self::Messages(_)
            | Self::OffsetLost
            | Self::LogBehind { .. } => false,
        }
    }
}

/// Why an ownership ends.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Something failed.
    Failed(Error),
    /// A command can't be decided, and is not on the skip list yet.
    Poison { offset: Offset, why: String },
}

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
