//! Opens what a process before has left, also after a crash.
//!
//! Only the last segment is read: the others are known to be synced up to the length that the next header names. In
//! the last, everything up to the last commit that is whole is kept. What follows it was never confirmed and is cut,
//! unless a later commit lies behind it: commits are written only after those before were synced, so that is damage.

use std::{collections::HashMap, path::Path, sync::Arc};

use chasqui_disk::{Disk, File};
use chasqui_domain::{LogId, TimeMs};
use chasqui_runtime::Runtime;

use crate::{
    chunk::HEADER_BYTES,
    error::{OpenError, ReadError},
    index::{Contents, Entry},
    meta,
    options::Options,
    scan::Scan,
    segment::{self, FORMAT, Heads, SegmentHeader},
    shared::{Sealed, Segment, Segments},
    writer::Active,
};

pub(crate) struct Recovered {
    pub(crate) id: LogId,
    pub(crate) segments: Segments,
    pub(crate) active: Active,
    pub(crate) ends: Heads,
    pub(crate) time: TimeMs,
}

/// A segment with its header. Its file isn't held: there may be more segments than a process may have files.
struct Opened {
    header: SegmentHeader,
    header_bytes: u64,
    size: u64,
}

pub(crate) fn open(
    disk: &dyn Disk,
    folder: &Path,
    options: &Options,
    runtime: &Runtime,
) -> Result<Recovered, OpenError> {
    disk.create_folder(folder).map_err(ReadError::io("create", folder))?;
    let id = match meta::read(disk, folder, FORMAT)? {
        Some((_, there)) if there != options.partitions => {
            return Err(OpenError::Partitions { folder: folder.to_owned(), there, asked: options.partitions });
        }
        Some((id, _)) => id,
        None => create(disk, folder, options, runtime)?,
    };
    // A creation or removal that was not durable when the process before ended must not be undone later.
    disk.sync_folder(folder).map_err(ReadError::io("sync", folder))?;
    let mut opened = open_all(disk, folder, id, options)?;
    let mut list = check_sealed(folder, &opened)?;
    let Some(last) = opened.pop() else { return Err(corrupt(folder, "log.json", 0, "its segments are gone")) };
    for at in last.header.heads.keys() {
        if options.partitions.check(at).is_err() {
            return Err(ReadError::corrupt(&path_of(folder, &last), 0, format!("it names {at}")).into());
        }
    }
    let file = reopen(disk, folder, &last)?;
    let tail = Tail::scan(&file, folder, id, options, &last)?;
    tail.settle(&*file, folder, &last)?;
    list.push(Segment {
        sequence: last.header.sequence,
        bytes: tail.bytes,
        heads: Arc::new(last.header.heads),
        time: last.header.time,
    });
    remove_stray_indexes(disk, folder, &list);
    let active = Active {
        file: file.clone(),
        sequence: last.header.sequence,
        bytes: tail.bytes,
        room: tail.bytes,
        commit: tail.commit,
        created: last.header.created,
    };
    let Contents { index, ends } = tail.contents;
    let segments = Segments { list, active: Sealed { file, index } };
    Ok(Recovered { id, segments, active, ends, time: tail.time })
}

fn reopen(disk: &dyn Disk, folder: &Path, opened: &Opened) -> Result<Arc<dyn File>, ReadError> {
    let path = path_of(folder, opened);
    disk.open(&path, false).map_err(ReadError::io("open", &path))
}

fn path_of(folder: &Path, opened: &Opened) -> std::path::PathBuf {
    segment::path(folder, opened.header.sequence)
}

fn corrupt(folder: &Path, name: &str, position: u64, why: &str) -> OpenError {
    OpenError::Corrupt { path: folder.join(name), position, why: why.to_owned() }
}

/// The sequences of the files with this extension, ascending.
fn sequences(disk: &dyn Disk, folder: &Path, extension: &str) -> Result<Vec<u64>, ReadError> {
    let names = disk.list(folder).map_err(ReadError::io("list", folder))?;
    let mut sequences: Vec<u64> = names.iter().filter_map(|name| segment::sequence(name, extension)).collect();
    sequences.sort_unstable();
    Ok(sequences)
}

