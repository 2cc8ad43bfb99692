//! The one thread that writes. It takes everything that waits, writes it at once, syncs once, and only then shows it
//! to readers and answers.
//!
//! What a failed sync leaves on disk is unknown, and a second sync would prove nothing. The segment then ends at its
//! last synced length: the next one says so in its header, and recovery looks at nothing behind it.

use std::{collections::VecDeque, io, sync::Arc};

use chasqui_disk::File;
use chasqui_domain::TimeMs;
use chasqui_log::{Appended, Error};

use crate::{
    batch::{self, Draft},
    chunk::Site,
    error::{ReadError, is_full},
    index::{Entry, Index},
    options::{COMMIT_BYTES_MAX, TRIM_EVERY_MS},
    part::Part,
    queue::Item,
    segment::{self, Heads, SegmentHeader},
    shared::{Sealed, Segment, Shared},
};

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) active: Active,
    /// The time of the newest record.
    pub(crate) time: TimeMs,
    pub(crate) trimmed: TimeMs,
    /// A removal may not be durable yet.
    pub(crate) folder_is_dirty: bool,
    pub(crate) cache: Cache,
    pub(crate) buffer: Vec<u8>,
}

/// The segment that is written.
pub(crate) struct Active {
    pub(crate) file: Arc<dyn File>,
    pub(crate) sequence: u64,
    /// How much of it is synced.
    pub(crate) bytes: u64,
    /// The number of its next commit.
    pub(crate) commit: u64,
    pub(crate) created: TimeMs,
    /// Nothing more may be written to it, because it was full, or a sync failed.
    pub(crate) is_sealed: bool,
}

/// Which chunks are in memory, oldest first.
#[derive(Default)]
pub(crate) struct Cache {
    chunks: VecDeque<(Arc<Part>, usize)>,
    bytes: usize,
}

