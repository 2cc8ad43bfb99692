//! The one thread that writes. It takes everything that waits, writes it at once, syncs once, and only then shows it
//! to readers who are not ahead, and answers.
//!
//! What a failed write or sync leaves on disk is unknown, and a second sync would prove nothing. Readers ahead may have seen
//! it, so the log then fails: whoever opens it again finds what a crash would have left. That there is no room is found out
//! before anybody has a place.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use chasqui_disk::File;
use chasqui_domain::TimeMs;
use chasqui_log::Error;

use crate::{
    batch::{self, Draft},
    chunk::Site,
    error::{ReadError, is_full},
    index::{Entry, Index},
    options::{COMMIT_BYTES_MAX, ROLL_AGAIN, ROOM_BYTES_MAX, ROOM_OF_SEGMENT, TRIM_EVERY_MS},
    part::Part,
    queue::{Item, Work},
    segment::{self, Heads, SegmentHeader},
    shared::{Sealed, Segment, Shared},
};

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) active: Active,
    /// The time of the newest record that is written.
    pub(crate) time: TimeMs,
    pub(crate) trimmed: TimeMs,
    /// Before this moment, by the monotonic clock, no other segment is begun.
    pub(crate) roll_at: Duration,
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
    /// How long the file is; zeroes behind what is synced.
    pub(crate) room: u64,
    /// The number of its next commit.
    pub(crate) commit: u64,
    pub(crate) created: TimeMs,
}

/// Which runs are in memory, oldest first.
#[derive(Default)]
pub(crate) struct Cache {
    runs: VecDeque<(Arc<Part>, usize)>,
    bytes: usize,
}

/// However the thread ends, nobody waits for it any more.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.end(&Error::Closed);
    }
}

impl Writer {
    /// Works until the queue is closed and empty, or until something fails.
    pub(crate) fn run(mut self) {
        let _ended = Ended(self.shared.clone());
        while let Some(work) = self.shared.clone().queue.take() {
            let now = self.shared.runtime.now();
            if work.trim || now.0.saturating_sub(self.trimmed.0) >= TRIM_EVERY_MS {
                self.trim(now);
            }
            if let Err(error) = self.work(work, now) {
                tracing::error!(%error, "the log failed");
                self.shared.end(&error);
                return;
            }
        }
        // Only gives the room back, and whoever opens the segment does so as well.
        let _ = self.active.file.set_len(self.active.bytes);
    }

    fn work(&mut self, Work { items, granted, wanted, .. }: Work, now: TimeMs) -> Result<(), Error> {
        if !items.is_empty() {
            self.commit(items, now)?;
        }
        let step = self.step();
        let queue = &self.shared.clone().queue;
        if wanted > granted || granted < step / 2 {
            match self.extend(step.max(wanted)).or_else(|_| self.extend(wanted)) {
                Ok(bytes) => queue.grant(bytes),
                Err(error) => queue.refuse(&error),
            }
        } else if wanted > 0 {
            // What others did not need has become enough since.
            queue.grant(0);
        }
        Ok(())
    }

    /// How many bytes of room are made at a time.
    fn step(&self) -> usize {
        let step = (self.shared.options.segment_bytes / ROOM_OF_SEGMENT).min(ROOM_BYTES_MAX);
        usize::try_from(step).unwrap_or(usize::MAX)
    }

    /// Makes room for so many more bytes in the segment that is written; all of it or none.
    fn extend(&mut self, bytes: usize) -> Result<usize, Error> {
        let file = &self.active.file;
        match file.write_all_at(&vec![0; bytes], self.active.room) {
            Ok(()) => {
                self.active.room += bytes as u64;
                Ok(bytes)
            }
            Err(error) => {
                let cut = file.set_len(self.active.room);
                Err(self.no_room(&cut.err().unwrap_or(error)))
            }
        }
    }

    fn no_room(&self, error: &io::Error) -> Error {
        if is_full(error) {
            return Error::Full { place: self.shared.folder.display().to_string() };
        }
        Error::Unavailable { why: format!("a write failed: {error}") }
    }

    /// Writes and syncs batches, and shows them. On an error they are answered with it.
    fn commit(&mut self, mut items: Vec<Item>, now: TimeMs) -> Result<(), Error> {
        let promised: usize = items.iter().map(|item| item.bytes).sum();
        let runs = items.iter_mut().flat_map(|item| std::mem::take(&mut item.runs));
        let written = self.write(batch::drafts(runs), promised, now);
        match written {
            Ok(bytes) => {
                self.shared.queue.settled(items.len(), promised.saturating_sub(bytes));
                items.into_iter().for_each(|item| item.answer(Ok(())));
                Ok(())
            }
            Err(error) => {
                items.into_iter().for_each(|item| item.answer(Err(error.clone())));
                Err(error)
            }
        }
    }