/// Makes a new log: first its first segment, then the file that says that there is a log. A folder with the one
/// without the other is a creation that didn't end, or has lost a file.
fn create(disk: &dyn Disk, folder: &Path, options: &Options, runtime: &Runtime) -> Result<LogId, OpenError> {
    let now = runtime.now();
    let id = LogId(runtime.random());
    let header =
        SegmentHeader { log: id, sequence: 0, created: now, time: TimeMs(0), previous_bytes: 0, heads: HashMap::new() };
    let header_bytes = header.encode().len() as u64;
    for sequence in sequences(disk, folder, "segment")? {
        let path = segment::path(folder, sequence);
        let size = disk.open(&path, false).and_then(|file| file.size()).map_err(ReadError::io("open", &path))?;
        if sequence != 0 || size > header_bytes {
            return Err(corrupt(folder, "log.json", 0, "the file is missing, though segments are there"));
        }
    }
    segment::create(disk, folder, &header)?;
    meta::write(disk, folder, FORMAT, id, options.partitions)?;
    tracing::info!(log = %id, folder = %folder.display(), "made a new log");
    Ok(id)
}

/// Opens all segments and checks that none is missing. A last one whose header was not finished is removed.
fn open_all(disk: &dyn Disk, folder: &Path, id: LogId, options: &Options) -> Result<Vec<Opened>, OpenError> {
    let sequences = sequences(disk, folder, "segment")?;
    let mut opened: Vec<Opened> = Vec::with_capacity(sequences.len());
    for &sequence in &sequences {
        let path = segment::path(folder, sequence);
        if opened.last().is_some_and(|before| before.header.sequence + 1 != sequence) {
            return Err(ReadError::corrupt(&path, 0, "a segment before it is missing").into());
        }
        let io = |what| ReadError::io(what, &path);
        let file = disk.open(&path, false).map_err(io("open"))?;
        let size = file.size().map_err(io("read"))?;
        if let Some((header, header_bytes)) = segment::read_header(file.as_ref(), size).map_err(io("read"))? {
            if header.log != id || header.sequence != sequence {
                return Err(ReadError::corrupt(&path, 0, "it belongs to another log or place").into());
            }
            opened.push(Opened { header, header_bytes, size });
            continue;
        }
        // Chunks are written only once the header is synced: then they tell of it, or at least the length does.
        let (Some(before), true) = (opened.last(), sequences.last() == Some(&sequence)) else {
            return Err(ReadError::corrupt(&path, 0, "the segment has no valid header").into());
        };
        let has_chunks = Scan::new(file, &path, id, sequence, size).later_commit(0, None)?.is_some();
        if has_chunks || size > next_header_bytes(disk, folder, id, options, before)? {
            return Err(ReadError::corrupt(&path, 0, "the segment has no valid header").into());
        }
        tracing::info!(segment = sequence, "removing a segment that was not finished");
        disk.remove(&path).map_err(io("remove"))?;
        disk.sync_folder(folder).map_err(io("remove"))?;
    }
    Ok(opened)
}

/// How long the header is that follows this segment.
fn next_header_bytes(
    disk: &dyn Disk,
    folder: &Path,
    id: LogId,
    options: &Options,
    before: &Opened,
) -> Result<u64, ReadError> {
    let file = reopen(disk, folder, before)?;
    let heads = Tail::scan(&file, folder, id, options, before)?.contents.ends;
    Ok(SegmentHeader { heads, ..before.header.clone() }.encode().len() as u64)
}

/// All segments but the last: they must have the length that the next one names.
fn check_sealed(folder: &Path, opened: &[Opened]) -> Result<Vec<Segment>, ReadError> {
    let mut list = Vec::with_capacity(opened.len());
    for pair in opened.windows(2) {
        let [this, next] = pair else { continue };
        let bytes = next.header.previous_bytes;
        if this.size < bytes || this.header_bytes > bytes {
            let why = format!("the segment has {} bytes, of which {bytes} were synced", this.size);
            return Err(ReadError::corrupt(&path_of(folder, this), this.size, why));
        }
        for (at, head) in &this.header.heads {
            if next.header.heads.get(at).is_none_or(|next| next < head) {
                return Err(ReadError::corrupt(&path_of(folder, next), 0, format!("{at} would go back")));
            }
        }
        list.push(Segment {
            sequence: this.header.sequence,
            bytes,
            heads: Arc::new(this.header.heads.clone()),
            time: this.header.time,
        });
    }
    Ok(list)
}

