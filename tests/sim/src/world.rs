//! Everything there is in a run: log and store, the roles in their processes, the devices, and the network between.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chasqui_auth::{Policy, Verifier};
use chasqui_client::Token;
use chasqui_domain::{DeviceId, GatewayId, LogId, Partition, UserId};
use chasqui_gateway::Gateway;
use chasqui_log::{MemoryLog, Partitions};
use chasqui_router::Router;
use chasqui_seal::MasterKey;
use chasqui_sequencer::Sequencer;
use chasqui_store::memory::MemoryStore;
use chasqui_telemetry::metrics::Metrics;
use jsonwebtoken::{EncodingKey, Header, encode};
use parking_lot::Mutex;
use serde_json::json;

use crate::{
    device::Device,
    dice::Dice,
    journal::Journal,
    log::RemoteLog,
    network::{Listener, Network},
    plan::{Plan, Who},
    process::Process,
    scheduler::{Scheduler, WORLD},
    store::RemoteStore,
    trace::Trace,
    weather::Weather,
    witness::Witness,
};

const SECRET: &[u8] = b"a secret of the simulation";
const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const DEVICES: [&str; 3] = ["phone", "pad", "desk"];
/// The life of the topics.
pub(crate) const LOG: LogId = LogId([7; 16]);
/// 14 November 2023, at 22:13 and at 23:59.
const AFTERNOON_MS: i64 = 1_700_000_000_000;
const MIDNIGHT_MS: i64 = 1_700_006_340_000;

/// Everything there is. Clones are the same world.
#[derive(Clone)]
pub(crate) struct World(pub(crate) Arc<Parts>);

/// What a world is made of.
pub(crate) struct Parts {
    /// The plan.
    pub(crate) plan: Plan,
    /// What runs it.
    pub(crate) scheduler: Scheduler,
    /// What happened.
    pub(crate) trace: Trace,
    /// What goes wrong.
    pub(crate) weather: Weather,
    /// The topics.
    pub(crate) log: Arc<MemoryLog>,
    /// The rows.
    pub(crate) store: Arc<MemoryStore>,
    /// The connections.
    pub(crate) network: Network,
    /// What devices saw.
    pub(crate) journal: Journal,
    /// The users.
    pub(crate) users: Vec<UserId>,
    /// The devices, those of a user beside each other.
    pub(crate) devices: Vec<Device>,
    /// What looks at what goes over the log.
    pub(crate) witness: Witness,
    /// Roles that ended for good, and why.
    pub(crate) ended: Mutex<Vec<String>>,
    /// The processes of each role, the newest last.
    processes: Mutex<BTreeMap<String, Vec<Process>>>,
    dice: Mutex<Dice>,
    is_calm: AtomicBool,
}

impl World {
    /// The world of a plan, in which nothing has begun.
    #[must_use]
    pub(crate) fn new(plan: Plan, is_traced: bool) -> Self {
        let scheduler = Scheduler::new(plan.seed);
        let trace = Trace::new(&scheduler, is_traced);
        let shape = plan.shape;
        let count = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let partitions = Partitions { chats: count(shape.chat_partitions), users: count(shape.user_partitions) };
        let start = if shape.is_late { MIDNIGHT_MS } else { AFTERNOON_MS };
        let broker = Process::begin(&scheduler, "broker", plan.seed, start);
        let (journal, store) = (Journal::new(trace.clone()), Arc::new(MemoryStore::new()));
        let users: Vec<_> = USERS.iter().take(shape.users.max(2)).filter_map(|name| UserId::new(*name).ok()).collect();
        let ids = || DEVICES.iter().take(shape.devices.max(1)).filter_map(|name| DeviceId::new(*name).ok());
        let device = |(user, id): (&UserId, DeviceId)| Device::new(user.clone(), id, token(user), journal.clone());
        let devices = users.iter().flat_map(|user| ids().map(move |id| (user, id))).map(device).collect();
        Self(Arc::new(Parts {
            weather: Weather::default(),
            log: Arc::new(MemoryLog::new(LOG, partitions, broker.runtime())),
            witness: Witness::new(store.clone()),
            store,
            network: Network::new(shape.gateways.max(1), trace.clone()),
            journal,
            users,
            devices,
            ended: Mutex::default(),
            processes: Mutex::default(),
            dice: Mutex::new(Dice::new(plan.seed, "world")),
            is_calm: AtomicBool::new(true),
            plan,
            scheduler,
            trace,
        }))
    }

    /// Every role and every device that there is to be.
    #[must_use]
    pub(crate) fn everybody(&self) -> Vec<Who> {
        let Partitions { chats, users } = self.partitions();
        let sequencers = (0..chats.get() as usize).map(Who::Sequencer);
        let routers = (0..users.get() as usize).map(Who::Router);
        let gateways = (0..self.0.plan.shape.gateways.max(1)).map(Who::Gateway);
        let devices = (0..self.0.devices.len()).map(Who::Device);
        sequencers.chain(routers).chain(gateways).chain(devices).collect()
    }

