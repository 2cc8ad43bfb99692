//! What a file holds, in pages.

use std::{collections::HashMap, sync::Arc};

pub(super) const PAGE_BYTES: usize = 4096;

pub(super) type Page = Arc<[u8; PAGE_BYTES]>;

#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    pub(super) pages: HashMap<u64, Page>,
    pub(super) len: u64,
}

impl Content {
    /// Writes within one page.
    pub(super) fn write(&mut self, page: u64, at: usize, bytes: &[u8]) {
        let place = self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE_BYTES]));
        Arc::make_mut(place)[at..at + bytes.len()].copy_from_slice(bytes);
        self.len = self.len.max(page * PAGE_BYTES as u64 + (at + bytes.len()) as u64);
    }

    pub(super) fn read(&self, bytes: &mut [u8], at: u64) {
        for (page, within, range) in pieces(at, bytes.len()) {
            let piece = &mut bytes[range];
            match self.pages.get(&page) {
                Some(found) => piece.copy_from_slice(&found[within..within + piece.len()]),
                None => piece.fill(0),
            }
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.pages.retain(|page, _| page * (PAGE_BYTES as u64) < len);
            let within = (len % PAGE_BYTES as u64) as usize;
            if let Some(last) = self.pages.get_mut(&(len / PAGE_BYTES as u64)) {
                Arc::make_mut(last)[within..].fill(0);
            }
        }
        self.len = len;
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.pages.len() * PAGE_BYTES) as u64
    }
}

/// Splits a range of a file at the edges of pages: page, place within it, and the range of the whole.
pub(super) fn pieces(at: u64, len: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
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
