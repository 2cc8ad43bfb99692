//! The sequencers and routers of a life: one for each partition.

use std::{sync::Arc, time::Duration};

use chasqui_domain::{Offset, Partition};
use chasqui_log::{Log, Topic, TopicPartition};
use chasqui_router::Router;
use chasqui_runtime::{Progress, Role, Runtime, Task};
use chasqui_sequencer::Sequencer;
use chasqui_telemetry::metrics::ServerMetrics;
use futures::{
    FutureExt,
    future::{BoxFuture, join_all, select_all},
};
use tokio::sync::watch;

use super::{Error, Foundation, files::Files, status::brief};

/// How far a role has come, and how far it has to come before sessions are taken.
#[derive(Clone)]
struct Gauge {
    role: &'static str,
    partition: Partition,
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
        Some(format!("the {} of partition {}: {why}", self.role, self.partition))
    }

    async fn reach_goal(&mut self) {
        // A role that has ended reaches nothing, and is told of by its task.
        drop(self.progress.wait_for(|progress| progress.caught_up_to.is_some_and(|at| at >= self.goal)).await);
    }
}

/// The gauges of all roles of a life.
#[derive(Clone, Default)]
pub(super) struct Gauges {
    sequencers: Vec<Gauge>,
    routers: Vec<Gauge>,
    /// None before there are roles.
    log: Option<Arc<dyn Log>>,
}

impl Gauges {
    /// Below which offsets of their topics the roles have done everything.
    pub(super) fn done(&self) -> Vec<(TopicPartition, Offset)> {
        let of = |topic: Topic, gauge: &Gauge| {
            let done = gauge.progress.borrow().caught_up_to;
            done.map(|below| (topic.partition(gauge.partition), below))
        };
        let sequencers = self.sequencers.iter().filter_map(|gauge| of(Topic::Commands, gauge));
        sequencers.chain(self.routers.iter().filter_map(|gauge| of(Topic::Inbox, gauge))).collect()
    }

    /// Counts how far the roles have come, and how far they are behind the ends of their partitions.
    pub(super) async fn measure(&self, metrics: &ServerMetrics) -> Result<(), chasqui_log::Error> {
        let Some(log) = &self.log else { return Ok(()) };
        for (topic, gauges) in [(Topic::Commands, &self.sequencers), (Topic::Inbox, &self.routers)] {
            for gauge in gauges {
                let end = log.bounds(&topic.clone().partition(gauge.partition)).await?.end;
                let done = gauge.progress.borrow().caught_up_to.unwrap_or_default();
                metrics.progress(gauge.role, gauge.partition.0, done.0, end.0);
            }
        }
        Ok(())
    }

    /// What the roles wait for.
    pub(super) fn waiting(&self) -> Vec<String> {
        self.sequencers.iter().chain(&self.routers).filter_map(Gauge::waiting).collect()
    }

    /// Waits until everything is placed that was accepted before: first the commands that are there now are decided,
    /// then the inbox records that are there by then are placed. `tell` is told what has to be reached.
    pub(super) async fn catch_up(mut self, log: &dyn Log, tell: impl Fn(Self)) -> Result<(), Error> {
        set_goals(&mut self.sequencers, &Topic::Commands, log).await?;
        tell(self.clone());
        for sequencer in &mut self.sequencers {
            sequencer.reach_goal().await;
        }
        set_goals(&mut self.routers, &Topic::Inbox, log).await?;
        tell(self.clone());
        for router in &mut self.routers {
            router.reach_goal().await;
        }
        Ok(())
    }
}

async fn set_goals(gauges: &mut [Gauge], topic: &Topic, log: &dyn Log) -> Result<(), Error> {
    for gauge in gauges {
        gauge.goal = log.bounds(&topic.clone().partition(gauge.partition)).await?.end;
    }
    Ok(())
}

/// Roles at work. Dropping them ends them as well, but without waiting until they have.
pub(super) struct Roles {
    tasks: Vec<(&'static str, Task<Error>)>,
    gauges: Gauges,
}

impl Roles {
    pub(super) fn start(foundation: &Foundation, files: &Files) -> Self {
        let Foundation { options, runtime, .. } = foundation;
        let (log, store) = (files.log.clone(), files.store.clone());
        let gauges = Gauges { log: Some(files.log.clone()), ..Gauges::default() };
        let mut roles = Self { tasks: Vec::new(), gauges };
        for partition in (0..options.log.partitions_chats).map(Partition) {
            let deps = chasqui_sequencer::Deps { log: log.clone(), store: store.clone(), runtime: runtime.clone() };
            let sequencer = Sequencer::new(deps, partition, chasqui_sequencer::Options::default());
            let (role, progress) = (Sequencer::NAME, sequencer.progress());
            roles.gauges.sequencers.push(Gauge { role, partition, progress, goal: Offset(0) });
            let run = async move { Error::Sequencer { partition, source: sequencer.run().await } };
            roles.spawn(runtime, Sequencer::NAME, run.boxed());
        }
        let router_options =
            chasqui_router::Options { lease: Duration::from_millis(options.lease_ms), ..Default::default() };
        for partition in (0..options.log.partitions_users).map(Partition) {
            let deps = chasqui_router::Deps { log: log.clone(), store: store.clone(), runtime: runtime.clone() };
            let router = Router::new(deps, partition, router_options.clone());
            let (role, progress) = (Router::NAME, router.progress());
            roles.gauges.routers.push(Gauge { role, partition, progress, goal: Offset(0) });
            let run = async move { Error::Router { partition, source: router.run().await } };
            roles.spawn(runtime, Router::NAME, run.boxed());
        }
        roles
    }

    /// Something else that a life needs, and ends with.
    pub(super) fn spawn(&mut self, runtime: &Runtime, what: &'static str, run: BoxFuture<'static, Error>) {
        self.tasks.push((what, runtime.spawn(what, run)));
    }

    pub(super) fn gauges(&self) -> Gauges {
        self.gauges.clone()
    }

    /// Waits until one of them stops; there is at least one. Cancel safe.
    pub(super) async fn stopped(&mut self) -> Error {
        let joined = self
            .tasks
            .iter_mut()
            .map(|(what, task)| async move { task.join().await.unwrap_or(Error::Panicked { what }) }.boxed());
        select_all(joined).await.0
    }

    /// Ends them, and waits until none of them runs: what they work on may be closed then.
    pub(super) async fn end(self) {
        join_all(self.tasks.into_iter().map(|(_, task)| task.end())).await;
    }
}
