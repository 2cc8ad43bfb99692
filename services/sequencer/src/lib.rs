//! The sequencer: the one writer of the chats of a partition of `commands`.
//!
//! It decides the commands in their order and, batch by batch, writes the events as rows, publishes them with the
//! inbox records that follow, and commits how far it has come: the offset C. Whoever owns the partition next builds
//! its state as of C and decides everything from there again. Deciding is deterministic, so whatever was written
//! beyond C is written once more with the same bytes, and no step needs to know how far the last owner came.

mod batch;
mod cache;
mod error;
mod load;
mod outputs;
mod owner;
mod touched;

use std::{convert::Infallible, sync::Arc, time::Duration};

use chasqui_domain::{Offset, Partition};
use chasqui_log::Log;
use chasqui_runtime::{Backoff, Role, Runtime, keep_at};
use chasqui_store::{LogPartition, Store};
use tokio::sync::watch;

pub use chasqui_runtime::Progress;
pub use error::Error;

use error::Halt;
use owner::Owner;

/// See [`Options::snapshot_every`].
pub const SNAPSHOT_EVERY: u64 = 256;

/// What a sequencer works with.
#[derive(Clone)]
pub struct Deps {
    /// Where commands come from, and events and inbox records go.
    pub log: Arc<dyn Log>,
    /// Where rows and offsets are kept.
    pub store: Arc<dyn Store>,
    /// Clocks.
    pub runtime: Runtime,
}

/// What a sequencer may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The most bytes of commands in a batch, unless one alone is larger.
    pub batch_bytes_max: usize,
    /// The most commands in a batch.
    pub batch_commands_max: usize,
    /// The most batches that share a commit. Only whoever is behind has so many: it commits when there is nothing to read.
    pub commit_batches_max: usize,
    /// About how many bytes of chats' states are kept in memory between batches.
    pub cache_bytes_max: usize,
    /// A chat gets a new snapshot once it has this many events since its last one.
    pub snapshot_every: u64,
    /// The longest pause before it tries again after an error.
    pub backoff_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_bytes_max: 256 * 1024,
            batch_commands_max: 512,
            commit_batches_max: 32,
            cache_bytes_max: 16 * 1024 * 1024,
            snapshot_every: SNAPSHOT_EVERY,
            backoff_max: Duration::from_secs(5),
        }
    }
}

/// The sequencer of one partition.
pub struct Sequencer {
    deps: Deps,
    partition: Partition,
    options: Options,
    progress: watch::Sender<Progress>,
}

impl Sequencer {
    /// A sequencer that has not begun.
    #[must_use]
    pub fn new(deps: Deps, partition: Partition, options: Options) -> Self {
        Self { deps, partition, options, progress: watch::Sender::default() }
    }

    /// How far it has come, from now on: all commands below are decided, stored and published.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Works until an error that waiting does not mend. Dropping the future is a way to stop: it leaves nothing that
    /// the next owner would have to know.
    pub async fn run(self) -> Error {
        let backoff = Backoff::new(self.options.backoff_max);
        keep_at(&self, self.partition, &self.deps.runtime, backoff, &self.progress).await
    }

    async fn own_and_work(&self, backoff: &mut Backoff) -> Result<Infallible, Halt> {
        let mut owner = Owner::own(self).await?;
        loop {
            owner.step().await?;
            backoff.reset();
        }
    }

    /// The skip list is written first: from then on, every owner and every replay refuses the command.
    async fn skip(&self, offset: Offset, why: &str) -> Result<(), Error> {
        tracing::error!(partition = self.partition.0, offset = offset.0, why, "a command can't be decided: refused");
        Ok(self.deps.store.skip(self.of(), offset).await?)
    }

    fn of(&self) -> LogPartition {
        LogPartition { log: self.deps.log.id(), partition: self.partition }
    }
}

impl Role for Sequencer {
    const NAME: &'static str = "sequencer";
    type Error = Error;

    fn is_retryable(error: &Error) -> bool {
        error.is_retryable()
    }

    fn gives_way(error: &Error) -> bool {
        matches!(error, Error::Overtaken)
    }

    async fn attempt(&self, backoff: &mut Backoff) -> Error {
        loop {
            let Err(halt) = self.own_and_work(backoff).await;
            match halt {
                Halt::Failed(error) => return error,
                Halt::Poison { offset, why } => {
                    if let Err(error) = self.skip(offset, &why).await {
                        return error;
                    }
                }
            }
        }
    }
}
