//! A disk in memory that crashes.
//!
//! It keeps what was written and what is durable apart. [`CrashDisk::crash`] goes back to what is durable, plus a
//! part of the rest that a seed chooses: pages that the operating system happened to have written, in any order and
//! torn at sectors. A failed sync leaves what it should have written in limbo, as Linux does: it can still be read, a
//! later sync doesn't write it, and a crash may lose it or not. Folders are durable at once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use chasqui_disk::{Disk, File};
use parking_lot::{Mutex, MutexGuard};

const PAGE_BYTES: usize = 4096;
const SECTOR_BYTES: usize = 512;

/// A disk in memory that crashes, fills up, and fails to sync. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct CrashDisk {
    state: Arc<Mutex<State>>,
    /// The life that a mounted disk belongs to.
    life: Option<u64>,
}

#[derive(Debug)]
struct State {
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    /// Changes of names that no [`Disk::sync_folder`] has made durable.
    renames: Vec<Vec<(PathBuf, Option<u64>)>>,
    folders: HashSet<PathBuf>,
    inodes: HashMap<u64, Inode>,
    next_inode: u64,
    /// How many crashes there were; files that were open before are dead.
    life: u64,
    room_bytes: u64,
    syncs_to_fail: u32,
    ignores_sync: bool,
    syncs: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            renames: Vec::new(),
            folders: HashSet::new(),
            inodes: HashMap::new(),
            next_inode: 0,
            life: 0,
            room_bytes: u64::MAX,
            syncs_to_fail: 0,
            ignores_sync: false,
            syncs: 0,
        }
    }
}

type Page = Arc<[u8; PAGE_BYTES]>;

#[derive(Debug, Clone, Default)]
struct Content {
    pages: HashMap<u64, Page>,
    len: u64,
}

#[derive(Debug, Default)]
struct Inode {
    now: Content,
    durable: Content,
    /// What was done since the last sync, in order.
    unsynced: Vec<Change>,
    /// What a failed sync left behind.
    limbo: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { page: u64, at: usize, bytes: Box<[u8]> },
    Len(u64),
}

impl Content {
    /// Writes within one page.
    fn write(&mut self, page: u64, at: usize, bytes: &[u8]) {
        let place = self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE_BYTES]));
        Arc::make_mut(place)[at..at + bytes.len()].copy_from_slice(bytes);
        self.len = self.len.max(page * PAGE_BYTES as u64 + (at + bytes.len()) as u64);
    }

    fn read(&self, bytes: &mut [u8], at: u64) {
        for (page, within, range) in pieces(at, bytes.len()) {
            let piece = &mut bytes[range];
            match self.pages.get(&page) {
                Some(found) => piece.copy_from_slice(&found[within..within + piece.len()]),
                None => piece.fill(0),
            }
        }
    }

    fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.pages.retain(|page, _| page * (PAGE_BYTES as u64) < len);
            let within = (len % PAGE_BYTES as u64) as usize;
            if let Some(last) = self.pages.get_mut(&(len / PAGE_BYTES as u64)) {
                Arc::make_mut(last)[within..].fill(0);
            }
        }
        self.len = len;
    }

    fn bytes(&self) -> u64 {
        (self.pages.len() * PAGE_BYTES) as u64
    }
}

/// Splits a range of a file at the edges of pages: page, place within it, and the range of the whole.
fn pieces(at: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        (done < len).then(|| {
            let place = at + done as u64;
            let within = (place % PAGE_BYTES as u64) as usize;
            let take = (PAGE_BYTES - within).min(len - done);
            let range = done..done + take;
            done += take;
            (place / PAGE_BYTES as u64, within, range)
        })
    })
}