    /// Brings a number that is counted round into its range.
    #[must_use]
    pub(crate) fn there(&self, who: Who) -> Who {
        let Partitions { chats, users } = self.partitions();
        match who {
            Who::Sequencer(number) => Who::Sequencer(number % chats.get() as usize),
            Who::Router(number) => Who::Router(number % users.get() as usize),
            Who::Gateway(number) => Who::Gateway(number % self.0.plan.shape.gateways.max(1)),
            Who::Device(number) => Who::Device(number % self.0.devices.len()),
        }
    }

    /// What the processes of somebody are called.
    #[must_use]
    pub(crate) fn name(&self, who: Who) -> String {
        match who {
            Who::Sequencer(number) => format!("sequencer {number}"),
            Who::Router(number) => format!("router {number}"),
            Who::Gateway(number) => format!("gateway {number}"),
            Who::Device(number) => self.0.devices[number].name(),
        }
    }

    /// A device, by a number that is counted round.
    #[must_use]
    pub(crate) fn device(&self, number: usize) -> &Device {
        &self.0.devices[number % self.0.devices.len()]
    }

    /// Another user than that of a device, by a number that is counted round.
    #[must_use]
    pub(crate) fn other(&self, device: &Device, number: usize) -> UserId {
        let others: Vec<_> = self.0.users.iter().filter(|user| *user != device.user()).collect();
        others[number % others.len()].clone()
    }

    /// Whether nothing goes wrong any more, or not yet.
    #[must_use]
    pub(crate) fn is_calm(&self) -> bool {
        self.0.is_calm.load(Ordering::Relaxed)
    }

    /// Says so.
    pub(crate) fn set_calm(&self, is_calm: bool) {
        self.0.is_calm.store(is_calm, Ordering::Relaxed);
    }

    fn partitions(&self) -> Partitions {
        chasqui_log::Log::partitions(&*self.0.log)
    }

    /// The processes of a role that are alive, the newest last.
    #[must_use]
    pub(crate) fn processes(&self, who: Who) -> Vec<Process> {
        if let Who::Device(number) = who {
            return self.0.devices[number].process().into_iter().collect();
        }
        let mut all = self.0.processes.lock();
        let processes = all.entry(self.name(who)).or_default();
        processes.retain(Process::is_alive);
        processes.clone()
    }

    /// Begins a process of somebody; those that there are go on.
    pub(crate) fn begin(&self, who: Who) {
        let name = self.name(who);
        let process = self.process(&name);
        self.0.trace.note(|| format!("{name} begins"));
        if let Who::Device(number) = who {
            self.0.devices[number].begin(process, self.0.network.clone());
            return;
        }
        self.0.processes.lock().entry(name).or_default().push(process.clone());
        match who {
            Who::Sequencer(number) => self.sequence(&process, number),
            Who::Router(number) => self.route(&process, number),
            Who::Gateway(number) => self.serve(&process, number),
            Who::Device(_) => {}
        }
    }

    /// Does something after a while, unless it is calm by then.
    pub(crate) fn later(&self, after: Duration, act: impl FnOnce(&Self) + Send + 'static) {
        let world = self.clone();
        let sleep = self.0.scheduler.sleep(after);
        self.0.scheduler.spawn(WORLD, async move {
            sleep.await;
            if !world.is_calm() {
                act(&world);
            }
        });
    }

    /// A new process, whose clock differs if clocks do.
    fn process(&self, name: &str) -> Process {
        let shape = self.0.plan.shape;
        let start = if shape.is_late { MIDNIGHT_MS } else { AFTERNOON_MS };
        let differs = |dice: &mut Dice| dice.ms(0..120_000).as_millis() as i64 - 60_000;
        let by = if shape.clocks_differ { differs(&mut self.0.dice.lock()) } else { 0 };
        Process::begin(&self.0.scheduler, name, self.0.plan.seed, start + by)
    }

    fn log(&self, process: &Process) -> Arc<RemoteLog> {
        let Parts { log, weather, trace, witness, .. } = &*self.0;
        RemoteLog::new(log.clone(), process.clone(), weather.clone(), trace.clone(), witness.clone())
    }

    fn store(&self, process: &Process) -> Arc<RemoteStore> {
        let Parts { store, weather, trace, .. } = &*self.0;
        RemoteStore::new(store.clone(), process.clone(), weather.clone(), trace.clone())
    }

    fn sequence(&self, process: &Process, number: usize) {
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

    fn route(&self, process: &Process, number: usize) {
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

    fn serve(&self, process: &Process, number: usize) {
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
        if self.0.plan.shape.is_tight {
            options.queue_frames_max = 4;
            options.unacked_max = 6;
            options.outstanding_max = 5;
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

static MASTER: LazyLock<Arc<MasterKey>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "43 digits and a sign are 32 bytes")]
    Arc::new(MasterKey::from_base64(&format!("{}=", "A".repeat(43))).expect("a key"))
});

/// A token that outlives every run.
pub(crate) fn token(user: &UserId) -> Token {
    #[expect(clippy::expect_used, reason = "a secret of bytes signs anything")]
    let signed = encode(
        &Header::default(),
        &json!({"sub": user.as_str(), "exp": 4_000_000_000_u64}),
        &EncodingKey::from_secret(SECRET),
    );
    Token(signed.expect("a token"))
}
