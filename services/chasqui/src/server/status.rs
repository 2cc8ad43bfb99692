//! What the server is doing, for its socket and for whoever started it.

use std::{collections::BTreeMap, sync::Arc};

use axum::Router;
use chasqui_gateway::Gateway;
use chasqui_telemetry::metrics::ServerMetrics;
use parking_lot::RwLock;
use tokio::{sync::watch, task};

use super::roles::Gauges;

/// What a server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// It opens its files, and catches up with what was accepted before.
    Starting,
    /// It takes sessions.
    Serving,
    /// It begins again after a pause; with the reason.
    Waiting(String),
    /// It sends its sessions away.
    Draining,
}

/// What the server is doing. Shared by the lives, which change it, and the front, which tells of it.
pub(super) struct Status {
    phase: watch::Sender<Phase>,
    gauges: RwLock<Gauges>,
    gateway: RwLock<Option<(Router, Arc<Gateway>)>>,
    /// What else is not as it should be, in words that everybody may read, by what it is about.
    troubles: RwLock<BTreeMap<&'static str, &'static str>>,
}

impl Default for Status {
    fn default() -> Self {
        let phase = watch::Sender::new(Phase::Starting);
        Self { phase, gauges: RwLock::default(), gateway: RwLock::default(), troubles: RwLock::default() }
    }
}

impl Status {
    pub(super) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// A phase in which nothing is served.
    pub(super) fn set(&self, phase: Phase) {
        *self.gateway.write() = None;
        self.troubles.write().clear();
        self.phase.send_replace(phase);
    }

    /// The roles that are at work, and what they have to reach.
    pub(super) fn watch(&self, gauges: Gauges) {
        // What they hold may take a moment to end, and nobody waits for that with the lock.
        let former = std::mem::replace(&mut *self.gauges.write(), gauges);
        drop(task::spawn_blocking(move || drop(former)));
    }

    /// Counts what has to be looked up.
    pub(super) async fn measure(&self, metrics: &ServerMetrics) -> Result<(), chasqui_log::Error> {
        metrics.set_ready(self.waiting().is_empty());
        let gauges = self.gauges.read().clone();
        gauges.measure(metrics).await
    }

    /// Notes what is wrong with something, or that nothing is; gives whether that is something else than before.
    #[cfg(feature = "cluster")]
    pub(super) fn note(&self, about: &'static str, wrong: Option<&'static str>) -> bool {
        let mut troubles = self.troubles.write();
        match wrong {
            Some(wrong) => troubles.insert(about, wrong) != Some(wrong),
            None => troubles.remove(about).is_some(),
        }
    }

    /// The roles are at work; with a gateway if there is one.
    pub(super) fn serve(&self, gateway: Option<Arc<Gateway>>) {
        *self.gateway.write() = gateway.map(|gateway| (gateway.router(), gateway));
        self.phase.send_replace(Phase::Serving);
    }

    /// The routes of the gateway that serves; none when none does.
    pub(super) fn routes(&self) -> Option<Router> {
        self.gateway.read().as_ref().map(|(routes, _)| routes.clone())
    }

    /// What is not as it should be, in words that everybody may read; nothing when all is well.
    pub(super) fn waiting(&self) -> Vec<String> {
        match &*self.phase.borrow() {
            Phase::Serving => {
                let mut waiting = self.gauges.read().waiting();
                let gateway = self.gateway.read().as_ref().and_then(|(_, gateway)| gateway.waiting());
                waiting.extend(gateway.map(|why| format!("the gateway: {}", brief(&why))));
                waiting.extend(self.troubles.read().iter().map(|(about, wrong)| format!("{about} {wrong}")));
                waiting
            }
            Phase::Starting => {
                let waiting = self.gauges.read().waiting();
                if waiting.is_empty() { vec!["it is starting".to_owned()] } else { waiting }
            }
            Phase::Waiting(why) => vec![brief(why)],
            Phase::Draining => vec!["it is stopping".to_owned()],
        }
    }
}

/// What everybody may know of an error. Its own words may name paths; those are for the log.
pub(super) fn brief(why: &str) -> String {
    let place = why.split("the disk is full: make room in ").nth(1);
    match place.and_then(|place| place.split(',').next()).and_then(|path| path.rsplit('/').next()) {
        Some(folder) => format!("the disk is full: make room for the {folder}"),
        None => "something failed, and is tried again after a pause; the server's log says what".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_without_the_path() {
        let store = chasqui_store::Error::Full { place: "/var/lib/secret/store".to_owned() };
        assert_eq!(brief(&format!("it stopped: {store}")), "the disk is full: make room for the store");
        let log = chasqui_log::Error::Unavailable { why: "/var/lib/secret/log/7: no such file".to_owned() };
        assert!(!brief(&log.to_string()).contains('/'));
    }
}
