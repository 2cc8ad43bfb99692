//! The small layer through which the embedded log and store reach files. Everything they keep goes through it, so that
//! a test can put a disk beneath them that loses what was not synced, or that is full.

mod real;

use std::{fmt::Debug, io, path::Path, sync::Arc};

pub use real::RealDisk;

/// Where files live.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens a file for reading and writing; `create` makes an empty one if there is none.
    ///
    /// # Errors
    /// As the operating system says; `NotFound` when there is none and `create` is false.
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn File>>;

    /// The names of the files in a folder, in ascending order.
    ///
    /// # Errors
    /// As the operating system says.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a folder and those above it, where they are missing. They are durable when this returns.
    ///
    /// # Errors
    /// As the operating system says.
    fn create_folder(&self, folder: &Path) -> io::Result<()>;

    /// Removes a file. It may come back after a crash until [`Disk::sync_folder`].
    ///
    /// # Errors
    /// As the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Puts `from` in the place of `to`. May be undone by a crash until [`Disk::sync_folder`].
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes the creation, removal and renaming of files in a folder durable.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

/// An open file. Reads and writes name their place, so it can be shared. All calls block.
pub trait File: Debug + Send + Sync + 'static {
    /// Fills `bytes` from `at`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before; otherwise as the operating system says.
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `at`. Durable only after [`File::sync`].
    ///
    /// # Errors
    /// `StorageFull` when there is no room; part of the bytes may then have been written.
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Makes everything written before durable, with the file's length.
    ///
    /// # Errors
    /// As the operating system says. What had been written is then in an unknown state: syncing again proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// The length in bytes.
    ///
    /// # Errors
    /// As the operating system says.
    fn size(&self) -> io::Result<u64>;

    /// Cuts the file, or extends it by zeroes.
    ///
    /// # Errors
    /// As the operating system says.
    fn set_len(&self, len: u64) -> io::Result<()>;
}
