//! What goes wrong beneath, and what the contract calls it.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use chasqui_store::Error;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Written by a later version of this program.
    #[error("{path} has format {found}, and this version knows formats up to {known}: use the newer version")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// Written by an earlier version, whose records are not known here.
    #[error(
        "{path} has format {found} of a version that was never released, and this one knows format {known}: begin anew"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that is known.
        known: u32,
    },
    /// One of the two files is gone.
    #[error("{missing} is missing, but {beside} is there: restore both from the same backup")]
    Missing {
        /// The file that is not there.
        missing: PathBuf,
        /// The file that is.
        beside: PathBuf,
    },
    /// What was read is not what was written.
    #[error("{path} is damaged: {why}; restore the data folder from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// There is no room on the disk.
    #[error("the disk is full: make room in {place}")]
    Full {
        /// The folder.
        place: PathBuf,
    },
    /// The disk fails, or doesn't let us in.
    #[error("{path} can't be opened")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// What went wrong beneath.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The disk said so.
    Io(io::Error),
    /// The files are not what was written.
    Damaged(String),
    /// The database said so.
    Database(String),
    /// Neither the disk nor the data: the store was closed, or failed before.
    Store(Error),
}

impl Fault {
    /// What the contract calls it.
    pub(crate) fn into_error(self, folder: &Path) -> Error {
        match self {
            Self::Io(error) if is_full(&error) => Error::Full { place: folder.display().to_string() },
            Self::Io(error) if is_damage(&error) => Error::Corrupt { why: error.to_string() },
            Self::Io(error) => Error::Unavailable { why: error.to_string() },
            Self::Damaged(why) => Error::Corrupt { why },
            Self::Database(why) => Error::Unavailable { why },
            Self::Store(error) => error,
        }
    }

    /// What it is called when opening.
    pub(crate) fn into_open_error(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Io(error) if is_full(&error) => OpenError::Full { place: path.parent().unwrap_or(&path).to_owned() },
            Self::Io(error) if is_damage(&error) => OpenError::Damaged { path, why: error.to_string() },
            Self::Io(source) => OpenError::Io { path, source },
            Self::Damaged(why) => OpenError::Damaged { path, why },
            Self::Database(why) => OpenError::Io { path, source: io::Error::other(why) },
            Self::Store(error) => OpenError::Io { path, source: io::Error::other(error) },
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// A file that ends too early, or that has another kind of content, was damaged.
fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<redb::Error> for Fault {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => Self::Io(error),
            // All tables are made together with the file, so one that is missing or of another type was damaged.
            redb::Error::Corrupted(_)
            | redb::Error::LockPoisoned(_)
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::UpgradeRequired(_) => Self::Damaged(error.to_string()),
            other => Self::Database(other.to_string()),
        }
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::from(redb::Error::from(error))
            }
        }
    )*};
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError,
    redb::SetDurabilityError
);

/// Runs what calls the database. Its code panics on some damaged pages: that is damage like any other.
pub(crate) fn guard<T>(run: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // Whatever was being changed is not used afterwards: a store with a fault is failed until it is opened again.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(Fault::Damaged(message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the database gave up: {}", text.unwrap_or("no reason given"))
}

/// A point where a test can make the store fail: `return(full)` for a full disk, `return(damaged)` for damage, `return`
/// for a disk that fails.
macro_rules! fail_here {
    ($point:literal) => {
        fail::fail_point!($point, |what: Option<String>| Err($crate::fault::injected(what.as_deref())));
    };
}
pub(crate) use fail_here;

#[cfg(feature = "failpoints")]
pub(crate) fn injected(what: Option<&str>) -> Fault {
    match what {
        Some("full") => Fault::Io(io::ErrorKind::StorageFull.into()),
        Some("damaged") => Fault::Damaged("injected".into()),
        _ => Fault::Io(io::Error::other("injected")),
    }
}
