//! A crash at one change of the disk, counted over all files: so it comes in the middle of whatever is done then.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use chasqui_disk::{Disk, File};
use chasqui_testkit::CrashDisk;
use tokio::sync::watch;

/// SplitMix64: the same choices for the same seed, on every machine.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }
}

/// A mounted disk that crashes at one change. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Tripwire {
    disk: CrashDisk,
    mount: Arc<dyn Disk>,
    left: Arc<AtomicU64>,
    seed: u64,
    tripped: Arc<watch::Sender<bool>>,
}

impl Tripwire {
    /// Crashes `disk` with `seed` at the change of number `at`, from 1; and tells so.
    pub(crate) fn new(disk: CrashDisk, at: u64, seed: u64) -> (Self, watch::Receiver<bool>) {
        let (tripped, is_tripped) = watch::channel(false);
        let mount = disk.mount();
        (Self { disk, mount, left: Arc::new(AtomicU64::new(at)), seed, tripped: Arc::new(tripped) }, is_tripped)
    }

    fn change(&self) {
        // Wraps around after the crash: there is no second one.
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.disk.crash(self.seed);
            self.tripped.send_replace(true);
        }
    }
}

impl Disk for Tripwire {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(TripwireFile { file: self.mount.open(path, create)?, wire: self.clone() }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.mount.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.mount.create_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change();
        self.mount.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change();
        self.mount.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.change();
        self.mount.sync_folder(folder)
    }
}

#[derive(Debug)]
struct TripwireFile {
    file: Arc<dyn File>,
    wire: Tripwire,
}

impl File for TripwireFile {
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.wire.change();
        self.file.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.wire.change();
        self.file.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.wire.change();
        self.file.set_len(len)
    }
}
