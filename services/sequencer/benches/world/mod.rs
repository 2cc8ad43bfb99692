//! A sequencer on a log and a store in memory, all of it in one thread: what it costs is its own work.

use std::{
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chasqui_domain::{
    Action, ChatId, Command, ContentType, Counter, DeviceId, Epoch, LogId, Offset, Partition, Rules, Sealed, Send,
    UserId,
};
use chasqui_log::{Append, Log, MemoryLog, Partitions, Topic};
use chasqui_runtime::{Progress, Runtime, Task};
use chasqui_sequencer::{Deps, Error, Options, Sequencer};
use chasqui_store::memory::MemoryStore;
use chasqui_wire::command;
use tokio::sync::watch;

const CHATS: u64 = 50;

pub(crate) struct World {
    log: Arc<MemoryLog>,
    progress: watch::Receiver<Progress>,
    /// How many messages were written; they go to one chat after the other.
    written: u64,
    _sequencer: Task<Error>,
}

impl World {
    /// One in which each chat has a message. To be called inside of a tokio runtime of one thread.
    pub(crate) async fn new() -> Self {
        let runtime = Runtime::real();
        let one = NonZeroU32::MIN;
        let partitions = Partitions { chats: one, users: one };
        let log = Arc::new(MemoryLog::new(LogId([1; 16]), partitions, runtime.clone()));
        let deps = Deps { log: log.clone(), store: Arc::new(MemoryStore::new()), runtime: runtime.clone() };
        let sequencer = Sequencer::new(deps, Partition(0), Options::default());
        let progress = sequencer.progress();
        let task = runtime.spawn("sequencer", sequencer.run());
        let mut world = Self { log, progress, written: 0, _sequencer: task };
        world.append(CHATS).await;
        world.sequence().await;
        world
    }

    /// Puts a batch before the sequencer, which doesn't get to it before somebody waits.
    pub(crate) async fn append(&mut self, messages: u64) {
        let batch = (self.written..self.written + messages).map(send).collect();
        self.log.append(batch).await.unwrap();
        self.written += messages;
    }

    /// Lets the sequencer do all that it has before it; how long that takes.
    pub(crate) async fn sequence(&mut self) -> Duration {
        let (began, end) = (Instant::now(), Some(Offset(self.written)));
        self.progress.wait_for(|progress| progress.caught_up_to == end).await.unwrap();
        began.elapsed()
    }
}

/// Message n of all.
fn send(n: u64) -> Append {
    let user = |side| UserId::new(format!("user-{:04}-{side}@example.org", n % CHATS)).unwrap();
    let (sender, peer) = (user(0), user(1));
    let chat = ChatId::direct(&sender, &peer);
    let content_type = ContentType::new("text/plain").unwrap();
    let body = Sealed { epoch: Epoch(1), content_type, bytes: Bytes::from_static(&[7; 150]) };
    let action = Action::Send(Send { peer: Some(peer), counter: Counter(n / CHATS + 1), allowed: true, body });
    let device = DeviceId::new("phone-7f3a").unwrap();
    let value = command::encode(&Command { chat, sender, device, rules: Rules::default(), action }).unwrap();
    let key = Bytes::copy_from_slice(chat.as_bytes());
    Append { to: Topic::Commands.partition(Partition(0)), key, value, headers: Vec::new() }
}
