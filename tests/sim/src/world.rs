//! Everything there is in a run: log and store, the roles in their processes, the devices, and the network between.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chasqui_client::Token;
use chasqui_domain::{ChatId, DeviceId, LogId, UserId};
use chasqui_log::{MemoryLog, Partitions};
use chasqui_store::memory::MemoryStore;
use jsonwebtoken::{EncodingKey, Header, encode};
use parking_lot::Mutex;
use serde_json::json;

use crate::{
    device::Device,
    dice::Dice,
    journal::Journal,
    network::Network,
    plan::{Plan, Who},
    process::Process,
    scheduler::{Scheduler, WORLD},
    trace::Trace,
    weather::Weather,
    witness::Witness,
};

/// What tokens are signed with.
pub(crate) const SECRET: &[u8] = b"a secret of the simulation";
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
    /// The group, once a device has asked for it.
    pub(crate) group: Arc<Mutex<Option<ChatId>>>,
    /// What looks at what goes over the log.
    pub(crate) witness: Witness,
    /// Roles that ended for good, and why.
    pub(crate) ended: Mutex<Vec<String>>,
    /// The processes of each role, the newest last.
    processes: Mutex<BTreeMap<String, Vec<Process>>>,
    /// How many processes of each name there were.
    lives: Mutex<BTreeMap<String, usize>>,
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
        let broker = Process::begin(&scheduler, ("broker", 0), plan.seed, start);
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
            group: Arc::default(),
            ended: Mutex::default(),
            processes: Mutex::default(),
            lives: Mutex::default(),
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

    /// Ends a process of somebody, unless it has ended; gives whether it had not.
    pub(crate) fn kill(&self, who: Who, process: &Process) -> bool {
        if !process.is_alive() {
            return false;
        }
        match who {
            Who::Device(number) => self.0.devices[number].kill(),
            _ => process.kill(),
        }
        true
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

    /// For how many seconds a message can be edited, and deleted.
    #[must_use]
    pub(crate) fn acts_within_s(&self) -> (u32, u32) {
        if self.0.plan.shape.acts_are_brief { (4, 12) } else { (900, 172_800) }
    }

    /// Rolls its dice.
    pub(crate) fn roll<T>(&self, roll: impl FnOnce(&mut Dice) -> T) -> T {
        roll(&mut self.0.dice.lock())
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
        let by = if shape.clocks_differ { self.roll(differs) } else { 0 };
        let life = {
            let mut lives = self.0.lives.lock();
            let life = lives.entry(name.to_owned()).or_default();
            *life += 1;
            *life
        };
        Process::begin(&self.0.scheduler, (name, life), self.0.plan.seed, start + by)
    }
}

/// A token that outlives every run.
pub(crate) fn token(user: &UserId) -> Token {
    let (claims, key) = (json!({"sub": user.as_str(), "exp": 4_000_000_000_u64}), EncodingKey::from_secret(SECRET));
    #[expect(clippy::expect_used, reason = "a secret of bytes signs anything")]
    let signed = encode(&Header::default(), &claims, &key).expect("a token");
    Token(signed)
}
