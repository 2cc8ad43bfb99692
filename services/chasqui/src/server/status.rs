//! What the server is doing, for its socket and for whoever started it.

use axum::Router;
use parking_lot::RwLock;
use tokio::sync::watch;

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
    gateway: RwLock<Option<Router>>,
}

impl Default for Status {
    fn default() -> Self {
        Self { phase: watch::Sender::new(Phase::Starting), gauges: RwLock::default(), gateway: RwLock::default() }
    }
}

impl Status {
    pub(super) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// A phase in which nothing is served.
    pub(super) fn set(&self, phase: Phase) {
        *self.gateway.write() = None;
        self.phase.send_replace(phase);
    }

    /// The roles that are at work, and what they have to reach.
    pub(super) fn watch(&self, gauges: Gauges) {
        *self.gauges.write() = gauges;
    }

    pub(super) fn serve(&self, gateway: Router) {
        *self.gateway.write() = Some(gateway);
        self.phase.send_replace(Phase::Serving);
    }

    /// The routes of the gateway that serves; none when none does.
    pub(super) fn gateway(&self) -> Option<Router> {
        self.gateway.read().clone()
    }

    /// What is not as it should be; nothing when all is well.
    pub(super) fn waiting(&self) -> Vec<String> {
        match &*self.phase.borrow() {
            Phase::Serving => self.gauges.read().waiting(),
            Phase::Starting => {
                let waiting = self.gauges.read().waiting();
                if waiting.is_empty() { vec!["it is starting".to_owned()] } else { waiting }
            }
            Phase::Waiting(why) => vec![why.clone()],
            Phase::Draining => vec!["it is stopping".to_owned()],
        }
    }
}
