//! Commands that show every sort of outcome.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what is made here is valid, or the test is wrong")]

use std::{num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use chasqui_domain::{
    Action, Change, ChatId, Command, ContentType, Counter, Create, DeviceId, Epoch, LogId, Partition, Role, Rules,
    RulesNumber, Sealed, Send, Seq, UserId,
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

/// The chats of all pairs, and a group.
#[must_use]
pub fn chats() -> Vec<ChatId> {
    let pairs = USERS.iter().enumerate().flat_map(|(at, one)| USERS[at + 1..].iter().map(move |other| (one, other)));
    pairs.map(|(one, other)| ChatId::direct(&user(one), &user(other))).chain([group()]).collect()
}

fn phone() -> DeviceId {
    DeviceId::new("phone").unwrap()
}

/// The group that alice makes.
#[must_use]
pub fn group() -> ChatId {
    ChatId::group(&user("alice"), &phone(), Counter(1))
}

fn command(from: &str, to: &str, action: Action) -> Command {
    of_chat(ChatId::direct(&user(from), &user(to)), from, action)
}

fn of_chat(chat: ChatId, from: &str, action: Action) -> Command {
    Command { chat, sender: user(from), device: phone(), rules: Rules::default(), action }
}

fn sealed(epoch: Epoch, text: String) -> Sealed {
    Sealed { epoch, content_type: ContentType::new("text/plain").unwrap(), bytes: Bytes::from(text) }
}

/// A message, whose text tells where it is from.
#[must_use]
pub fn send(from: &str, to: &str, counter: u64) -> Command {
    let body = sealed(Epoch::FIRST, format!("{from} to {to}: {counter}"));
    command(from, to, Action::Send(Send { peer: Some(user(to)), counter: Counter(counter), allowed: true, body }))
}

fn create(members: &[&str]) -> Command {
    let members = members.iter().map(|name| user(name)).collect();
    let title = sealed(Epoch::PROFILE, "a title".to_owned());
    let create = Create { counter: Counter(1), members, allowed: true, title, picture: None };
    of_chat(group(), "alice", Action::Create(create))
}

fn send_group(from: &str, counter: u64) -> Command {
    let body = sealed(Epoch::FIRST, format!("{from} to all: {counter}"));
    of_chat(group(), from, Action::Send(Send { peer: None, counter: Counter(counter), allowed: true, body }))
}

/// A change has the second of its user's counters in a round, behind that of the message.
fn change(from: &str, counter: u64, change: Change) -> Command {
    of_chat(group(), from, Action::Change { counter: Counter(counter), allowed: true, change })
}

/// What happens in the group in one of four rounds.
fn in_group(round: u64) -> Vec<Command> {
    let (message, changed) = (2 * round - 1, 2 * round);
    let title = Change::Describe { title: Some(sealed(Epoch::PROFILE, format!("title {round}"))), picture: None };
    let mut all = match round {
        1 => vec![create(&["bob", "carol"]), create(&["bob", "carol"])],
        2 => vec![change("alice", changed, Change::Add { users: vec![user("dave")] })],
        3 => vec![
            change("bob", changed, Change::Remove { user: user("carol") }),
            change("alice", changed, Change::SetRole { user: user("bob"), role: Role::Admin }),
            change("bob", changed + 1, Change::Remove { user: user("carol") }),
        ],
        _ => vec![change("bob", changed + 1, title), change("alice", changed, Change::Leave)],
    };
    let messages = ["alice", "bob", "dave"].map(|from| send_group(from, message));
    all.splice(0..0, messages.into_iter().filter(|_| round > 1));
    all.extend(["carol", "dave"].map(|from| of_chat(group(), from, Action::Read { seq: Seq(round) })));
    all.push(of_chat(group(), "bob", Action::Delivered { seq: Seq(round) }));
    all
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

/// About seventy commands of six chats and a group: messages, changes, repeats, receipts, refusals, and something that is
/// no command.
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
        all.extend(in_group(round));
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
