//! A disk in memory that crashes.
//!
//! It keeps what was written and what is durable apart. [`CrashDisk::crash`] goes back to what is durable, plus a
//! part of the rest that a seed chooses: pages that the operating system happened to have written, in any order and
//! torn at sectors. A failed sync leaves what it should have written in limbo, as Linux does: it can still be read, a
//! later sync doesn't write it, and a crash may lose it or not. Folders are durable at once.

mod content;
mod dice;
mod file;
mod inode;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use chasqui_disk::{Disk, File};
use parking_lot::{Mutex, MutexGuard};

use dice::Dice;
use file::CrashFile;
use inode::Inode;

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
