//! What the tests of the router share.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use chasqui_domain::{
    ChatId, ContentType, Counter, DeviceId, Entry, Epoch, Event, EventKind, GatewayId, Incarnation, LogId, Offset,
    Partition, RulesNumber, Sealed, Seq, SessionId, Source, TimeMs, UserId, Version,
};
use chasqui_log::{Append, Log, MemoryLog, Partitions, Topic, TopicPartition};
use chasqui_router::{Deps, Error, Options, Progress, Router};
use chasqui_runtime::Runtime;
use chasqui_store::{InboxRow, LogPartition, Store, memory::MemoryStore};
use chasqui_wire::{
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    inbox::InboxRecord,
    presence::{Presence, PresenceKind},
};
use tokio::{sync::watch, time::timeout};

use chasqui_testkit::{Clock, Faults, FaultyLog, FaultyStore};

pub const LOG: LogId = LogId([7; 16]);
pub const OF: LogPartition = LogPartition { log: LOG, partition: Partition(0) };

const PATIENCE: Duration = Duration::from_secs(10);

/// A log and a store that outlive the routers that work on them.
pub struct World {
    pub clock: Clock,
    pub log: Arc<MemoryLog>,
    pub store: Arc<MemoryStore>,
    pub faults: Arc<Faults>,
    pub options: Options,
}

/// A router that runs beside the test.
pub struct Running {
    pub progress: watch::Receiver<Progress>,
    pub task: tokio::task::JoinHandle<Error>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl World {
    pub fn new(faults: Arc<Faults>) -> Self {
        let clock = Clock::default();
        let partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN };
        let log = Arc::new(MemoryLog::new(LOG, partitions, Runtime::new(clock.clone())));
        let options = Options { batch_rows_max: 4, ..Options::default() };
        Self { clock, log, store: Arc::new(MemoryStore::new()), faults, options }
    }

    pub fn router(&self) -> Router {
        let log = Arc::new(FaultyLog { inner: self.log.clone(), faults: self.faults.clone() });
        let store = FaultyStore::new(self.store.clone(), self.faults.clone());
        let deps = Deps { log, store, runtime: Runtime::new(self.clock.clone()) };
        Router::new(deps, OF.partition, self.options.clone())
    }

    pub fn start(&self) -> Running {
        let router = self.router();
        Running { progress: router.progress(), task: tokio::spawn(router.run()) }
    }

    /// Why a router doesn't go on. One that does fails the test instead of holding it up.
    pub async fn refusal(&self) -> Error {
        timeout(PATIENCE, self.router().run()).await.expect("the router went on")
    }

    pub async fn end(&self, at: &TopicPartition) -> Offset {
        self.log.bounds(at).await.unwrap().end
    }

    /// Waits until the router has done all that it can.
    pub async fn settled(&self, running: &Running) {
        let end = self.end(&inbox()).await;
        reached(running.progress.clone(), end).await;
        // What it does besides has no offset to wait for. Everything is in memory, so a few turns are plenty.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    pub async fn append(&self, to: TopicPartition, value: Bytes) {
        self.log.append(vec![Append { to, key: Bytes::new(), value, headers: Vec::new() }]).await.unwrap();
    }

    pub async fn message(&self, source: u64, to: &[&str]) {
        self.append(inbox(), message(source, to, "hello").encode().unwrap()).await;
    }

    pub async fn say(&self, user_name: &str, life: u64, session: u64, attempt: u32, kind: PresenceKind) {
        self.say_of(user_name, "phone", (life, session), attempt, kind).await;
    }

    pub async fn say_of(
        &self,
        user_name: &str,
        device: &str,
        (life, session): (u64, u64),
        attempt: u32,
        kind: PresenceKind,
    ) {
        let presence = Presence {
            user: user(user_name),
            gateway: gateway("g"),
            incarnation: Incarnation(life),
            session: SessionId(session),
            device: DeviceId::new(device).unwrap(),
            attempt,
            kind,
        };
        self.append(Topic::Presence.partition(Partition(0)), presence.encode().unwrap()).await;
    }

