//! The one thread that writes to the database. It merges all that waits into one transaction.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use chasqui_domain::TimeMs;
use chasqui_store::{Error, LogPartition};
use redb::{Database, Durability};
use tokio::sync::oneshot;

use crate::{
    Shared,
    apply::{self, Write},
    fault::{Fault, fail_here, guard},
    queue::{Queue, Queued},
    tables::Tables,
};

/// A write that waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) write: Write,
    pub(crate) answer: oneshot::Sender<Result<(), Error>>,
}

impl Job {
    /// Whoever asked may have gone away: then nobody wants to know.
    fn answer(self, answer: Result<(), Error>) {
        let _ = self.answer.send(answer);
    }
}

/// The state of the thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    queue: Arc<Queue<Job>>,
    /// Expiries that are not done yet; each round goes one step on in the first.
    expiring: VecDeque<(TimeMs, Queued<Job>)>,
    marked: BTreeSet<LogPartition>,
    /// Whether something was committed since the last durable commit.
    is_dirty: bool,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, queue: Arc<Queue<Job>>) -> Self {
        Self { shared, queue, expiring: VecDeque::new(), marked: BTreeSet::new(), is_dirty: false }
    }

    /// Writes until the queue is closed and empty, and then flushes.
    pub(crate) fn run(mut self) {
        while let Some(jobs) = self.queue.take(self.expiring.is_empty(), usize::MAX) {
            self.round(jobs);
        }
        for (_, job) in self.expiring.drain(..) {
            job.item.answer(Err(Error::Closed));
        }
        if self.is_dirty && !self.shared.failure.is_set() {
            let flushed = self.shared.database(|database| guard(|| commit_durably(database)));
            if let Err(fault) = flushed {
                self.shared.fail(fault);
            }
        }
    }

    fn round(&mut self, jobs: Vec<Queued<Job>>) {
        let mut now = Vec::with_capacity(jobs.len());
        for job in jobs {
            match job.item.write {
                Write::Expire(before) => self.expiring.push_back((before, job)),
                _ => now.push(job),
            }
        }
        let shared = self.shared.clone();
        let written = match shared.failure.get() {
            Some(error) => Err(error),
            None => {
                shared.database(|database| guard(|| self.write(database, &now))).map_err(|fault| shared.fail(fault))
            }
        };
        for job in now {
            job.item.answer(written.clone().map(|_| ()));
        }
        match written {
            Ok(true) => {
                if let Some((_, job)) = self.expiring.pop_front() {
                    job.item.answer(Ok(()));
                }
            }
            Ok(false) => {}
            Err(error) => {
                for (_, job) in self.expiring.drain(..) {
                    job.item.answer(Err(error.clone()));
                }
            }
        }
    }

    /// Writes all jobs and one step of the first expiry; says whether that expiry is done.
    fn write(&mut self, database: &Database, jobs: &[Queued<Job>]) -> Result<bool, Fault> {
        let is_durable = jobs.iter().any(|job| job.item.write.is_durable_when_answered());
        let changes = !self.expiring.is_empty() || jobs.iter().any(|job| !matches!(job.item.write, Write::Flush));
        if !changes && !self.is_dirty {
            return Ok(false);
        }
        let mut transaction = database.begin_write()?;
        if is_durable {
            durable(&mut transaction)?;
        } else {
            transaction.set_durability(Durability::None)?;
        }
        let mut is_expired = false;
        if changes {
            let mut tables = Tables::open(&transaction)?;
            for job in jobs {
                apply::apply(&mut tables, &mut self.marked, &job.item.write)?;
            }
            if let Some(&(before, _)) = self.expiring.front() {
                is_expired = apply::expire(&mut tables, before)?;
            }
        }
        if is_durable {
            fail_here!("store::before_flush");
        }
        fail_here!("store::before_commit");
        transaction.commit()?;
        self.is_dirty = !is_durable;
        fail_here!("store::after_commit");
        Ok(is_expired)
    }
}

/// Makes a transaction durable when committed, and with it all before; and its database quick to open after a crash,
/// however large it is.
pub(crate) fn durable(transaction: &mut redb::WriteTransaction) -> Result<(), Fault> {
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    Ok(())
}

fn commit_durably(database: &Database) -> Result<(), Fault> {
    let mut transaction = database.begin_write()?;
    durable(&mut transaction)?;
    transaction.commit()?;
    Ok(())
}
