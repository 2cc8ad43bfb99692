//! What can go wrong, and how it reads to those who use the log.

use std::{
    io,
    path::{Path, PathBuf},
};

use chasqui_log::{Error, Partitions};

/// Why a log can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk said no.
    #[error("can't {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// A file is not what was written.
    #[error("{} is damaged at byte {position}: {why}; restore the data folder from a backup", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where in it.
        position: u64,
        /// What was found.
        why: String,
    },
    /// The partition counts are fixed for a log id.
    #[error(
        "the log in {} was made with {} chat and {} user partitions, and the configuration asks for {} and {}; \
         the counts can't change in place: drain into a new log instead",
        folder.display(), there.chats, there.users, asked.chats, asked.users
    )]
    Partitions {
        /// The log's folder.
        folder: PathBuf,
        /// What the log was made with.
        there: Partitions,
        /// What the options say.
        asked: Partitions,
    },
    /// A newer Chasqui wrote it.
    #[error("the log in {} has format {there}, and this version reads format {known}", folder.display())]
    Format {
        /// The log's folder.
        folder: PathBuf,
        /// Its format.
        there: u32,
        /// What can be read.
        known: u32,
    },
}

/// Why something in a segment can't be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Io { what: &'static str, path: PathBuf, source: io::Error },
    Corrupt { path: PathBuf, position: u64, why: String },
}

/// Whether there is no room: on the disk, in its owner's quota, or for a file as long as this.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

impl ReadError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn corrupt(path: &Path, position: u64, why: impl Into<String>) -> Self {
        Self::Corrupt { path: path.to_owned(), position, why: why.into() }
    }
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io { what, path, source } => Self::Io { what, path, source },
            ReadError::Corrupt { path, position, why } => Self::Corrupt { path, position, why },
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io { what, path, source } => {
                Self::Unavailable { why: format!("can't {what} {}: {source}", path.display()) }
            }
            ReadError::Corrupt { path, position, why } => {
                Self::Corrupt { why: format!("{} at byte {position}: {why}", path.display()) }
            }
        }
    }
}
