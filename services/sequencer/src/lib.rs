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

use std::{convert::Infallible, sync::Arc, time::Duration};

use chasqui_domain::{Offset, Partition};
use chasqui_log::Log;
use chasqui_runtime::Runtime;
use chasqui_store::{LogPartition, Store};
use tokio::sync::watch;

pub use error::Error;

use error::Halt;
use owner::Owner;

/// A chat gets a new snapshot once it has this many events since its last one.
pub const SNAPSHOT_EVERY: u64 = 256;

const BACKOFF_LEAST: Duration = Duration::from_millis(50);

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
    /// About how many bytes of chats' states are kept in memory between batches.
    pub cache_bytes_max: usize,
    /// The longest pause before it tries again after an error.
    pub backoff_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_bytes_max: 256 * 1024,
            batch_commands_max: 512,
            cache_bytes_max: 16 * 1024 * 1024,
            backoff_max: Duration::from_secs(5),
        }
    }
}

/// How far a sequencer has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// All commands below this offset are done.
    pub caught_up_to: Offset,
    /// What it waits for, after an error; none while all is well.
    pub waiting: Option<String>,
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

    /// How far it has come, from now on.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Works until an error that waiting does not mend. Dropping the future is a way to stop: it leaves nothing that
    /// the next owner would have to know.
    pub async fn run(self) -> Error {
        let mut pause = BACKOFF_LEAST;
        loop {
            let Err(halt) = self.own_and_work(&mut pause).await;
            let error = match halt {
                Halt::Failed(error) => error,
                Halt::Poison { offset, why } => match self.skip(offset, &why).await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
            };
            self.progress.send_modify(|progress| progress.waiting = Some(error.to_string()));
            if !error.is_retryable() {
                tracing::error!(partition = self.partition.0, %error, "the sequencer stops");
                return error;
            }
            tracing::warn!(partition = self.partition.0, %error, ?pause, "the sequencer waits and begins again");
            self.deps.runtime.sleep(pause).await;
            pause = (pause * 2).min(self.options.backoff_max);
        }
    }

    async fn own_and_work(&self, pause: &mut Duration) -> Result<Infallible, Halt> {
        let mut owner = Owner::own(self).await?;
        loop {
            owner.step().await?;
            *pause = BACKOFF_LEAST;
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
