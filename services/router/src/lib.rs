//! The router: the one writer of the inboxes of a partition of `inbox`.
//!
//! It places entries as rows and pushes them to the gateways that hold sessions of their users. `presence` is
//! partitioned like `inbox`, so that the session table it needs is one partition of that topic, and no more.
//!
//! Row, then push, then checkpoint: whoever owns the partition next goes on from the checkpoint. Positions are offsets
//! of `inbox`, so rows that are written again are the same rows, and sessions drop pushes that they had. What a
//! sequencer published twice is placed once, since the checkpoint holds the last source that was placed.
//!
//! It also writes the rows of its users' devices: when a session comes, goes, or is silent for too long. A refresh writes
//! nothing.

mod begin;
mod devices;
mod error;
mod gateways;
mod gathered;
mod owner;
mod placing;
mod presence;
mod sessions;

use std::{convert::Infallible, sync::Arc, time::Duration};

use chasqui_domain::Partition;
use chasqui_log::Log;
use chasqui_runtime::{Backoff, Role, Runtime, keep_at};
use chasqui_store::{LogPartition, Store};
use tokio::sync::watch;

pub use chasqui_runtime::Progress;
pub use error::Error;

use owner::Owner;

/// A session that was not refreshed for so long is forgotten; its next refresh counts as an attach.
pub const SESSION_TTL: Duration = Duration::from_secs(180);

/// What a router works with.
#[derive(Clone)]
pub struct Deps {
    /// Where inbox records and presence come from, and pushes go.
    pub log: Arc<dyn Log>,
    /// Where inbox rows, checkpoints and devices are kept.
    pub store: Arc<dyn Store>,
    /// Clocks.
    pub runtime: Runtime,
}

/// What a router may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The most bytes that one read gives, unless one record alone is larger.
    pub read_bytes_max: usize,
    /// The most rows in a batch, unless one record alone has more.
    pub batch_rows_max: usize,
    /// The most batches that share a checkpoint. Only whoever is behind has so many: it saves when there is nothing to read.
    pub checkpoint_batches_max: usize,
    /// A gateway without a heartbeat for so long gets no more pushes until it is heard of again.
    pub lease: Duration,
    /// How often leases and sessions are looked at while nothing else happens.
    pub tick: Duration,
    /// The longest pause before it tries again after an error.
    pub backoff_max: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            read_bytes_max: 256 * 1024,
            batch_rows_max: 4096,
            checkpoint_batches_max: 32,
            lease: Duration::from_secs(10),
            tick: Duration::from_secs(1),
            backoff_max: Duration::from_secs(5),
        }
    }
}

/// The router of one partition.
pub struct Router {
    deps: Deps,
    partition: Partition,
    options: Options,
    progress: watch::Sender<Progress>,
}

impl Router {
    /// A router that has not begun.
    #[must_use]
    pub fn new(deps: Deps, partition: Partition, options: Options) -> Self {
        Self { deps, partition, options, progress: watch::Sender::default() }
    }

    /// How far it has come, from now on: all inbox records below are placed and pushed.
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

    async fn own_and_work(&self, backoff: &mut Backoff) -> Result<Infallible, Error> {
        let mut owner = Owner::own(self).await?;
        loop {
            owner.step().await?;
            backoff.reset();
        }
    }

    fn of(&self) -> LogPartition {
        LogPartition { log: self.deps.log.id(), partition: self.partition }
    }
}

impl Role for Router {
    const NAME: &'static str = "router";
    type Error = Error;

    fn is_retryable(error: &Error) -> bool {
        error.is_retryable()
    }

    fn gives_way(error: &Error) -> bool {
        matches!(error, Error::Overtaken)
    }

    async fn attempt(&self, backoff: &mut Backoff) -> Error {
        let Err(error) = self.own_and_work(backoff).await;
        error
    }
}
