//! An open file.

use std::io;

use chasqui_disk::File;

use super::{
    CrashDisk, State,
    content::{PAGE_BYTES, pieces},
    crashed,
    inode::{Change, Inode},
};

#[derive(Debug)]
pub(super) struct CrashFile {
    pub(super) disk: CrashDisk,
    pub(super) inode: u64,
    pub(super) life: u64,
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
