//! What goes wrong beneath, and what the contract calls it.

use std::{fmt::Display, io, path::PathBuf};

use chasqui_store::Error;
use scylla::errors::{DbError, ExecutionError, NewSessionError, PrepareError, RequestAttemptError};

use crate::{OptionsError, limits::WHY_CHARS_MAX, schema};

/// Why a store could not be opened, or its schema not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An option can't be what it is.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The certificates can't be read.
    #[error("{path} can't be read")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There are none, or they can't be used.
    #[error("{path} holds no certificates in PEM that can be used")]
    NoCertificates {
        /// The file.
        path: PathBuf,
    },
    /// No node answers as it should.
    #[error("the servers of CQL can't be reached: {why}")]
    Unreachable {
        /// What happened.
        why: String,
    },
    /// A quorum of which one is meant has to be said.
    #[error("the cluster has several datacenters, {found:?}: say which one to use")]
    Datacenters {
        /// Those that there are.
        found: Vec<String>,
    },
    /// Nobody could be asked.
    #[error("the cluster has no datacenter {named:?}, only {found:?}")]
    Datacenter {
        /// What the options say.
        named: String,
        /// Those that there are.
        found: Vec<String>,
    },
    /// The tables are not as they have to be.
    #[error(transparent)]
    Schema(#[from] schema::Error),
}

impl OpenError {
    /// Whether opening can succeed later, with nothing changed here.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Schema(error) => error.is_retryable(),
            _ => false,
        }
    }
}

impl From<NewSessionError> for OpenError {
    fn from(error: NewSessionError) -> Self {
        Self::Unreachable { why: short(error) }
    }
}

impl From<PrepareError> for OpenError {
    fn from(error: PrepareError) -> Self {
        Self::Unreachable { why: short(error) }
    }
}

/// A statement that failed. It can be done later, whatever the servers say: that they refuse one tells of their state, or of
/// what this user may do there, since the statements are always the same.
pub(crate) fn failed(error: &ExecutionError) -> Error {
    Error::Unavailable { why: why(error) }
}

/// The same in words.
pub(crate) fn why(error: &ExecutionError) -> String {
    match error {
        ExecutionError::RequestTimeout(after) => format!("no answer within {} ms", after.as_millis()),
        ExecutionError::EmptyPlan => "no node of the datacenter is known".to_owned(),
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, said)) => database(error, said),
        other => short(other),
    }
}

fn database(error: &DbError, said: &str) -> String {
    match error {
        DbError::Unavailable { required, alive, .. } => {
            format!("{required} replicas have to be alive, and {alive} are")
        }
        DbError::ReadTimeout { received, required, .. } => {
            format!("{received} of {required} replicas answered a read in time")
        }
        DbError::WriteTimeout { received, required, .. } => {
            format!("{received} of {required} replicas answered a write in time")
        }
        error => short(format!("{error}: {said}")),
    }
}

/// What was read can't be what was written.
pub(crate) fn damaged(table: &str, what: impl Display) -> Error {
    Error::Corrupt { why: format!("a row of {table} is not what was written: {}", short(what)) }
}

/// One line, and not a long one. The driver's errors name addresses and statements, never values or passwords.
pub(crate) fn short(what: impl Display) -> String {
    let words = what.to_string();
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WHY_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_becomes_one_short_line() {
        assert_eq!(short("two\n    lines"), "two lines");
        assert_eq!(short("é".repeat(1000)).chars().count(), WHY_CHARS_MAX + 1);
    }
}
