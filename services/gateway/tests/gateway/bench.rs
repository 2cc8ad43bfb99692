//! A gateway on a log and a store in memory. A test plays the sequencer; a task plays the router.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use chasqui_auth::{Policy, Verifier};
use chasqui_domain::{
    ChatId, Command, Entry, GatewayId, LogId, Offset, Partition, Position, RulesNumber, Source, Term, TimeMs, UserId,
};
use chasqui_gateway::{AdminToken, Bounds, Deps, Gateway, Options, Stopwatch};
use chasqui_log::{Append, Log, MemoryLog, Partitions, Reader, Record, Topic};
use chasqui_runtime::Runtime;
use chasqui_seal::MasterKey;
use chasqui_store::{InboxRow, Store, memory::MemoryStore};
use chasqui_telemetry::metrics::{GatewayMetrics, Metrics};
use chasqui_wire::{
    command, entry,
    gateway_record::GatewayRecord,
    presence::{Presence, PresenceKind},
};
use futures::future;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

pub(crate) const LOG: LogId = LogId([7; 16]);
pub(crate) const RULES: RulesNumber = RulesNumber::NEWEST;
pub(crate) const ADMIN: &str = "an admin token of the tests, long enough";
const SECRET: &[u8] = b"a secret of the tests";
pub(crate) const UNAUTHENTICATED_MAX: usize = 40;
const READ_BYTES: usize = 1 << 20;

pub(crate) struct Bench {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) address: SocketAddr,
    /// How often the router answers an attach.
    pub(crate) answers: Arc<AtomicUsize>,
    commands: Box<dyn Reader>,
    read: Vec<Record>,
}

pub(crate) fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

pub(crate) fn chat() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

pub(crate) fn token(name: &str, lasts: Duration) -> String {
    let until = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + lasts;
    signed(&json!({"sub": name, "exp": until.as_secs_f64()}))
}

pub(crate) fn signed(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

pub(crate) fn memory_log() -> Arc<dyn Log> {
    let partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN };
    Arc::new(MemoryLog::new(LOG, partitions, Runtime::real()))
}

pub(crate) fn options() -> Options {
    let mut options = Options::new(GatewayId::new("gateway-0").unwrap());
    options.drain_ms = 1_000;
    options.admin = Some(AdminToken::new(ADMIN));
    options
}

pub(crate) fn bounds(options: &Options) -> Bounds {
    Bounds {
        sessions_max: options.sessions_max,
        unauthenticated_max: UNAUTHENTICATED_MAX,
        newcomer_time: Duration::ZERO,
        connections_per_address_max: 0,
        address_header: None,
        request_bytes_max: 1_024,
        hello_ms: options.hello_ms,
        idle_ms: options.idle_ms,
    }
}

pub(crate) async fn start(log: Arc<dyn Log>, store: Arc<MemoryStore>, options: Options) -> Gateway {
    start_on(Judges::default(), log, store.clone(), store, options).await
}

/// With rows that may be read through something else.
async fn start_on(
    judges: Judges,
    log: Arc<dyn Log>,
    rows: Arc<dyn Store>,
    store: Arc<MemoryStore>,
    options: Options,
) -> Gateway {
    let master = Arc::new(MasterKey::from_base64(&format!("{}=", "A".repeat(43))).unwrap());
    let Judges { tokens, policy, runtime, metrics } = judges;
    let (verifier, policy) = (Arc::new(Verifier::new(tokens, runtime.clone())), Arc::new(policy));
    let deps = Deps { log, store: rows, keys: store, master, verifier, policy, runtime, metrics };
    Gateway::start(deps, options).await.unwrap()
}

/// Whose tokens are taken, who may write to whom, by which clock, and what counts it.
pub(crate) struct Judges {
    pub(crate) tokens: chasqui_auth::Options,
    pub(crate) policy: Policy,
    pub(crate) runtime: Runtime,
    pub(crate) metrics: GatewayMetrics,
}

impl Default for Judges {
    fn default() -> Self {
        let tokens = chasqui_auth::Options { secret: Some(SECRET.to_vec()), ..chasqui_auth::Options::default() };
        Self { tokens, policy: Policy::Open, runtime: Runtime::real(), metrics: Metrics::new().gateway }
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::on(memory_log(), options).await
    }

    pub(crate) async fn on(log: Arc<dyn Log>, options: Options) -> Self {
        let bounds = bounds(&options);
        Self::bounded(log, options, bounds).await
    }

    pub(crate) async fn bounded(log: Arc<dyn Log>, options: Options, bounds: Bounds) -> Self {
        Self::on_runtime(Runtime::real(), log, options, bounds).await
    }

    pub(crate) async fn on_runtime(runtime: Runtime, log: Arc<dyn Log>, options: Options, bounds: Bounds) -> Self {
        let store = Arc::new(MemoryStore::new());
        Self::built(Judges { runtime, ..Judges::default() }, log, store.clone(), store, options, bounds).await
    }

    pub(crate) async fn judged(options: Options, judges: Judges) -> Self {
        let (store, bounds) = (Arc::new(MemoryStore::new()), bounds(&options));
        Self::built(judges, memory_log(), store.clone(), store, options, bounds).await
    }