impl Inode {
    fn sync(&mut self) {
        let mut written = HashSet::new();
        for change in self.unsynced.drain(..) {
            if let Change::Write { page, .. } = change {
                written.insert(page);
            }
        }
        self.durable.set_len(self.now.len);
        for &page in &written {
            if let Some(content) = self.now.pages.get(&page) {
                self.durable.pages.insert(page, content.clone());
            }
        }
        // What lies beyond the end is gone for good, and pages that were written whole hide what was in limbo.
        let len = self.now.len;
        self.limbo.retain(|change| match change {
            Change::Write { page, .. } => !written.contains(page) && page * (PAGE_BYTES as u64) < len,
            Change::Len(_) => false,
        });
    }

    fn crash(&mut self, dice: &mut Dice) {
        let fate = dice.below(4);
        let mut kept = std::mem::take(&mut self.durable);
        for change in self.limbo.drain(..).chain(self.unsynced.drain(..)) {
            match fate {
                0 => {}
                1 => apply(&mut kept, &change),
                _ => apply_torn(&mut kept, &change, dice),
            }
        }
        self.now = kept.clone();
        self.durable = kept;
    }
}

fn apply(content: &mut Content, change: &Change) {
    match change {
        Change::Write { page, at, bytes } => content.write(*page, *at, bytes),
        Change::Len(len) => content.set_len(*len),
    }
}

/// Half of the changes, and of those some sectors only. The length may grow all the same.
fn apply_torn(content: &mut Content, change: &Change, dice: &mut Dice) {
    if dice.below(2) == 0 {
        return;
    }
    let Change::Write { page, at, bytes } = change else { return apply(content, change) };
    let tear = dice.below(3) == 0;
    for (sector, piece) in bytes.chunks(SECTOR_BYTES).enumerate() {
        if !tear || dice.below(2) == 0 {
            content.write(*page, at + sector * SECTOR_BYTES, piece);
        }
    }
    if dice.below(4) == 0 {
        content.len = content.len.max(page * PAGE_BYTES as u64 + (at + bytes.len()) as u64);
    }
}

/// SplitMix64: the same choices for the same seed, on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

impl CrashDisk {
    /// An empty disk without a bound.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The disk as a process has it: like open files, it is dead after the next crash, so that what is left of the
    /// process can't touch what its successor finds.
    #[must_use]
    pub fn mount(&self) -> Arc<dyn Disk> {
        let life = Some(self.state.lock().life);
        Arc::new(Self { state: self.state.clone(), life })
    }

    fn lock(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state.lock();
        if self.life.is_none_or(|life| life == state.life) { Ok(state) } else { Err(crashed()) }
    }

    /// The power goes: what was not synced is lost, but for what `seed` chooses to keep. Open files are dead from here
    /// on; the disk itself is back at once.
    pub fn crash(&self, seed: u64) {
        let mut dice = Dice(seed);
        let mut state = self.state.lock();
        let state = &mut *state;
        state.life += 1;
        let fate = dice.below(4);
        for changes in std::mem::take(&mut state.renames) {
            if fate == 1 || (fate > 1 && dice.below(2) == 0) {
                rename(&mut state.durable_names, &changes);
            }
        }
        state.names = state.durable_names.clone();
        let named: HashSet<u64> = state.names.values().copied().collect();
        state.inodes.retain(|inode, _| named.contains(inode));
        let mut inodes: Vec<_> = state.inodes.iter_mut().collect();
        inodes.sort_unstable_by_key(|(inode, _)| **inode);
        for (_, inode) in inodes {
            inode.crash(&mut dice);
        }
        state.syncs_to_fail = 0;
    }

    /// How many bytes the files may have together, in whole pages. A write that needs more gets `StorageFull`.
    pub fn set_room(&self, bytes: u64) {
        self.state.lock().room_bytes = bytes;
    }

    /// The bytes that the files have together, in whole pages.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.state.lock().used_bytes()
    }

    /// The next `count` syncs of files fail.
    pub fn fail_sync(&self, count: u32) {
        self.state.lock().syncs_to_fail = count;
    }

    /// Whether syncing says that it worked and does nothing: the disk that a crash test must catch.
    pub fn ignore_sync(&self, ignore: bool) {
        self.state.lock().ignores_sync = ignore;
    }

    /// How often files were synced.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }
}

