//! Starts and stops a gateway.

use std::{sync::Arc, time::Duration};

use chasqui_auth::{Policy, Verifier};
use chasqui_domain::Incarnation;
use chasqui_log::Log;
use chasqui_runtime::{Runtime, Task};
use chasqui_seal::MasterKey;
use chasqui_store::{KeyTable, Store};
use chasqui_telemetry::metrics::GatewayMetrics;
use chasqui_wire::Code;
use futures::{Sink, Stream};
use parking_lot::Mutex;

use crate::{
    Error, Incoming, Options, Outgoing, TransportError, bans, dispatcher, heartbeat, hello, http, shared::Shared,
    uplink::Uplink,
};

/// How often a drain closes some of the sessions.
const DRAIN_STEP: Duration = Duration::from_millis(50);

/// What a gateway works with.
#[derive(Clone)]
pub struct Deps {
    /// The topics.
    pub log: Arc<dyn Log>,
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The data keys.
    pub keys: Arc<dyn KeyTable>,
    /// What data keys are wrapped with.
    pub master: Arc<MasterKey>,
    /// Who is there.
    pub verifier: Arc<Verifier>,
    /// Who may write to whom.
    pub policy: Arc<Policy>,
    /// Clocks, randomness and spawning.
    pub runtime: Runtime,
    /// What is counted, over all lives.
    pub metrics: GatewayMetrics,
}

/// One life of a gateway. Dropping it ends its tasks; sessions that are open then get nothing more: drain first.
pub struct Gateway {
    shared: Arc<Shared>,
    tasks: Mutex<Vec<Task<()>>>,
}

impl Gateway {
    /// Begins a life of the gateway: appends its start to its topic, and reads on from there.
    ///
    /// # Errors
    /// [`Error::Options`] when they don't fit together; [`Error::Log`] when the start can't be appended or what follows it
    /// can't be read.
    pub async fn start(deps: Deps, options: Options) -> Result<Self, Error> {
        options.validate()?;
        let runtime = deps.runtime.clone();
        let uplink = Uplink::new(deps.log.clone(), runtime.clone(), options.id.clone(), options.rules());
        let incarnation = uplink.start().await?;
        tracing::info!(gateway = %options.id, %incarnation, "the gateway starts");
        let shared = Arc::new(Shared::new(options, deps, uplink, incarnation));
        // From before the first session on, so that none is open whose ban nobody follows.
        let revocations = bans::reader(&shared).await?;
        let topic = dispatcher::reader(&shared).await?;
        let tasks = vec![
            runtime.spawn("gateway bans", bans::supervise(shared.clone(), revocations)),
            runtime.spawn("gateway dispatcher", dispatcher::supervise(shared.clone(), topic)),
            runtime.spawn("gateway heartbeat", heartbeat::run(shared.clone())),
        ];
        Ok(Self { shared, tasks: Mutex::new(tasks) })
    }

    /// The routes: `/v1/socket` and the REST API.
    pub fn router(&self) -> axum::Router {
        http::router(self.shared.clone())
    }

    /// Serves one connection to its end, whatever carries it; the first frame is a hello.
    pub async fn serve<T, S>(&self, target: T, source: S)
    where
        T: Sink<Outgoing, Error = TransportError> + Send + Unpin,
        S: Stream<Item = Result<Incoming, TransportError>> + Send + Unpin,
    {
        hello::serve(self.shared.clone(), target, source, None).await;
    }

    /// This life.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        self.shared.incarnation
    }

    /// Why new sessions should not be sent here; none when they should.
    #[must_use]
    pub fn waiting(&self) -> Option<String> {
        self.shared.waiting()
    }

    /// Waits until the gateway stops by itself, and says why. Its sessions are sent elsewhere by then.
    pub async fn stopped(&self) -> Error {
        let mut stopped = self.shared.stopped.subscribe();
        match stopped.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or(Error::Panicked),
            Err(_) => Error::Panicked,
        }
    }

    /// Takes no new sessions, and sends those that are open elsewhere: a few at a time, so that they don't come back
    /// all at once. Done when all are gone, and after `drain_ms` at the latest.
    pub async fn drain(&self) {
        let shared = &self.shared;
        shared.begin_drain();
        let sessions = shared.registry.count();
        tracing::info!(sessions, "the gateway drains");
        let total = shared.options.drain();
        let gone = shared.runtime.timeout(total, self.send_away(sessions, total / 2)).await;
        if gone.is_err() {
            tracing::warn!(sessions = shared.registry.count(), "sessions were still open after the drain");
        }
        self.tasks.lock().clear();
    }

    async fn send_away(&self, sessions: usize, within: Duration) {
        let shared = &self.shared;
        let steps = usize::try_from(within.as_millis() / DRAIN_STEP.as_millis()).unwrap_or(usize::MAX).max(1);
        let at_once = sessions.div_ceil(steps).max(1);
        while shared.registry.count() > 0 {
            shared.registry.close(at_once, Code::Draining);
            shared.runtime.sleep(DRAIN_STEP).await;
        }
        // Each gives its permit back behind its last words.
        let all = u32::try_from(shared.options.sessions_max).unwrap_or(u32::MAX);
        let _ = shared.sessions.acquire_many(all).await;
    }
}
