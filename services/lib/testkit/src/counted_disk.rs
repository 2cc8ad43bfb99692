//! A disk that counts its changes.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chasqui_disk::{Disk, File};

type Before = dyn Fn(u64, &Path) + Send + Sync;

/// Passes everything on to another disk, and calls before each change with the number of those before it, counted over
/// all files, and with what is changed: so a test does something in the middle of whatever is done then, or holds it up.
/// Clones count together.
#[derive(Clone)]
pub struct CountedDisk {
    disk: Arc<dyn Disk>,
    before: Arc<Before>,
    changes: Arc<AtomicU64>,
}

impl CountedDisk {
    /// Calls `before` each change of `disk`.
    pub fn new(disk: Arc<dyn Disk>, before: impl Fn(u64, &Path) + Send + Sync + 'static) -> Self {
        Self { disk, before: Arc::new(before), changes: Arc::default() }
    }

    /// How many changes there were.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    fn change(&self, path: &Path) {
        (self.before)(self.changes.fetch_add(1, Ordering::SeqCst), path);
    }
}

impl fmt::Debug for CountedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedDisk").field("disk", &self.disk).field("changes", &self.changes).finish_non_exhaustive()
    }
}

impl Disk for CountedDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(CountedFile { file: self.disk.open(path, create)?, path: path.to_owned(), disk: self.clone() }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.disk.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.create_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(path);
        self.disk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(to);
        self.disk.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.change(folder);
        self.disk.sync_folder(folder)
    }
}

#[derive(Debug)]
struct CountedFile {
    file: Arc<dyn File>,
    path: PathBuf,
    disk: CountedDisk,
}

impl File for CountedFile {
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.change(&self.path);
        self.file.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change(&self.path);
        self.file.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.change(&self.path);
        self.file.set_len(len)
    }
}
