//! The sequencers and routers of a life: one for each partition that it owns.

use std::{future::pending, sync::Arc, time::Duration};

use chasqui_domain::{Offset, Partition};
use chasqui_log::{Log, Topic, TopicPartition};
use chasqui_router::Router;
use chasqui_runtime::{Progress, Role, Runtime, Task};
use chasqui_sequencer::Sequencer;
use chasqui_store::Store;
use chasqui_telemetry::metrics::ServerMetrics;
use futures::{
    FutureExt,
    future::{BoxFuture, join_all, select_all},
};
use parking_lot::RwLock;
use tokio::sync::watch;

use super::{Error, Foundation, backend::Backend, status::brief};

/// How far a role has come, and how far it has to come before sessions are taken.
#[derive(Clone)]
struct Gauge {
    role: &'static str,
    at: TopicPartition,
    progress: watch::Receiver<Progress>,
    goal: Offset,
}

impl Gauge {
    /// What the role waits for after an error, or has to do before it has reached its goal.
    fn waiting(&self) -> Option<String> {
        let Progress { caught_up_to, waiting } = self.progress.borrow().clone();
        let behind = || match caught_up_to {
            Some(at) if at >= self.goal => None,
            Some(at) => Some(format!("it has come to {at} of {}", self.goal)),
            None => Some("it begins".to_owned()),
        };
        let why = waiting.map(|why| brief(&why)).or_else(behind)?;
        Some(format!("the {} of partition {}: {why}", self.role, self.at.partition))
    }

    async fn reach_goal(mut self) {
        // A role that has ended reaches nothing, and is told of by its task.
        drop(self.progress.wait_for(|progress| progress.caught_up_to.is_some_and(|at| at >= self.goal)).await);
    }
}

/// The gauges of all roles of a life. A cheap handle.
#[derive(Clone, Default)]
pub(super) struct Gauges {
    all: Arc<RwLock<Vec<Gauge>>>,
    /// None before there are roles.
    log: Option<Arc<dyn Log>>,
}

impl Gauges {
    fn of(&self, topic: &Topic) -> Vec<Gauge> {
        self.all.read().iter().filter(|gauge| gauge.at.topic == *topic).cloned().collect()
    }

    /// Below which offsets of their topics the roles have done everything.
    pub(super) fn done(&self) -> Vec<(TopicPartition, Offset)> {
        let all = self.all.read();
        let done = all.iter().map(|gauge| Some((gauge.at.clone(), gauge.progress.borrow().caught_up_to?)));
        done.flatten().collect()
    }

    /// Counts how far the roles have come, and how far they are behind the ends of their partitions.
    pub(super) async fn measure(&self, metrics: &ServerMetrics) -> Result<(), chasqui_log::Error> {
        let Some(log) = &self.log else { return Ok(()) };
        let all = self.all.read().clone();
        for gauge in all {
            let end = log.bounds(&gauge.at).await?.end;
            let done = gauge.progress.borrow().caught_up_to.unwrap_or_default();
            metrics.progress(gauge.role, gauge.at.partition.0, done.0, end.0);
        }
        Ok(())
    }

    /// What the roles wait for.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.all.read().iter().filter_map(Gauge::waiting).collect()
    }

    /// Waits until everything is placed that was accepted before: first the commands that are there now are decided,
    /// then the inbox records that are there by then are placed.
    pub(super) async fn catch_up(&self) -> Result<(), chasqui_log::Error> {
        let Some(log) = &self.log else { return Ok(()) };
        for topic in [Topic::Commands, Topic::Inbox] {
            for Gauge { at, .. } in self.of(&topic) {
                let end = log.bounds(&at).await?.end;
                let mut all = self.all.write();
                all.iter_mut().filter(|gauge| gauge.at == at).for_each(|gauge| gauge.goal = end);
            }
            join_all(self.of(&topic).into_iter().map(Gauge::reach_goal)).await;
        }
        Ok(())
    }
}

/// What has stopped, the partition that it owned, and why.
pub(super) struct Stopped {
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "who owns all goes on with all or none"))]
    pub(super) owns: Option<TopicPartition>,
    pub(super) error: Error,
}

/// Something at work, and the partition that it owns.
struct Held {
    what: &'static str,
    owns: Option<TopicPartition>,
    task: Task<Error>,
}