    /// With rows that are read through something else.
    pub(crate) async fn on_rows(log: Arc<dyn Log>, rows: Arc<dyn Store>, store: Arc<MemoryStore>) -> Self {
        let (options, bounds) = (options(), bounds(&options()));
        Self::built(Judges::default(), log, rows, store, options, bounds).await
    }

    async fn built(
        judges: Judges,
        log: Arc<dyn Log>,
        rows: Arc<dyn Store>,
        store: Arc<MemoryStore>,
        options: Options,
        bounds: Bounds,
    ) -> Self {
        let stopwatch = Stopwatch { metrics: Metrics::new().gateway, runtime: judges.runtime.clone() };
        let gateway = Arc::new(start_on(judges, log.clone(), rows, store.clone(), options).await);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = gateway.router();
        tokio::spawn(chasqui_gateway::serve(listener, router, bounds, stopwatch, future::pending()));
        let answers = Arc::new(AtomicUsize::new(1));
        tokio::spawn(answer_attaches(log.clone(), answers.clone()));
        let commands = log.reader(&Topic::Commands.partition(Partition(0)), Offset(0)).await.unwrap();
        Self { log, store, gateway, address, answers, commands, read: Vec::new() }
    }

    /// The next command, with its record.
    pub(crate) async fn command(&mut self) -> (Command, Record) {
        if self.read.is_empty() {
            let read = tokio::time::timeout(Duration::from_secs(10), self.commands.next(READ_BYTES)).await;
            self.read = read.expect("a command in time").unwrap();
        }
        let record = self.read.remove(0);
        (command::decode(&record.value).unwrap(), record)
    }

    /// Places an entry in inboxes, as the router does: the row, then the push.
    pub(crate) async fn place(&self, recipients: &[&str], entry: &Entry) -> Offset {
        let at = self.append(Topic::Inbox, "place").await;
        self.write_rows(recipients, entry, at).await;
        self.push(recipients, entry, at).await;
        at
    }

    /// Places an entry in inboxes without a push.
    pub(crate) async fn place_silently(&self, recipients: &[&str], entry: &Entry) -> Offset {
        let at = self.append(Topic::Inbox, "place").await;
        self.write_rows(recipients, entry, at).await;
        at
    }

    async fn write_rows(&self, recipients: &[&str], entry: &Entry, offset: Offset) {
        if !entry.is_kept() {
            return;
        }
        let bytes = entry::encode(entry).unwrap();
        let position = Position { log: LOG, offset };
        let row = |name: &&str| InboxRow { user: user(name), position, time: TimeMs(1), entry: bytes.clone() };
        self.store.write_inbox(recipients.iter().map(row).collect()).await.unwrap();
    }

    async fn push(&self, recipients: &[&str], entry: &Entry, offset: Offset) {
        self.tell(GatewayRecord::Push {
            term: Term(0),
            incarnation: self.gateway.incarnation(),
            partition: Partition(0),
            offset,
            recipients: recipients.iter().map(|name| user(name)).collect(),
            entry: entry::encode(entry).unwrap(),
        })
        .await;
    }

    /// The end of the inbox records.
    pub(crate) async fn inbox_end(&self) -> Offset {
        self.log.bounds(&Topic::Inbox.partition(Partition(0))).await.unwrap().end
    }

    /// The end of what the router was told of sessions.
    pub(crate) async fn presence_end(&self) -> Offset {
        self.log.bounds(&Topic::Presence.partition(Partition(0))).await.unwrap().end
    }

    /// Appends to the gateway's topic.
    pub(crate) async fn tell(&self, record: GatewayRecord) -> Offset {
        tell(&self.log, record).await
    }

    async fn append(&self, topic: Topic, value: &'static str) -> Offset {
        let to = topic.partition(Partition(0));
        let append = Append { to, key: "k".into(), value: value.into(), headers: Vec::new() };
        self.log.append(vec![append]).await.unwrap()[0].offset
    }
}

/// Waits until something holds, and not for ever.
pub(crate) async fn until(holds: impl AsyncFn() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waited).await.expect("it holds in time");
}

pub(crate) fn source(offset: u64) -> Source {
    Source { log: LOG, partition: Partition(0), offset: Offset(offset), index: 0 }
}

async fn tell(log: &Arc<dyn Log>, record: GatewayRecord) -> Offset {
    let to = Topic::Gateway(GatewayId::new("gateway-0").unwrap()).partition(Partition(0));
    let append = Append { to, key: "k".into(), value: record.encode().unwrap(), headers: Vec::new() };
    log.append(vec![append]).await.unwrap()[0].offset
}

async fn answer_attaches(log: Arc<dyn Log>, answers: Arc<AtomicUsize>) {
    let mut reader = log.reader(&Topic::Presence.partition(Partition(0)), Offset(0)).await.unwrap();
    while let Ok(records) = reader.next(READ_BYTES).await {
        for presence in records.iter().map(|record| Presence::decode(&record.value).unwrap()) {
            if presence.kind == PresenceKind::Attach {
                let up_to = log.bounds(&Topic::Inbox.partition(Partition(0))).await.unwrap().end;
                let Presence { user, incarnation, session, attempt, .. } = presence;
                for _ in 0..answers.load(Ordering::SeqCst) {
                    let user = user.clone();
                    tell(&log, GatewayRecord::Answer { term: Term(0), incarnation, session, user, attempt, up_to })
                        .await;
                }
            }
        }
    }
}
