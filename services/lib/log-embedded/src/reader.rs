//! Reads one partition: from memory near the end, from disk where it is behind.

use std::{collections::VecDeque, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::Offset;
use chasqui_log::{Error, Reader, Record};
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_blocking, yield_now},
};

use crate::{
    error::ReadError,
    part::{Look, Part, Sight, take},
    shared::Shared,
};

pub(crate) struct PartReader {
    shared: Arc<Shared>,
    part: Arc<Part>,
    sight: Sight,
    changes: watch::Receiver<u64>,
    next: u64,
    /// What was read from disk and not returned yet; begins at `next`.
    held: VecDeque<Record>,
    /// A read from disk under way, from `next` on. Kept here, so that a dropped call doesn't waste it.
    loading: Option<JoinHandle<Result<Vec<Record>, ReadError>>>,
}

impl PartReader {
    pub(crate) fn new(shared: Arc<Shared>, part: Arc<Part>, from: Offset, sight: Sight) -> Self {
        let changes = part.changes(sight);
        Self { shared, part, sight, changes, next: from.0, held: VecDeque::new(), loading: None }
    }

    fn load(&self, end: u64) -> JoinHandle<Result<Vec<Record>, ReadError>> {
        let (shared, at, next) = (self.shared.clone(), self.part.at.clone(), self.next);
        spawn_blocking(move || shared.read(&at, next, end))
    }

    fn trimmed(&mut self, start: u64) -> Error {
        self.next = start;
        self.held.clear();
        self.loading = None;
        Error::Trimmed { start: Offset(start) }
    }

    fn return_held(&mut self, bytes_max: usize) -> Vec<Record> {
        let records = take(self.held.iter(), bytes_max);
        self.held.drain(..records.len());
        self.next += records.len() as u64;
        records
    }
}

#[async_trait]
impl Reader for PartReader {
    async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        loop {
            if let Some(loading) = &mut self.loading {
                let loaded = loading.await;
                self.loading = None;
                let start = self.part.bounds().start.0;
                if self.next < start {
                    return Err(self.trimmed(start));
                }
                let loaded = loaded.map_err(|error| Error::Unavailable { why: error.to_string() })?;
                self.held = loaded?.into();
            }
            self.changes.borrow_and_update();
            // Asked first, so that what was trimmed meanwhile is reported, and not read from what is held.
            match self.part.look(self.next, bytes_max, self.sight) {
                Look::Trimmed(start) => return Err(self.trimmed(start)),
                Look::Records(records) if self.held.is_empty() => {
                    self.next += records.len() as u64;
                    return Ok(records);
                }
                Look::OnDisk { end } if self.held.is_empty() => self.loading = Some(self.load(end)),
                Look::End if let Some(why) = self.shared.queue.ended() => return Err(why),
                Look::End => {
                    self.changes.changed().await.map_err(|_| Error::Closed)?;
                    if self.sight == Sight::Ahead {
                        // Whoever is about to append goes first: what is read then grows by itself when there is much to do.
                        yield_now().await;
                    }
                }
                Look::Records(_) | Look::OnDisk { .. } => return Ok(self.return_held(bytes_max)),
            }
        }
    }
}
