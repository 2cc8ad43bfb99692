//! Commands that show every sort of outcome.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what is made here is valid, or the test is wrong")]

use std::{num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use chasqui_domain::{
    Action, ChatId, Command, ContentType, Counter, DeviceId, Epoch, LogId, Partition, Rules, RulesNumber, Sealed, Send,
    Seq, UserId,
};
use chasqui_log::{Append, Header, Log, MemoryLog, Partitions, Topic, TopicPartition};
use chasqui_runtime::Runtime;
use chasqui_store::LogPartition;

use crate::Clock;

/// The life of the topics.
pub const LOG: LogId = LogId([7; 16]);
/// The one partition of `commands`.
pub const OF: LogPartition = LogPartition { log: LOG, partition: Partition(0) };
/// Who writes.
pub const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// A runtime whose clock stands still.
#[must_use]
pub fn runtime() -> Runtime {
    Runtime::new(Clock::default())
}

/// A log with one partition by chat and three by user.
#[must_use]
pub fn memory_log() -> Arc<MemoryLog> {
    let partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::new(3).unwrap() };
    Arc::new(MemoryLog::new(LOG, partitions, runtime()))
}

/// Where the commands are.
#[must_use]
pub fn commands() -> TopicPartition {
    Topic::Commands.partition(Partition(0))
}

/// A user.
#[must_use]
pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

/// The chats of all pairs.
#[must_use]
pub fn chats() -> Vec<ChatId> {
    let pairs = USERS.iter().enumerate().flat_map(|(at, one)| USERS[at + 1..].iter().map(move |other| (one, other)));
    pairs.map(|(one, other)| ChatId::direct(&user(one), &user(other))).collect()
}

fn command(from: &str, to: &str, action: Action) -> Command {
    Command {
        chat: ChatId::direct(&user(from), &user(to)),
        sender: user(from),
        device: DeviceId::new("phone").unwrap(),
        rules: Rules::default(),
        action,
    }
}

/// A message, whose text tells where it is from.
#[must_use]
pub fn send(from: &str, to: &str, counter: u64) -> Command {
    let bytes = Bytes::from(format!("{from} to {to}: {counter}"));
    let body = Sealed { epoch: Epoch::FIRST, content_type: ContentType::new("text/plain").unwrap(), bytes };
    command(from, to, Action::Send(Send { peer: user(to), counter: Counter(counter), allowed: true, body }))
}

/// A receipt: read up to `seq`.
#[must_use]
pub fn read(from: &str, to: &str, seq: u64) -> Command {
    command(from, to, Action::Read { seq: Seq(seq) })
}

fn stale(mut command: Command) -> Command {
    if let Action::Send(send) = &mut command.action {
        send.body.epoch = Epoch(9);
    }
    command
}

/// The same under other rules.
#[must_use]
pub fn with_rules(mut command: Command, number: u32) -> Command {
    command.rules.number = RulesNumber(number);
    command
}

/// A command as it is appended; the number is in its trace.
#[must_use]
pub fn append(value: Bytes, number: usize) -> Append {
    let trace = Header { name: "traceparent".into(), value: Bytes::from(format!("trace-{number}")) };
    Append { to: commands(), key: Bytes::from_static(b"chat"), value, headers: vec![trace] }
}

/// About forty commands of six chats: messages, repeats, receipts, refusals, and something that is no command.
#[must_use]
pub fn mixed() -> Vec<Bytes> {
    let mut all = Vec::new();
    for round in 1..=4 {
        all.extend([
            send("alice", "bob", round),
            send("bob", "alice", round),
            send("alice", "carol", round),
            send("alice", "bob", round),
            read("bob", "alice", round),
            command("alice", "bob", Action::Delivered { seq: Seq(round * 2) }),
            stale(send("carol", "dave", round)),
            send("carol", "dave", round),
            read("dave", "carol", 99),
            read("alice", "dave", 1),
        ]);
    }
    let mut bytes: Vec<_> = all.iter().map(|command| chasqui_wire::command::encode(command).unwrap()).collect();
    bytes.insert(11, Bytes::from_static(b"this is no command"));
    bytes
}

/// Puts commands into the log, each in a batch of its own.
pub async fn fill(log: &dyn Log, commands: &[Bytes]) {
    let first = log.bounds(&self::commands()).await.unwrap().end.0 as usize;
    for (at, value) in commands.iter().enumerate() {
        log.append(vec![append(value.clone(), first + at)]).await.unwrap();
    }
}