    /// Gives how many bytes they took.
    fn write(&mut self, drafts: Vec<Draft>, promised: usize, now: TimeMs) -> Result<usize, Error> {
        self.roll_if_due(promised, now)?;
        let entries = self.encode(&drafts);
        let failed = |error: io::Error| Error::Unavailable { why: format!("a write or a sync failed: {error}") };
        self.active.file.write_all_at(&self.buffer, self.active.bytes).map_err(failed)?;
        fail::fail_point!("log::after_write");
        self.active.file.sync().map_err(failed)?;
        fail::fail_point!("log::after_sync");
        self.active.bytes += self.buffer.len() as u64;
        self.active.room = self.active.room.max(self.active.bytes);
        self.active.commit += 1;
        self.confirm(drafts, &entries);
        Ok(self.buffer.len())
    }

    fn roll_if_due(&mut self, bytes: usize, now: TimeMs) -> Result<(), Error> {
        let options = &self.shared.options;
        let is_large = self.active.bytes.saturating_add(bytes as u64) > options.segment_bytes;
        let is_old = now.0.saturating_sub(self.active.created.0) >= options.segment_ms;
        if self.active.commit > 0 && (is_large || is_old) && self.shared.runtime.monotonic() >= self.roll_at {
            self.roll(bytes, now)?;
            self.trim(now);
        }
        Ok(())
    }

    /// Seals the active segment and begins the next, with room for all that is promised: so many bytes that are to be
    /// written now, and what the queue says. Where that can't be had the active one goes on, which has it.
    fn roll(&mut self, bytes: usize, now: TimeMs) -> Result<(), Error> {
        let heads: Heads = {
            let parts = self.shared.parts.read();
            let ends = parts.iter().map(|(at, part)| (at.clone(), part.synced()));
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
        let next = match self.begin(&header, bytes + self.shared.queue.bytes_promised()) {
            Ok(next) => next,
            Err(error) => {
                let error = Error::from(error);
                tracing::warn!(%error, "no new segment can be begun; going on in the old one");
                self.roll_at = self.shared.runtime.monotonic() + ROLL_AGAIN;
                return self.take_back(header.sequence);
            }
        };
        let listed =
            Segment { sequence: next.sequence, bytes: next.bytes, heads: Arc::new(header.heads), time: header.time };
        let sealed = {
            let mut segments = self.shared.segments.write();
            segments.list.push(listed);
            std::mem::replace(&mut segments.active, Sealed { file: next.file.clone(), index: Index::default() })
        };
        let active = std::mem::replace(&mut self.active, next);
        // Only gives the room back.
        let _ = active.file.set_len(active.bytes);
        self.shared.save_index(&sealed.index, active.sequence, active.bytes);
        self.shared.sealed.lock().put(active.sequence, Arc::new(sealed));
        Ok(())
    }

    /// Makes a segment with room for so many bytes behind its header.
    fn begin(&self, header: &SegmentHeader, room: usize) -> Result<Active, ReadError> {
        let Shared { disk, folder, .. } = &*self.shared;
        let (file, bytes) = segment::create(disk.as_ref(), folder, header)?;
        let path = segment::path(folder, header.sequence);
        file.write_all_at(&vec![0; room], bytes).map_err(ReadError::io("make room in", &path))?;
        let (sequence, created) = (header.sequence, header.created);
        Ok(Active { file, sequence, bytes, room: bytes + room as u64, commit: 0, created })
    }

    /// Removes a segment that was not begun. For good, before anything more is written to the one before: its header says
    /// where that one ends.
    fn take_back(&self, sequence: u64) -> Result<(), Error> {
        let Shared { disk, folder, .. } = &*self.shared;
        let removed = match disk.remove(&segment::path(folder, sequence)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => disk.sync_folder(folder),
        };
        removed.map_err(|error| self.no_room(&error))
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

    /// What is durable becomes visible to all.
    fn confirm(&mut self, drafts: Vec<Draft>, entries: &[Entry]) {
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
            self.time = self.time.max(draft.time());
            draft.part.confirm(draft.runs.iter().map(|run| run.len()).sum());
            for run in draft.runs {
                let bytes = batch::bytes_in_memory(&run);
                self.cache.add(draft.part.clone(), bytes, self.shared.options.cache_bytes);
            }
        }
    }
}

impl Cache {
    /// Takes a run that is durable; the oldest go to make room.
    fn add(&mut self, part: Arc<Part>, bytes: usize, bytes_max: usize) {
        self.bytes += bytes;
        self.runs.push_back((part, bytes));
        while self.bytes > bytes_max {
            let Some((part, bytes)) = self.runs.pop_front() else { break };
            part.evict();
            self.bytes -= bytes;
        }
    }
}
