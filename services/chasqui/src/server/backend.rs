//! The log and the store that a life works with, whatever they are. What goes through them is counted.

use std::sync::Arc;

use chasqui_log::Log;
use chasqui_store::{KeyTable, Store};

#[cfg(feature = "cluster")]
use super::cluster::Cluster;
use super::{Error, Foundation, Part, counted_log::CountedLog, counted_store::Counted, files::Files, settled::Settled};

/// The log and the store, open.
pub(super) struct Backend {
    pub(super) log: Arc<dyn Log>,
    /// For roles, which may be ahead of the log's disk.
    pub(super) store: Arc<dyn Store>,
    /// For those who tell others what they read.
    pub(super) settled: Arc<dyn Store>,
    pub(super) keys: Arc<dyn KeyTable>,
    kind: Kind,
}

enum Kind {
    Embedded(Files),
    #[cfg(feature = "cluster")]
    Cluster(Cluster),
}

impl Backend {
    /// Opens what the process's part works on.
    pub(super) async fn open(foundation: &Foundation) -> Result<Self, Error> {
        if foundation.part != Part::All {
            return Self::open_cluster(foundation).await;
        }
        let files = Files::open(foundation).await?;
        let (log, store, keys) = counted(foundation, files.log.clone(), files.store.clone(), files.store.clone());
        let settled = Arc::new(Settled { store: store.clone(), log: log.clone() });
        Ok(Self { log, store, settled, keys, kind: Kind::Embedded(files) })
    }

    #[cfg(feature = "cluster")]
    async fn open_cluster(foundation: &Foundation) -> Result<Self, Error> {
        let cluster = Cluster::open(foundation).await?;
        let (log, store, keys) = counted(foundation, cluster.log.clone(), cluster.store.clone(), cluster.store.clone());
        Ok(Self { log, settled: store.clone(), store, keys, kind: Kind::Cluster(cluster) })
    }

    #[cfg(not(feature = "cluster"))]
    async fn open_cluster(_: &Foundation) -> Result<Self, Error> {
        Err(Error::NoCluster)
    }

    /// Waits until it can't be worked with any more, and says why. What is only away is waited for where it is needed.
    pub(super) async fn failed(&self) -> Error {
        match &self.kind {
            Kind::Embedded(files) => files.failed().await,
            #[cfg(feature = "cluster")]
            Kind::Cluster(_) => std::future::pending().await,
        }
    }

    /// Finishes what was begun, and gives everything free.
    pub(super) async fn close(self) -> Result<(), Error> {
        match self.kind {
            Kind::Embedded(files) => files.close().await,
            #[cfg(feature = "cluster")]
            Kind::Cluster(cluster) => cluster.close().await,
        }
    }
}

/// The same with what goes through them counted.
fn counted(
    foundation: &Foundation,
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    keys: Arc<dyn KeyTable>,
) -> (Arc<dyn Log>, Arc<dyn Store>, Arc<dyn KeyTable>) {
    let metrics = &foundation.metrics;
    (
        Arc::new(CountedLog::new(log, &metrics.log)),
        Arc::new(Counted::new(store, &metrics.store)),
        Arc::new(Counted::new(keys, &metrics.store)),
    )
}
