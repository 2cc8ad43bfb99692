//! What the parts of a gateway share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chasqui_auth::{Policy, Verifier};
use chasqui_domain::{Day, Incarnation, Offset, SessionId, TimeMs};
use chasqui_runtime::Runtime;
use chasqui_store::Store;
use chasqui_telemetry::metrics::GatewayMetrics;
use chasqui_wire::{Code, frames::Failure};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::{
    Deps, Error, ends::Ends, keys::Keys, limits, options::Options, quota::Quotas, registry::Registry, uplink::Uplink,
    why::Why,
};

/// What the parts of a gateway share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) runtime: Runtime,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) metrics: GatewayMetrics,
    pub(crate) quotas: Quotas,
    pub(crate) ends: Ends,
    pub(crate) uplink: Uplink,
    pub(crate) incarnation: Incarnation,
    /// A permit for every session.
    pub(crate) sessions: Arc<Semaphore>,
    /// A permit for every session that reads its inbox.
    pub(crate) readers: Semaphore,
    /// A permit for every page that is put together.
    pub(crate) pages: Semaphore,
    /// Why the gateway stopped by itself.
    pub(crate) stopped: watch::Sender<Option<Error>>,
    draining: watch::Sender<bool>,
    heartbeat_failure: Mutex<Option<String>>,
    session_last: AtomicU64,
    dispatched: AtomicU64,
}

impl Shared {
    pub(crate) fn new(options: Options, deps: Deps, uplink: Uplink, incarnation: Incarnation) -> Self {
        let Deps { store, keys, master, verifier, policy, runtime, metrics, .. } = deps;
        let keys = Arc::new(Keys::new(keys, master, runtime.clone()));
        let quotas = Quotas::new(&options.rates, &runtime);
        Self {
            runtime,
            store,
            keys,
            verifier,
            policy,
            registry: Arc::default(),
            metrics,
            quotas,
            ends: Ends::default(),
            uplink,
            incarnation,
            // The semaphore's own bound is far above any number of sockets.
            sessions: Arc::new(Semaphore::new(options.sessions_max.min(Semaphore::MAX_PERMITS))),
            readers: Semaphore::new(limits::READERS_MAX),
            pages: Semaphore::new(limits::PAGES_MAX),
            stopped: watch::Sender::new(None),
            draining: watch::Sender::new(false),
            heartbeat_failure: Mutex::default(),
            session_last: AtomicU64::new(0),
            dispatched: AtomicU64::new(incarnation.0),
            options,
        }
    }

    /// A day before which nothing is placed from now on, however much the clocks of others lag.
    pub(crate) fn today(&self) -> Day {
        TimeMs(self.runtime.now().0.saturating_sub(limits::CLOCKS_DIFFER_MS)).day()
    }

    /// The first day whose inbox rows are certain to be there, however much the clocks of others are ahead.
    pub(crate) fn oldest_day(&self) -> Day {
        let today = TimeMs(self.runtime.now().0.saturating_add(limits::CLOCKS_DIFFER_MS)).day();
        Day(today.0.saturating_sub(self.options.inbox_retention_days))
    }

    /// What a client is told last. Those that are to connect again each get a time of their own, behind what is known; who
    /// was told a turn has one.
    pub(crate) fn parting(&self, why: Why) -> Failure {
        let Why { code, retry_in_ms } = why;
        let spread = |retry_in_ms: Option<u32>| {
            let random = u64::from(u32::from_be_bytes(self.runtime.random()));
            let own = u32::try_from((self.options.reconnect_ms * random) >> 32).unwrap_or(u32::MAX);
            own.saturating_add(retry_in_ms.unwrap_or_default())
        };
        let retry_in_ms = match code {
            Code::TooManyLogins => retry_in_ms,
            _ => code.retry().then(|| spread(retry_in_ms)),
        };
        Failure { retry_in_ms, ..Failure::from(code) }
    }

    /// The number of a new session.
    pub(crate) fn next_session(&self) -> SessionId {
        SessionId(self.session_last.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The next record of the gateway's topic that is to be handed out.
    pub(crate) fn dispatched(&self) -> Offset {
        Offset(self.dispatched.load(Ordering::Relaxed))
    }

    pub(crate) fn set_dispatched(&self, next: Offset) {
        self.dispatched.store(next.0, Ordering::Relaxed);
    }

    /// No session begins from now on.
    pub(crate) fn begin_drain(&self) {
        self.draining.send_replace(true);
    }

    /// Why the heartbeat fails, if it does; gives whether it failed before.
    pub(crate) fn set_heartbeat_failure(&self, why: Option<String>) -> bool {
        std::mem::replace(&mut *self.heartbeat_failure.lock(), why).is_some()
    }

    /// Why no session can begin; none when it can.
    pub(crate) fn closed(&self) -> Option<Code> {
        if *self.draining.borrow() {
            Some(Code::Draining)
        } else if self.stopped.borrow().is_some() {
            Some(Code::Unavailable)
        } else {
            None
        }
    }

    /// Waits until the gateway drains. Cancel safe.
    pub(crate) async fn drains(&self) {
        // The sender is here, so it doesn't go away meanwhile.
        let _ = self.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// Why the gateway should not be sent new clients; none when it should.
    pub(crate) fn waiting(&self) -> Option<String> {
        self.closed().map(|code| code.meaning().to_owned()).or_else(|| self.heartbeat_failure.lock().clone())
    }

    /// The gateway can't go on: says why, and sends its sessions elsewhere.
    pub(crate) fn stop(&self, why: Error) {
        tracing::error!(error = %why, source = std::error::Error::source(&why), "the gateway stops");
        self.stopped.send_replace(Some(why));
        self.registry.close(usize::MAX, Code::Draining);
    }
}