/// What is valid of the last segment.
struct Tail {
    contents: Contents,
    bytes: u64,
    /// The number of the next commit.
    commit: u64,
    /// Where the last commit begins; the header, if there is none.
    last_commit_at: u64,
    time: TimeMs,
}

impl Tail {
    fn scan(
        file: &Arc<dyn File>,
        folder: &Path,
        id: LogId,
        options: &Options,
        last: &Opened,
    ) -> Result<Self, ReadError> {
        let path = path_of(folder, last);
        let mut tail = Self {
            contents: Contents::new(last.header.heads.clone()),
            bytes: last.header_bytes,
            commit: 0,
            last_commit_at: 0,
            time: last.header.time,
        };
        let mut scan = Scan::new(file.clone(), &path, id, last.header.sequence, last.size);
        while tail.take_commit(&mut scan, &path, options)? {}
        if let Some(later) = scan.later_commit(tail.bytes, Some(tail.commit))? {
            let why = format!("a commit is damaged, and a later one follows at byte {later}");
            return Err(ReadError::corrupt(&path, tail.bytes, why));
        }
        Ok(tail)
    }

    /// Takes the next commit, if all of its chunks are there.
    fn take_commit(&mut self, scan: &mut Scan, path: &Path, options: &Options) -> Result<bool, ReadError> {
        let mut chunks = Vec::new();
        let mut position = self.bytes;
        let mut left = None;
        while left != Some(0) {
            let Some((header, chunk)) = scan.chunk(position)? else { return Ok(false) };
            if header.commit != self.commit || left.is_some_and(|left: u32| left - 1 != header.left) {
                return Err(ReadError::corrupt(path, position, "a chunk of another commit"));
            }
            left = Some(header.left);
            let bytes = u32::try_from(header.bytes()).unwrap_or(u32::MAX);
            self.time = self.time.max(header.time);
            chunks.push((chunk.at, Entry { base: header.base, position, bytes }, header.count));
            position += header.bytes();
        }
        for (at, entry, count) in chunks {
            if options.partitions.check(&at).is_err() || !self.contents.add(&at, entry, count) {
                let why = format!("a chunk of {at} does not follow the one before it");
                return Err(ReadError::corrupt(path, entry.position, why));
            }
        }
        self.last_commit_at = self.bytes;
        self.bytes = position;
        self.commit += 1;
        Ok(true)
    }

    /// Cuts what was not confirmed and makes the rest durable. The last commit is written again: the process before
    /// may have failed to sync it, and the operating system then shows it and would not write it any more.
    fn settle(&self, file: &dyn File, folder: &Path, last: &Opened) -> Result<(), ReadError> {
        let attempt = || {
            let cut = last.size - self.bytes;
            let mut seen = vec![0; HEADER_BYTES.min(usize::try_from(cut).unwrap_or(usize::MAX))];
            file.read_exact_at(&mut seen, self.bytes)?;
            // Zeroes are room that was not needed.
            if seen.iter().any(|byte| *byte != 0) {
                let segment = last.header.sequence;
                tracing::info!(segment, at = self.bytes, bytes = cut, "cutting an unfinished commit");
            }
            file.set_len(self.bytes)?;
            let len = usize::try_from(self.bytes - self.last_commit_at).unwrap_or(usize::MAX);
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, self.last_commit_at)?;
            file.write_all_at(&bytes, self.last_commit_at)?;
            file.sync()
        };
        attempt().map_err(ReadError::io("settle", &path_of(folder, last)))
    }
}

/// An index may be left of a segment that is gone. Those that stay cost only their room.
fn remove_stray_indexes(disk: &dyn Disk, folder: &Path, list: &[Segment]) {
    for sequence in sequences(disk, folder, "index").unwrap_or_default() {
        if !list.iter().any(|segment| segment.sequence == sequence) {
            let _ = disk.remove(&segment::index_path(folder, sequence));
        }
    }
}