    pub async fn heartbeat(&self, life: u64) {
        let heartbeat = Heartbeat { gateway: gateway("g"), incarnation: Incarnation(life) };
        self.append(Topic::Heartbeats.partition(Partition(0)), heartbeat.encode().unwrap()).await;
    }

    /// What gateway `g` was told.
    pub async fn told(&self) -> Vec<GatewayRecord> {
        let at = Topic::Gateway(gateway("g")).partition(Partition(0));
        let end = self.end(&at).await.0 as usize;
        let mut reader = self.log.reader(&at, Offset(0)).await.unwrap();
        let mut told = Vec::new();
        while told.len() < end {
            let records = reader.next(1 << 22).await.unwrap();
            told.extend(records.iter().map(|record| GatewayRecord::decode(&record.value).unwrap()));
        }
        told
    }

    pub async fn rows(&self, name: &str) -> Vec<InboxRow> {
        self.store.inbox(&user(name), LOG, Offset(0)..Offset(u64::MAX), usize::MAX).await.unwrap()
    }
}

pub async fn reached(mut progress: watch::Receiver<Progress>, end: Offset) {
    let done = progress.wait_for(|progress| progress.caught_up_to == Some(end) && progress.waiting.is_none()).await;
    assert!(done.is_ok(), "the router is gone");
}

pub fn inbox() -> TopicPartition {
    Topic::Inbox.partition(Partition(0))
}

pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub fn gateway(name: &str) -> GatewayId {
    GatewayId::new(name).unwrap()
}

/// The offsets that were pushed.
pub fn pushed(told: &[GatewayRecord]) -> Vec<u64> {
    let offsets = told.iter().filter_map(|record| match record {
        GatewayRecord::Push { offset, .. } => Some(offset.0),
        _ => None,
    });
    offsets.collect()
}

pub fn answers(told: &[GatewayRecord]) -> Vec<(u32, u64)> {
    let answers = told.iter().filter_map(|record| match record {
        GatewayRecord::Answer { attempt, up_to, .. } => Some((*attempt, up_to.0)),
        _ => None,
    });
    answers.collect()
}

pub fn repairs(told: &[GatewayRecord]) -> Vec<u64> {
    let repairs = told.iter().filter_map(|record| match record {
        GatewayRecord::Repair { up_to, .. } => Some(up_to.0),
        _ => None,
    });
    repairs.collect()
}

fn source(offset: u64) -> Source {
    Source { log: LOG, partition: Partition(0), offset: Offset(offset), index: 0 }
}

/// The entry of the command at `offset`, which is also the message's seq.
pub fn message(offset: u64, to: &[&str], text: &str) -> InboxRecord {
    let body = Sealed {
        epoch: Epoch::FIRST,
        content_type: ContentType::new("text/plain").unwrap(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    };
    let event = Event {
        chat: ChatId::direct(&user("alice"), &user("bob")),
        version: Version(offset + 2),
        time: TimeMs(1),
        rules: RulesNumber(1),
        kind: EventKind::Message {
            seq: Seq(offset + 1),
            sender: user("alice"),
            device: DeviceId::new("phone").unwrap(),
            counter: Counter(offset + 1),
            body,
        },
    };
    let recipients = to.iter().map(|name| user(name)).collect();
    InboxRecord { source: source(offset), recipients, entry: Entry::Message { event } }
}

pub fn receipt(offset: u64, to: &[&str]) -> InboxRecord {
    let entry = Entry::Receipt {
        chat: ChatId::direct(&user("alice"), &user("bob")),
        version: Version(offset + 2),
        time: TimeMs(1),
        member: user("alice"),
        delivered: Seq(1),
        read: Seq(1),
    };
    InboxRecord { source: source(offset), recipients: to.iter().map(|name| user(name)).collect(), entry }
}
