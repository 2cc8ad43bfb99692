//! One process a data folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use chasqui_disk::{Disk, RealDisk};

const LOCK_FILE: &str = "lock";

/// Why a data folder can't be taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another process has it.
    #[error("another Chasqui is at work in {}; give this one a folder of its own with --set data=FOLDER", folder.display())]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// It can't be made or written.
    #[error("the data folder {} can't be used; choose another with --set data=FOLDER", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// Keeps other processes out of a data folder, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct FolderLock(#[expect(dead_code, reason = "it is held, not used")] File);

impl FolderLock {
    /// Makes the folder if need be, and takes it. Blocks.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Io { folder: folder.to_owned(), source };
        RealDisk.create_folder(folder).map_err(failed)?;
        let path = folder.join(LOCK_FILE);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Taken { folder: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}
