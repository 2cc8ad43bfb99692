//! What can go wrong.

use chasqui_domain::{LogId, Offset};
use chasqui_log::TopicPartition;

/// Why a router waits, or stops.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log failed.
    #[error(transparent)]
    Log(#[from] chasqui_log::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] chasqui_store::Error),
    /// An inbox record or the checkpoint can't be read, or an output can't be written. Nothing is passed over: the
    /// record may be of a later build.
    #[error(transparent)]
    Wire(#[from] chasqui_wire::Error),
    /// An inbox record of another life of the topics.
    #[error("the inbox record at offset {offset} comes from the log {found}, which is not this one")]
    OtherLog {
        /// Where it stands.
        offset: Offset,
        /// Where it comes from.
        found: LogId,
    },
    /// The store has lost the partition's checkpoint: what was placed before is not known, so nothing may be placed.
    #[error("entries of this partition were placed before, but the store has no checkpoint of it: restore the store")]
    CheckpointLost,
    /// Records of presence were removed before they were read: sessions that live may be among them, and the beginning of a
    /// later term.
    #[error("records of presence are gone before they were read")]
    PresenceTrimmed,
    /// Another router has taken the partition over.
    #[error("another process has taken this partition over")]
    Overtaken,
    /// The log lacks records that the checkpoint knows. What comes now would take the places of those, and be passed
    /// over.
    #[error(
        "the checkpoint knows {at} up to offset {known}, but the log ends at {end}: restore both from the same backup"
    )]
    LogBehind {
        /// Of `inbox`, or of `presence`.
        at: TopicPartition,
        /// All records below were there: those that are placed, or those that are answered and the one with which the
        /// checkpoint's term began.
        known: Offset,
        /// The end of the partition.
        end: Offset,
    },
}

impl Error {
    /// Whether beginning again later can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Log(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
            Self::PresenceTrimmed | Self::Overtaken => true,
            Self::Wire(_) | Self::OtherLog { .. } | Self::CheckpointLost | Self::LogBehind { .. } => false,
        }
    }
}