/// Roles at work. Dropping them ends them as well, but without waiting until they have.
pub(super) struct Roles {
    held: Vec<Held>,
    gauges: Gauges,
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    runtime: Runtime,
    router_options: chasqui_router::Options,
}

impl Roles {
    /// None yet.
    pub(super) fn new(foundation: &Foundation, backend: &Backend) -> Self {
        let Foundation { options, runtime, .. } = foundation;
        let (log, store) = (backend.log.clone(), backend.store.clone());
        let gauges = Gauges { log: Some(log.clone()), ..Gauges::default() };
        let router_options =
            chasqui_router::Options { lease: Duration::from_millis(options.lease_ms), ..Default::default() };
        Self { held: Vec::new(), gauges, log, store, runtime: runtime.clone(), router_options }
    }

    /// Those of all partitions.
    pub(super) fn own_all(&mut self) {
        let partitions = self.log.partitions();
        for topic in [Topic::Commands, Topic::Inbox] {
            (0..partitions.of(&topic).get()).map(Partition).for_each(|partition| self.own(&topic, partition));
        }
    }

    /// Begins to own a partition of `commands` or of `inbox`.
    pub(super) fn own(&mut self, topic: &Topic, partition: Partition) {
        let (log, store, runtime) = (self.log.clone(), self.store.clone(), self.runtime.clone());
        let (role, progress, run) = match topic {
            Topic::Inbox => {
                let deps = chasqui_router::Deps { log, store, runtime };
                let router = Router::new(deps, partition, self.router_options.clone());
                let progress = router.progress();
                let run = async move { Error::Router { partition, source: router.run().await } };
                (Router::NAME, progress, run.boxed())
            }
            _ => {
                let deps = chasqui_sequencer::Deps { log, store, runtime };
                let sequencer = Sequencer::new(deps, partition, chasqui_sequencer::Options::default());
                let progress = sequencer.progress();
                let run = async move { Error::Sequencer { partition, source: sequencer.run().await } };
                (Sequencer::NAME, progress, run.boxed())
            }
        };
        let at = topic.clone().partition(partition);
        self.gauges.all.write().push(Gauge { role, at: at.clone(), progress, goal: Offset(0) });
        self.hold(role, Some(at), run);
    }

    /// Ends the owners of these partitions, and waits until none of them runs.
    #[cfg(feature = "cluster")]
    pub(super) async fn let_go(&mut self, topic: &Topic, partitions: &[Partition]) {
        let goes = |at: &TopicPartition| at.topic == *topic && partitions.contains(&at.partition);
        self.gauges.all.write().retain(|gauge| !goes(&gauge.at));
        let going = self.held.extract_if(.., |held| held.owns.as_ref().is_some_and(goes));
        join_all(going.collect::<Vec<_>>().into_iter().map(|held| held.task.end())).await;
    }

    /// Something else that a life needs, and ends with.
    pub(super) fn spawn(&mut self, what: &'static str, run: BoxFuture<'static, Error>) {
        self.hold(what, None, run);
    }

    fn hold(&mut self, what: &'static str, owns: Option<TopicPartition>, run: BoxFuture<'static, Error>) {
        self.held.push(Held { what, owns, task: self.runtime.spawn(what, run) });
    }

    pub(super) fn gauges(&self) -> Gauges {
        self.gauges.clone()
    }

    /// Waits until one of them stops. Cancel safe.
    pub(super) async fn stopped(&mut self) -> Stopped {
        if self.held.is_empty() {
            return pending().await;
        }
        let joined = self.held.iter_mut().map(|Held { what, owns, task }| {
            async move { Stopped { owns: owns.clone(), error: task.join().await.unwrap_or(Error::Panicked { what }) } }
                .boxed()
        });
        select_all(joined).await.0
    }

    /// The owner of a partition has stopped, and is not begun again now: its gauge goes on to say why.
    #[cfg(feature = "cluster")]
    pub(super) fn bury(&mut self, at: &TopicPartition) {
        self.held.retain(|held| held.owns.as_ref() != Some(at));
    }

    /// Ends them, and waits until none of them runs: what they work on may be closed then.
    pub(super) async fn end(self) {
        join_all(self.held.into_iter().map(|held| held.task.end())).await;
    }
}
