//! What the tests of the sequencer share.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod outcome;

use std::sync::Arc;

use bytes::Bytes;
use chasqui_domain::Offset;
use chasqui_log::{Log, MemoryLog};
use chasqui_sequencer::{Deps, Error, Options, Progress, Sequencer};
use chasqui_store::{Store, memory::MemoryStore};
use tokio::sync::watch;

use chasqui_testkit::{
    Faults, FaultyLog, FaultyStore,
    workload::{OF, commands, fill, memory_log, runtime},
};

use outcome::Outcome;

/// A log and a store that outlive the sequencers that work on them.
pub struct World {
    pub log: Arc<MemoryLog>,
    pub store: Arc<MemoryStore>,
    pub faults: Arc<Faults>,
    pub faulty_store: Arc<FaultyStore>,
    pub options: Options,
}

impl World {
    pub async fn new(workload: &[Bytes], faults: Arc<Faults>) -> Self {
        let (log, store) = (memory_log(), Arc::new(MemoryStore::new()));
        fill(log.as_ref(), workload).await;
        let faulty_store = FaultyStore::new(store.clone(), faults.clone());
        // Small batches, and a cache that holds hardly anything: most states come from rows.
        let options = Options { batch_commands_max: 3, cache_bytes_max: 1500, ..Options::default() };
        Self { log, store, faults, faulty_store, options }
    }

    pub fn sequencer(&self) -> Sequencer {
        let log = Arc::new(FaultyLog { inner: self.log.clone(), faults: self.faults.clone() });
        let deps = Deps { log, store: self.faulty_store.clone(), runtime: runtime() };
        Sequencer::new(deps, OF.partition, self.options.clone())
    }

    pub async fn end(&self) -> Offset {
        self.log.bounds(&commands()).await.unwrap().end
    }

    pub async fn outcome(&self) -> Outcome {
        Outcome::of(self.log.as_ref(), self.store.as_ref()).await
    }

    /// Runs a sequencer until all commands are done, beginning a new one after a crash.
    pub async fn run_to_end(&self, whole: Option<&Outcome>) -> Result<(), Error> {
        loop {
            let sequencer = self.sequencer();
            let progress = sequencer.progress();
            tokio::select! {
                biased;
                error = sequencer.run() => return Err(error),
                () = self.faults.crash() => {
                    let committed = self.store.committed(OF).await.unwrap().unwrap_or_default();
                    if let Some(whole) = whole {
                        self.outcome().await.check_order(committed, whole);
                    }
                }
                () = reached(progress, self.end().await) => return Ok(()),
            }
        }
    }
}

pub async fn reached(mut progress: watch::Receiver<Progress>, end: Offset) {
    let done = progress.wait_for(|progress| progress.caught_up_to == Some(end) && progress.waiting.is_none()).await;
    assert!(done.is_ok(), "the sequencer is gone");
}

/// What comes out when nothing fails.
pub async fn undisturbed(workload: &[Bytes]) -> Outcome {
    let world = World::new(workload, Faults::none()).await;
    world.run_to_end(None).await.unwrap();
    world.outcome().await
}
