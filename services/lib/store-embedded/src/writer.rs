//! The one thread that writes to the database. It keeps one transaction open over all writes that come, until somebody
//! asks for what is in it.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use chasqui_domain::TimeMs;
use chasqui_store::{Error, LogPartition};
use redb::{Database, Durability, WriteTransaction};
use tokio::sync::oneshot;

use crate::{
    Options, Shared,
    apply::{self, Write},
    fault::{Fault, fail_here, guard},
    merged::Merged,
    options::{BeforeDurable, EXPIRE_BYTES, WRITE_BYTES_MIN},
    queue::{Queue, Queued},
    tables::Tables,
};

/// A write.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) write: Write,
    /// None when it was answered with its place in the queue.
    pub(crate) answer: Option<Answer>,
}

/// Who waits for a write. They may have gone away: then nobody wants to know.
type Answer = oneshot::Sender<Result<(), Error>>;

/// What ends a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Somebody wants to see it, or it has become large.
    Visible,
    /// Somebody wants it to survive a crash.
    Durable,
}

/// The state of the thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    queue: Arc<Queue<Job>>,
    bytes_max: usize,
    before_durable: Option<BeforeDurable>,
    /// How many writes were taken out of the queue.
    taken: u64,
    /// Who is answered by the next commit.
    answers: Vec<Answer>,
    /// Whether one of them wants it to be durable.
    wants_durable: bool,
    /// Expiries that are not done yet; each round goes one step on in the first.
    expiring: VecDeque<(TimeMs, Queued<Job>)>,
    /// Bytes of writes that the open transaction has taken in.
    bytes: usize,
    merged: Merged,
    marked: BTreeSet<LogPartition>,
    /// Whether something was committed since the last durable commit.
    is_dirty: bool,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, queue: Arc<Queue<Job>>, options: &Options) -> Self {
        Self {
            shared,
            queue,
            bytes_max: options.transaction_bytes_max,
            before_durable: options.before_durable.clone(),
            taken: 0,
            answers: Vec::new(),
            wants_durable: false,
            expiring: VecDeque::new(),
            bytes: 0,
            merged: Merged::default(),
            marked: BTreeSet::new(),
            is_dirty: false,
        }
    }

    /// Writes until the queue is closed and empty, and then flushes.
    pub(crate) fn run(mut self) {
        let shared = self.shared.clone();
        let written = shared.database(|database| guard(|| self.write(database)));
        let error = written.map_or_else(|fault| shared.fail(fault), |()| Error::Closed);
        self.refuse(&error);
    }

    /// Answers all that still comes with an error.
    fn refuse(&mut self, error: &Error) {
        let expiring = self.expiring.drain(..).filter_map(|(_, job)| job.item.answer);
        for answer in self.answers.drain(..).chain(expiring) {
            let _ = answer.send(Err(error.clone()));
        }
        while let Some(jobs) = self.queue.take(true, usize::MAX) {
            for answer in jobs.into_iter().filter_map(|job| job.item.answer) {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }

    fn write(&mut self, database: &Database) -> Result<(), Fault> {
        while let Some(round) = self.take()? {
            let changes = !self.expiring.is_empty() || round.iter().any(|job| !matches!(job.item.write, Write::Flush));
            if changes || (self.wants_durable && self.is_dirty) {
                self.transaction(database, round)?;
            } else {
                self.finish();
            }
        }
        if self.is_dirty {
            self.commit(database.begin_write()?, End::Durable)?;
        }
        Ok(())
    }

    /// What waits in the queue, but for expiries. None when it is closed and empty.
    fn take(&mut self) -> Result<Option<Vec<Queued<Job>>>, Fault> {
        let jobs = self.queue.take(self.expiring.is_empty(), usize::MAX);
        let mut round = Vec::with_capacity(jobs.as_ref().map_or(0, Vec::len));
        let is_closed = jobs.is_none();
        for mut job in jobs.into_iter().flatten() {
            self.taken += 1;
            if let Write::Expire(before) = job.item.write {
                self.expiring.push_back((before, job));
                continue;
            }
            self.wants_durable |= job.item.write.is_durable_when_answered();
            // Kept apart from the write, which may panic.
            self.answers.extend(job.item.answer.take());
            round.push(job);
        }
        self.shared.failure.check().map_err(Fault::Store)?;
        Ok((!is_closed).then_some(round))
    }

    /// One transaction, from its first round to the commit.
    fn transaction(&mut self, database: &Database, first: Vec<Queued<Job>>) -> Result<(), Fault> {
        let transaction = database.begin_write()?;
        // Opened once, since that costs as much as some writes.
        let mut tables = Tables::open(&transaction)?;
        let mut round = Some(first);
        let end = loop {
            let Some(jobs) = round else { break End::Durable };
            self.apply(&mut tables, jobs)?;
            if let Some(end) = self.end() {
                break end;
            }
            round = self.take()?;
        };
        self.merged.settle(&mut tables)?;
        drop(tables);
        self.commit(transaction, end)
    }

    /// Does all writes of a round, and one step of the first expiry.
    fn apply(&mut self, tables: &mut Tables<'_>, round: Vec<Queued<Job>>) -> Result<(), Fault> {
        // Each gives its room in the queue free when it is done.
        for job in round {
            self.bytes += WRITE_BYTES_MIN + job.item.write.bytes();
            apply::apply(tables, &mut self.merged, &mut self.marked, job.item.write)?;
        }
        let Some(&(before, _)) = self.expiring.front() else { return Ok(()) };
        self.merged.settle(tables)?;
        self.bytes += EXPIRE_BYTES;
        if apply::expire(tables, before)? {
            // What it did lately has no place in the queue that a read could wait for, so it is committed before the answer.
            self.answers.extend(self.expiring.pop_front().and_then(|(_, job)| job.item.answer));
        }
        Ok(())
    }

    /// Whether the open transaction is to be committed.
    fn end(&self) -> Option<End> {
        if self.wants_durable {
            return Some(End::Durable);
        }
        let is_wanted = !self.answers.is_empty() || self.shared.visible.is_awaited() || self.bytes >= self.bytes_max;
        is_wanted.then_some(End::Visible)
    }

    fn commit(&mut self, mut transaction: WriteTransaction, end: End) -> Result<(), Fault> {
        if end == End::Durable {
            durable(&mut transaction)?;
            if let Some(before_durable) = &self.before_durable {
                before_durable.call().map_err(Fault::Database)?;
            }
            fail_here!("store::before_flush");
        } else {
            transaction.set_durability(Durability::None)?;
        }
        fail_here!("store::before_commit");
        transaction.commit()?;
        self.is_dirty = end != End::Durable;
        fail_here!("store::after_commit");
        self.finish();
        Ok(())
    }

    /// All that was taken is visible, and durable if somebody wanted it.
    fn finish(&mut self) {
        self.bytes = 0;
        self.wants_durable = false;
        self.shared.visible.set(self.taken);
        for answer in self.answers.drain(..) {
            let _ = answer.send(Ok(()));
        }
    }
}

/// Makes a transaction durable when committed, and with it all before; and its database quick to open after a crash,
/// however large it is.
pub(crate) fn durable(transaction: &mut WriteTransaction) -> Result<(), Fault> {
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    Ok(())
}