fn rename(names: &mut BTreeMap<PathBuf, u64>, changes: &[(PathBuf, Option<u64>)]) {
    for (path, inode) in changes {
        match inode {
            Some(inode) => names.insert(path.clone(), *inode),
            None => names.remove(path),
        };
    }
}

impl State {
    fn used_bytes(&self) -> u64 {
        self.names.values().filter_map(|inode| self.inodes.get(inode)).map(|inode| inode.now.bytes()).sum()
    }

    fn change_names(&mut self, changes: Vec<(PathBuf, Option<u64>)>) {
        rename(&mut self.names, &changes);
        self.renames.push(changes);
    }

    fn check_folder(&self, folder: &Path) -> io::Result<()> {
        if self.folders.contains(folder) { Ok(()) } else { Err(missing(folder)) }
    }
}

fn crashed() -> io::Error {
    io::Error::other("the disk crashed since this was opened")
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} is not there", path.display()))
}

impl Disk for CrashDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn File>> {
        let mut state = self.lock()?;
        state.check_folder(path.parent().unwrap_or(Path::new("")))?;
        let inode = match state.names.get(path) {
            Some(&inode) => inode,
            None if create => {
                let inode = state.next_inode;
                state.next_inode += 1;
                state.inodes.insert(inode, Inode::default());
                state.change_names(vec![(path.to_owned(), Some(inode))]);
                inode
            }
            None => return Err(missing(path)),
        };
        Ok(Arc::new(CrashFile { disk: self.clone(), inode, life: state.life }))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.lock()?;
        state.check_folder(folder)?;
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.lock()?.folders.extend(folder.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock()?;
        if !state.names.contains_key(path) {
            return Err(missing(path));
        }
        state.change_names(vec![(path.to_owned(), None)]);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock()?;
        let inode = *state.names.get(from).ok_or_else(|| missing(from))?;
        state.change_names(vec![(from.to_owned(), None), (to.to_owned(), Some(inode))]);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.lock()?;
        state.check_folder(folder)?;
        if state.ignores_sync {
            return Ok(());
        }
        let touches =
            |changes: &Vec<(PathBuf, Option<u64>)>| changes.iter().any(|(path, _)| path.parent() == Some(folder));
        let (durable, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut state.renames).into_iter().partition(touches);
        state.renames = rest;
        for changes in durable {
            rename(&mut state.durable_names, &changes);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct CrashFile {
    disk: CrashDisk,
    inode: u64,
    life: u64,
}

impl CrashFile {
    fn with<T>(&self, run: impl FnOnce(&mut State, u64) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.disk.state.lock();
        if state.life != self.life {
            return Err(crashed());
        }
        run(&mut state, self.inode)
    }

    fn with_inode<T>(&self, run: impl FnOnce(&mut Inode) -> io::Result<T>) -> io::Result<T> {
        self.with(|state, inode| run(state.inodes.entry(inode).or_default()))
    }
}

impl File for CrashFile {
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.with_inode(|inode| {
            if at.saturating_add(bytes.len() as u64) > inode.now.len {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            inode.now.read(bytes, at);
            Ok(())
        })
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.with(|state, inode| {
            // Counting is slow and needed only where there is a bound.
            let mut room = match state.room_bytes {
                u64::MAX => u64::MAX,
                room => room.saturating_sub(state.used_bytes()),
            };
            let inode = state.inodes.entry(inode).or_default();
            for (page, at, range) in pieces(at, bytes.len()) {
                if !inode.now.pages.contains_key(&page) {
                    room = room.checked_sub(PAGE_BYTES as u64).ok_or(io::ErrorKind::StorageFull)?;
                }
                inode.now.write(page, at, &bytes[range.clone()]);
                inode.unsynced.push(Change::Write { page, at, bytes: bytes[range].into() });
            }
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state, inode| {
            state.syncs += 1;
            let fails = state.syncs_to_fail > 0;
            state.syncs_to_fail = state.syncs_to_fail.saturating_sub(1);
            let ignores = state.ignores_sync;
            let inode = state.inodes.entry(inode).or_default();
            if fails {
                inode.limbo.append(&mut inode.unsynced);
                return Err(io::Error::other("the disk failed to sync"));
            }
            if !ignores {
                inode.sync();
            }
            Ok(())
        })
    }

    fn size(&self) -> io::Result<u64> {
        self.with_inode(|inode| Ok(inode.now.len))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with_inode(|inode| {
            inode.now.set_len(len);
            inode.unsynced.push(Change::Len(len));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(disk: &CrashDisk, name: &str) -> Arc<dyn File> {
        disk.create_folder(Path::new("/data")).unwrap();
        disk.open(&Path::new("/data").join(name), true).unwrap()
    }

    fn content(disk: &CrashDisk, name: &str) -> io::Result<Vec<u8>> {
        let file = disk.open(&Path::new("/data").join(name), false)?;
        let mut bytes = vec![0; file.size()? as usize];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    #[test]
    fn what_is_synced_survives_every_crash_and_what_is_not_only_some() {
        let mut lost = 0;
        for seed in 0..100 {
            let disk = CrashDisk::new();
            let open = file(&disk, "a");
            open.write_all_at(&[1; 10_000], 0).unwrap();
            open.sync().unwrap();
            disk.sync_folder(Path::new("/data")).unwrap();
            open.write_all_at(&[2; 10_000], 10_000).unwrap();
            disk.crash(seed);
            assert!(open.size().is_err(), "the file was open before the crash");
            let bytes = content(&disk, "a").unwrap();
            assert_eq!(bytes[..10_000], [1; 10_000]);
            lost += u32::from(bytes[10_000..] != [2; 10_000]);
        }
        assert!((20..100).contains(&lost), "{lost}");
    }

    #[test]
    fn a_name_is_durable_only_after_its_folder_was_synced() {
        let outcomes: HashSet<bool> = (0..40)
            .map(|seed| {
                let disk = CrashDisk::new();
                file(&disk, "a").sync().unwrap();
                disk.crash(seed);
                content(&disk, "a").is_ok()
            })
            .collect();
        assert_eq!(outcomes.len(), 2);
    }

    #[test]
    fn a_failed_sync_leaves_bytes_that_a_second_sync_does_not_save() {
        let outcomes: HashSet<bool> = (0..40)
            .map(|seed| {
                let disk = CrashDisk::new();
                let open = file(&disk, "a");
                disk.sync_folder(Path::new("/data")).unwrap();
                open.write_all_at(b"hello", 0).unwrap();
                disk.fail_sync(1);
                assert!(open.sync().is_err());
                open.sync().unwrap();
                assert_eq!(content(&disk, "a").unwrap(), b"hello");
                disk.crash(seed);
                content(&disk, "a").unwrap() == b"hello"
            })
            .collect();
        assert_eq!(outcomes.len(), 2);
    }

    #[test]
    fn a_full_disk_says_so_and_takes_more_once_there_is_room() {
        let disk = CrashDisk::new();
        let open = file(&disk, "a");
        disk.set_room(8192);
        open.write_all_at(&[1; 8000], 0).unwrap();
        assert_eq!(open.write_all_at(&[1; 8000], 8000).unwrap_err().kind(), io::ErrorKind::StorageFull);
        open.set_len(0).unwrap();
        open.write_all_at(&[1; 8000], 0).unwrap();
        file(&disk, "b");
        disk.remove(Path::new("/data/a")).unwrap();
        file(&disk, "c").write_all_at(&[1; 8000], 0).unwrap();
    }
}
