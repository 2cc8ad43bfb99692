//! Sorts the batches of a commit into chunks.

use std::{collections::HashMap, sync::Arc};

use chasqui_domain::{Offset, TimeMs};
use chasqui_log::{Append, Appended, Record, TopicPartition};

use crate::{
    chunk::{self, Site},
    codec::record_bytes,
    options::CHUNK_BYTES_TARGET,
    part::Part,
    queue::Item,
    shared::Shared,
};

/// What a chunk in memory costs beside its records.
const CHUNK_BYTES_EXTRA: usize = 64;

/// A chunk to be written.
pub(crate) struct Draft {
    pub(crate) part: Arc<Part>,
    pub(crate) records: Vec<Record>,
    pub(crate) bytes: usize,
}

impl Draft {
    fn new(part: Arc<Part>) -> Self {
        Self { part, records: Vec::new(), bytes: CHUNK_BYTES_EXTRA }
    }

    fn is_full_for(&self, bytes: usize) -> bool {
        !self.records.is_empty() && self.bytes + bytes > CHUNK_BYTES_TARGET
    }

    /// Appends the chunk to `out`; returns the offset of its first record.
    pub(crate) fn encode(&self, out: &mut Vec<u8>, site: Site, commit: u64, left: u32) -> u64 {
        chunk::encode(out, site, commit, left, &self.part.at, &self.records);
        self.records.first().map_or(0, |first| first.offset.0)
    }
}

/// A partition that the commit writes to.
struct Target {
    draft: usize,
    next: u64,
}

/// Gives every record its offset, in the order of the batches. Takes the batches; one answer for each.
pub(crate) fn assign(shared: &Shared, items: &mut [Item], time: TimeMs) -> (Vec<Draft>, Vec<Vec<Appended>>) {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut targets: HashMap<TopicPartition, Target> = HashMap::new();
    let mut answers = Vec::with_capacity(items.len());
    for item in items {
        let mut answer = Vec::with_capacity(item.batch.len());
        for Append { to, key, value, headers } in std::mem::take(&mut item.batch) {
            let target = targets.entry(to).or_insert_with_key(|to| {
                let part = shared.part(to);
                let next = part.bounds().end.0;
                drafts.push(Draft::new(part));
                Target { draft: drafts.len() - 1, next }
            });
            let record = Record { offset: Offset(target.next), time, key, value, headers };
            let bytes = record_bytes(&record);
            if drafts[target.draft].is_full_for(bytes) {
                drafts.push(Draft::new(drafts[target.draft].part.clone()));
                target.draft = drafts.len() - 1;
            }
            answer.push(Appended { offset: record.offset, time });
            target.next += 1;
            drafts[target.draft].bytes += bytes;
            drafts[target.draft].records.push(record);
        }
        answers.push(answer);
    }
    (drafts, answers)
}
