//! A file as the disk has it: what was written, and what of it is durable.

use std::collections::HashSet;

use super::{
    content::{Content, PAGE_BYTES},
    dice::Dice,
};

const SECTOR_BYTES: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Inode {
    pub(super) now: Content,
    durable: Content,
    /// What was done since the last sync, in order.
    pub(super) unsynced: Vec<Change>,
    /// What a failed sync left behind.
    pub(super) limbo: Vec<Change>,
}

#[derive(Debug)]
pub(super) enum Change {
    Write { page: u64, at: usize, bytes: Box<[u8]> },
    Len(u64),
}

impl Inode {
    pub(super) fn sync(&mut self) {
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

    pub(super) fn crash(&mut self, dice: &mut Dice) {
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
