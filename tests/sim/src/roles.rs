//! The roles of a world, each in a process with a connection of its own to log and store.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use chasqui_auth::{Policy, Verifier};
use chasqui_domain::{GatewayId, Partition};
use chasqui_gateway::Gateway;
use chasqui_router::Router;
use chasqui_seal::MasterKey;
use chasqui_sequencer::Sequencer;
use chasqui_telemetry::metrics::Metrics;

use crate::{
    log::RemoteLog,
    network::Listener,
    plan::Who,
    process::Process,
    scheduler::WORLD,
    store::RemoteStore,
    world::{Parts, SECRET, World},
};

static MASTER: LazyLock<Arc<MasterKey>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "43 digits and a sign are 32 bytes")]
    Arc::new(MasterKey::from_base64(&format!("{}=", "A".repeat(43))).expect("a key"))
});

impl World {
    fn log(&self, process: &Process) -> Arc<RemoteLog> {
        let Parts { log, weather, trace, witness, .. } = &*self.0;
        RemoteLog::new(log.clone(), process.clone(), weather.clone(), trace.clone(), witness.clone())
    }

    fn store(&self, process: &Process) -> Arc<RemoteStore> {
        let Parts { store, weather, trace, .. } = &*self.0;
        RemoteStore::new(store.clone(), process.clone(), weather.clone(), trace.clone())
    }

    pub(crate) fn sequence(&self, process: &Process, number: usize) {
        let deps =
            chasqui_sequencer::Deps { log: self.log(process), store: self.store(process), runtime: process.runtime() };
        let mut options = chasqui_sequencer::Options { snapshot_every: 16, ..Default::default() };
        if self.0.plan.shape.is_tight {
            options =
                chasqui_sequencer::Options { batch_commands_max: 3, cache_bytes_max: 0, snapshot_every: 4, ..options };
        }
        let sequencer = Sequencer::new(deps, Partition(number as u32), options);
        let (world, name) = (self.clone(), process.name().to_owned());
        process.run(async move {
            let error = sequencer.run().await;
            world.0.ended.lock().push(format!("{name} ended: {error}"));
        });
    }

    pub(crate) fn route(&self, process: &Process, number: usize) {
        let deps =
            chasqui_router::Deps { log: self.log(process), store: self.store(process), runtime: process.runtime() };
        let mut options = chasqui_router::Options::default();
        if self.0.plan.shape.is_tight {
            options = chasqui_router::Options { batch_rows_max: 3, ..options };
        }
        let router = Router::new(deps, Partition(number as u32), options);
        let (world, name) = (self.clone(), process.name().to_owned());
        process.run(async move {
            let error = router.run().await;
            world.0.ended.lock().push(format!("{name} ended: {error}"));
        });
    }

    pub(crate) fn serve(&self, process: &Process, number: usize) {
        let tokens = chasqui_auth::Options { secret: Some(SECRET.to_vec()), ..Default::default() };
        let (store, runtime) = (self.store(process), process.runtime());
        let deps = chasqui_gateway::Deps {
            log: self.log(process),
            store: store.clone(),
            keys: store,
            master: MASTER.clone(),
            verifier: Arc::new(Verifier::new(tokens, runtime.clone())),
            policy: Arc::new(Policy::Open),
            runtime,
            metrics: Metrics::new().gateway,
        };
        #[expect(clippy::expect_used, reason = "a short word is an id")]
        let id = GatewayId::new(format!("gateway-{number}")).expect("an id");
        let mut options = chasqui_gateway::Options::new(id);
        options.idle_ms = 20_000;
        options.ping_ms = 8_000;
        options.drain_ms = 1_000;
        (options.edit_within_s, options.delete_within_s) = self.acts_within_s();
        if self.0.plan.shape.is_tight {
            options.queue_frames_max = 4;
            options.unacked_max = 6;
            options.outstanding_max = 5;
            // One, and ten at once, so that more are refused for a while.
            options.rates.sends_per_second = 1;
        }
        let (world, own) = (self.clone(), process.clone());
        process.run(async move {
            let gateway = loop {
                match Gateway::start(deps.clone(), options.clone()).await {
                    Ok(gateway) => break Arc::new(gateway),
                    Err(error) if error.is_retryable() => {
                        world.0.trace.note(|| format!("{} doesn't start: {error}", own.name()));
                        own.scheduler().sleep(Duration::from_millis(500)).await;
                    }
                    Err(error) => return world.0.ended.lock().push(format!("{} doesn't start: {error}", own.name())),
                }
            };
            world.0.network.listen(number, Listener { process: own.clone(), gateway: gateway.clone() });
            let why = gateway.stopped().await;
            world.0.trace.note(|| format!("{} stops: {why}", own.name()));
            // A life ends for its successor's sake alone, whatever befalls the log.
            if !matches!(why, chasqui_gateway::Error::Superseded { .. }) {
                world.0.ended.lock().push(format!("{} stops: {why}", own.name()));
            }
            gateway.drain().await;
            world.gateway_stopped(&own, number);
        });
    }

    /// A gateway has stopped by itself. Whoever keeps it running begins it again, unless there is another by now.
    fn gateway_stopped(&self, process: &Process, number: usize) {
        let (world, process) = (self.clone(), process.clone());
        let sleep = self.0.scheduler.sleep(Duration::from_millis(500));
        self.0.scheduler.spawn(WORLD, async move {
            process.kill();
            sleep.await;
            if world.processes(Who::Gateway(number)).is_empty() {
                world.begin(Who::Gateway(number));
            }
        });
    }
}