/// However the thread ends, nobody waits for it any more.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let _ended = Ended(self.shared.clone());
        while let Some(work) = self.shared.clone().queue.take() {
            let now = self.shared.runtime.now();
            if work.trim || now.0.saturating_sub(self.trimmed.0) >= TRIM_EVERY_MS {
                self.trim(now);
            }
            if !work.items.is_empty() {
                self.commit(work.items, now);
            }
        }
    }

    fn commit(&mut self, mut items: Vec<Item>, now: TimeMs) {
        match self.try_commit(&mut items, now) {
            Ok(answers) => items.into_iter().zip(answers).for_each(|(item, answer)| item.answer(Ok(answer))),
            Err(error) => items.into_iter().for_each(|item| item.answer(Err(error.clone()))),
        }
    }

    fn try_commit(&mut self, items: &mut [Item], now: TimeMs) -> Result<Vec<Vec<Appended>>, Error> {
        self.roll_if_due(items.iter().map(|item| item.bytes).sum(), now)?;
        let time = self.time.max(now);
        let (drafts, answers) = batch::assign(&self.shared, items, time);
        let entries = self.encode(&drafts);
        self.write()?;
        self.time = time;
        self.publish(drafts, &entries);
        Ok(answers)
    }

    fn roll_if_due(&mut self, bytes: usize, now: TimeMs) -> Result<(), Error> {
        let options = &self.shared.options;
        let is_large = self.active.bytes.saturating_add(bytes as u64) > options.segment_bytes;
        let is_old = now.0.saturating_sub(self.active.created.0) >= options.segment_ms;
        if self.active.is_sealed || (self.active.commit > 0 && (is_large || is_old)) {
            self.roll(now)?;
            self.trim(now);
        }
        Ok(())
    }

    /// Seals the active segment and begins the next.
    fn roll(&mut self, now: TimeMs) -> Result<(), Error> {
        // From here on its length is promised to the next header, which may survive a failure below.
        self.active.is_sealed = true;
        let heads: Heads = {
            let parts = self.shared.parts.read();
            let ends = parts.iter().map(|(at, part)| (at.clone(), part.bounds().end.0));
            ends.filter(|(_, end)| *end > 0).collect()
        };
        let header = SegmentHeader {
            log: self.shared.id,
            sequence: self.active.sequence + 1,
            created: now,
            time: self.time,
            previous_bytes: self.active.bytes,
            heads,
        };
        let (file, bytes) = segment::create(self.shared.disk.as_ref(), &self.shared.folder, &header)
            .map_err(|error| self.failed_to_roll(header.sequence, error))?;
        let next = Segment { sequence: header.sequence, bytes, heads: Arc::new(header.heads), time: header.time };
        let sealed = {
            let mut segments = self.shared.segments.write();
            segments.list.push(next);
            std::mem::replace(&mut segments.active, Sealed { file: file.clone(), index: Index::default() })
        };
        self.shared.save_index(&sealed.index, self.active.sequence, self.active.bytes);
        self.shared.sealed.lock().put(self.active.sequence, Arc::new(sealed));
        let sequence = header.sequence;
        self.active = Active { file, sequence, bytes, commit: 0, created: now, is_sealed: false };
        Ok(())
    }

    fn failed_to_roll(&self, sequence: u64, error: ReadError) -> Error {
        // What is left of it would be taken for a torn segment after a crash; removing it only saves the room.
        let _ = self.shared.disk.remove(&segment::path(&self.shared.folder, sequence));
        match error {
            ReadError::Io { source, .. } if is_full(&source) => self.full(),
            error => error.into(),
        }
    }

    fn full(&self) -> Error {
        Error::Full { place: self.shared.folder.display().to_string() }
    }

    /// Lays the commit out in the buffer; returns where each chunk will lie.
    fn encode(&mut self, drafts: &[Draft]) -> Vec<Entry> {
        self.buffer.clear();
        self.buffer.shrink_to(2 * COMMIT_BYTES_MAX);
        let mut entries = Vec::with_capacity(drafts.len());
        for (draft, left) in drafts.iter().zip((0..drafts.len()).rev()) {
            let from = self.buffer.len();
            let position = self.active.bytes + from as u64;
            let site = Site { log: self.shared.id, segment: self.active.sequence, position };
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            let base = draft.encode(&mut self.buffer, site, self.active.commit, left);
            let bytes = u32::try_from(self.buffer.len() - from).unwrap_or(u32::MAX);
            entries.push(Entry { base, position, bytes });
        }
        entries
    }

    /// Writes and syncs the buffer: all of it, or nothing of it is kept.
    fn write(&mut self) -> Result<(), Error> {
        if let Err(error) = self.active.file.write_all_at(&self.buffer, self.active.bytes) {
            return Err(self.cut_back(error));
        }
        fail::fail_point!("log::after_write");
        if let Err(error) = self.active.file.sync() {
            self.active.is_sealed = true;
            tracing::warn!(segment = self.active.sequence, %error, "a sync failed; going on in a new segment");
            return Err(Error::Unavailable { why: format!("a sync failed: {error}") });
        }
        fail::fail_point!("log::after_sync");
        self.active.bytes += self.buffer.len() as u64;
        self.active.commit += 1;
        Ok(())
    }

    /// Takes back what a failed write has left. Durably, so that no crash brings back what was refused.
    fn cut_back(&mut self, error: io::Error) -> Error {
        let file = &self.active.file;
        let cut = file.set_len(self.active.bytes).and_then(|()| file.sync());
        self.active.is_sealed = cut.is_err();
        if cut.is_ok() && is_full(&error) {
            return self.full();
        }
        Error::Unavailable { why: format!("a write failed: {error}") }
    }

    /// What is durable becomes visible.
    fn publish(&mut self, drafts: Vec<Draft>, entries: &[Entry]) {
        {
            let mut segments = self.shared.segments.write();
            if let Some(active) = segments.list.last_mut() {
                active.bytes = self.active.bytes;
            }
            for (draft, entry) in drafts.iter().zip(entries) {
                segments.active.index.add(&draft.part.at, *entry);
            }
        }
        for draft in drafts {
            draft.part.publish(draft.records.into());
            draft.part.wake();
            self.cache.add(draft.part, draft.bytes, self.shared.options.cache_bytes);
        }
    }
}

impl Cache {
    /// Takes a chunk that its partition has just published; the oldest go to make room.
    fn add(&mut self, part: Arc<Part>, bytes: usize, bytes_max: usize) {
        self.bytes += bytes;
        self.chunks.push_back((part, bytes));
        while self.bytes > bytes_max {
            let Some((part, bytes)) = self.chunks.pop_front() else { break };
            part.evict();
            self.bytes -= bytes;
        }
    }
}
