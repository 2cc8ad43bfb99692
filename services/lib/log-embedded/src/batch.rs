//! Batches: their records get their places, and lie together as chunks on disk.

use std::sync::Arc;

use chasqui_domain::{Offset, TimeMs};
use chasqui_log::{Append, Appended, Record, TopicPartition};

use crate::{
    chunk::{self, Site},
    codec::record_bytes,
    options::CHUNK_BYTES_TARGET,
    part::Part,
    shared::Shared,
};

/// What a run in memory costs beside its records.
const RUN_BYTES_EXTRA: usize = 64;

/// The records of a batch that go to one partition, no more than fit a chunk.
pub(crate) struct Run {
    pub(crate) part: Arc<Part>,
    pub(crate) records: Arc<[Record]>,
    /// In a chunk.
    bytes: usize,
}

/// Gives every record of a batch its place, in order, and shows it to readers ahead. `appended` takes the places, in the
/// order of the batch.
pub(crate) fn place(
    shared: &Shared,
    batch: Vec<Append>,
    time: TimeMs,
    mut appended: Option<&mut Vec<Appended>>,
) -> Vec<Run> {
    let mut open: Vec<Open> = Vec::new();
    let mut runs = Vec::new();
    for Append { to, key, value, headers } in batch {
        // A batch has few partitions, and neighbours are often of one.
        let found = open.iter().rposition(|run| run.part.at == to);
        let run = match found.and_then(|found| open.get_mut(found)) {
            Some(run) => run,
            None => {
                open.push(Open::new(shared, &to));
                let Some(run) = open.last_mut() else { continue };
                run
            }
        };
        let record = Record { offset: Offset(run.next), time, key, value, headers };
        if let Some(appended) = &mut appended {
            appended.push(Appended { offset: record.offset, time });
        }
        let bytes = record_bytes(&record);
        if !run.records.is_empty() && run.bytes + bytes > CHUNK_BYTES_TARGET {
            runs.push(run.close());
        }
        run.bytes += bytes;
        run.next += 1;
        run.records.push(record);
    }
    runs.extend(open.into_iter().map(|mut run| run.close()));
    runs
}

/// A run that takes records.
struct Open {
    part: Arc<Part>,
    records: Vec<Record>,
    bytes: usize,
    next: u64,
}

impl Open {
    fn new(shared: &Shared, to: &TopicPartition) -> Self {
        let part = shared.part(to);
        let next = part.bounds().end.0;
        Self { part, records: Vec::new(), bytes: 0, next }
    }

    fn close(&mut self) -> Run {
        let records: Arc<[Record]> = std::mem::take(&mut self.records).into();
        self.part.place(records.clone());
        Run { part: self.part.clone(), records, bytes: std::mem::take(&mut self.bytes) }
    }
}

/// A chunk to be written: runs of one partition.
pub(crate) struct Draft {
    pub(crate) part: Arc<Part>,
    pub(crate) runs: Vec<Arc<[Record]>>,
    bytes: usize,
}

impl Draft {
    /// The time of its records.
    pub(crate) fn time(&self) -> TimeMs {
        self.runs.first().map_or(TimeMs(0), |run| time_of(run))
    }

    /// Appends the chunk to `out`; returns the offset of its first record.
    pub(crate) fn encode(&self, out: &mut Vec<u8>, site: Site, commit: u64, left: u32) -> u64 {
        chunk::encode(out, site, commit, left, &self.part.at, &self.runs);
        self.runs.first().and_then(|run| run.first()).map_or(0, |first| first.offset.0)
    }
}

/// What a run takes in memory.
pub(crate) fn bytes_in_memory(records: &[Record]) -> usize {
    RUN_BYTES_EXTRA + records.iter().map(record_bytes).sum::<usize>()
}

fn time_of(records: &[Record]) -> TimeMs {
    records.first().map_or(TimeMs(0), |first| first.time)
}

/// Puts the runs of a partition that fit one chunk together.
pub(crate) fn drafts(runs: impl Iterator<Item = Run>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    for Run { part, records, bytes } in runs {
        // A later chunk of the partition stands behind an earlier one, so the last is the one that may take more.
        let last = drafts.iter_mut().rfind(|draft| Arc::ptr_eq(&draft.part, &part));
        match last {
            // All records of a chunk have one time.
            Some(draft) if draft.bytes + bytes <= CHUNK_BYTES_TARGET && draft.time() == time_of(&records) => {
                draft.bytes += bytes;
                draft.runs.push(records);
            }
            _ => drafts.push(Draft { part, runs: vec![records], bytes }),
        }
    }
    drafts
}
