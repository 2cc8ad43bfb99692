//! One partition: its bounds, its newest records in memory, and those who wait for more.

use std::{collections::VecDeque, sync::Arc};

use chasqui_domain::Offset;
use chasqui_log::{Bounds, Record, TopicPartition};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::options::READ_RECORDS_MAX;

pub(crate) struct Part {
    pub(crate) at: TopicPartition,
    /// The end; readers ahead wait for it to change.
    end: watch::Sender<u64>,
    /// The end of what is synced; the others wait for it.
    synced: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    start: u64,
    end: u64,
    /// Below the end, where something is not durable yet.
    synced: u64,
    released: u64,
    /// The newest records, without a hole up to the end. Older ones are on disk only.
    tail: VecDeque<Arc<[Record]>>,
}

/// What a reader may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All that has its place.
    Ahead,
    /// What no crash takes back.
    Synced,
}

/// What a reader finds at its offset.
pub(crate) enum Look {
    Trimmed(u64),
    Records(Vec<Record>),
    OnDisk { end: u64 },
    End,
}

impl Part {
    pub(crate) fn new(at: TopicPartition, start: u64, end: u64) -> Self {
        let state = State { start, end, synced: end, ..State::default() };
        Self { at, end: watch::Sender::new(end), synced: watch::Sender::new(end), state: Mutex::new(state) }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let state = self.state.lock();
        Bounds { start: Offset(state.start), end: Offset(state.end) }
    }

    /// Where the partition ends on disk.
    pub(crate) fn synced(&self) -> u64 {
        self.state.lock().synced
    }

    pub(crate) fn released(&self) -> u64 {
        self.state.lock().released
    }

    pub(crate) fn release(&self, below: u64) {
        let mut state = self.state.lock();
        state.released = state.released.max(below.min(state.end));
    }

    /// Retention has removed what lies below.
    pub(crate) fn trim(&self, start: u64) {
        let mut state = self.state.lock();
        state.start = state.start.max(start);
    }

    /// Gives records their places, which follow the end, and shows them to readers ahead.
    pub(crate) fn place(&self, records: Arc<[Record]>) {
        let end = {
            let mut state = self.state.lock();
            state.end += records.len() as u64;
            state.tail.push_back(records);
            state.end
        };
        self.end.send_replace(end);
    }

    /// Shows to all what was placed next and is durable now.
    pub(crate) fn confirm(&self, records: usize) {
        let synced = {
            let mut state = self.state.lock();
            state.synced += records as u64;
            state.synced
        };
        self.synced.send_replace(synced);
    }

    /// Drops the oldest records that are in memory. They are on disk.
    pub(crate) fn evict(&self) {
        drop(self.state.lock().tail.pop_front());
    }

    /// Wakes readers: the log was closed, or has failed.
    pub(crate) fn wake(&self) {
        self.end.send_modify(|_| {});
        self.synced.send_modify(|_| {});
    }

    pub(crate) fn changes(&self, sight: Sight) -> watch::Receiver<u64> {
        match sight {
            Sight::Ahead => self.end.subscribe(),
            Sight::Synced => self.synced.subscribe(),
        }
    }

    pub(crate) fn look(&self, offset: u64, bytes_max: usize, sight: Sight) -> Look {
        let state = self.state.lock();
        let end = match sight {
            Sight::Ahead => state.end,
            Sight::Synced => state.synced,
        };
        if offset < state.start {
            return Look::Trimmed(state.start);
        }
        if offset >= end {
            return Look::End;
        }
        let after = state.tail.partition_point(|records| records.first().is_some_and(|first| first.offset.0 <= offset));
        let Some(chunk) = after.checked_sub(1) else { return Look::OnDisk { end } };
        let records = state.tail.range(chunk..).flat_map(|records| records.iter());
        let from = records.skip_while(|record| record.offset.0 < offset);
        Look::Records(take(from.take_while(|record| record.offset.0 < end), bytes_max))
    }
}

/// The first record, and those behind it that fit.
pub(crate) fn take<'a>(records: impl Iterator<Item = &'a Record>, bytes_max: usize) -> Vec<Record> {
    let mut taken: Vec<Record> = Vec::new();
    let mut bytes = 0usize;
    for record in records.take(READ_RECORDS_MAX) {
        bytes = bytes.saturating_add(record.bytes());
        if bytes > bytes_max && !taken.is_empty() {
            break;
        }
        taken.push(record.clone());
    }
    taken
}
