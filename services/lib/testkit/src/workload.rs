//! Commands that show every sort of outcome.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what is made here is valid, or the test is wrong")]

use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use chasqui_domain::{
    Action, Change, Chat, ChatId, Command, ContentType, Counter, Create, DeviceId, Epoch, LogId, Message, Partition,
    Reaction, ReactionTag, Role, Rules, RulesNumber, Sealed, Send, Seq, Target, TimeMs, UserId, Version, decide,
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

/// Commands, and where the messages are that they write.
#[derive(Default)]
struct Script {
    commands: Vec<Command>,
    chats: BTreeMap<ChatId, Chat>,
    messages: BTreeMap<(ChatId, Seq), Message>,
}

impl Script {
    fn extend(&mut self, commands: impl IntoIterator<Item = Command>) {
        commands.into_iter().for_each(|command| self.push(command));
    }

    fn push(&mut self, command: Command) {
        let chat = self.chats.entry(command.chat).or_insert_with(|| Chat::new(command.chat));
        let about = command.action.target().map(|target| (command.chat, target.seq));
        let message = about.and_then(|about| self.messages.get(&about));
        for event in decide(chat, message, &command, TimeMs(0)).unwrap().events {
            chat.apply(&event).unwrap();
            if let Some(message) = Message::written(&event) {
                self.messages.insert((command.chat, message.target.seq), message);
            }
            if let Some(message) = about.filter(|_| event.kind.target().is_some()) {
                self.messages.get_mut(&message).unwrap().apply(&event).unwrap();
            }
        }
        self.commands.push(command);
    }

    /// Something is done to a message of a chat.
    fn act(&mut self, chat: ChatId, from: &str, counter: u64, seq: u64, act: impl FnOnce(Target) -> Change) {
        let seq = Seq(seq);
        let version = self.messages.get(&(chat, seq)).map_or(Version(0), |message| message.target.version);
        let change = act(Target { seq, version });
        self.push(of_chat(chat, from, Action::Change { counter: Counter(counter), allowed: true, change }));
    }

    /// What is done to messages in a round: of the chat of alice and bob, and of the group.
    fn acts(&mut self, round: u64) {
        let direct = ChatId::direct(&user("alice"), &user("bob"));
        let (alices, at) = (2 * round - 1, 10 * round);
        self.act(direct, "alice", at, alices, |message| edit(message, format!("edited in {round}")));
        self.act(direct, "bob", at, alices, |message| react(message, 1));
        self.act(direct, "bob", at + 1, alices, |message| react(message, 2));
        self.act(direct, "bob", at + 1, alices, |message| react(message, 2));
        self.act(direct, "alice", at + 1, alices, |message| react(message, 1));
        self.act(direct, "bob", at + 2, alices, |message| edit(message, "not mine".to_owned()));
        self.act(direct, "bob", at + 3, alices, |message| Change::Pin { message });
        match round {
            2 => self.act(direct, "alice", at + 2, alices, |message| Change::Unpin { message }),
            3 => self.act(direct, "alice", at + 2, 1, |message| Change::Delete { message }),
            4 => self.act(direct, "bob", at + 4, 1, |message| react(message, 1)),
            _ => self.act(direct, "bob", at + 4, 99, |message| react(message, 1)),
        }
        let group = group();
        self.act(group, "bob", at, 1, |message| react(message, 1));
        self.act(group, "alice", at, 1, |message| edit(message, format!("edited in {round}")));
        self.act(group, "alice", at + 1, 2, |message| Change::Pin { message });
        self.act(group, "dave", at, 2, |message| Change::Pin { message });
    }
}

fn edit(message: Target, text: String) -> Change {
    Change::Edit { message, body: sealed(Epoch::FIRST, text) }
}

fn react(message: Target, tag: u8) -> Change {
    let reaction = Reaction { tag: ReactionTag([tag; 16]), kind: sealed(Epoch::FIRST, format!("reaction {tag}")) };
    Change::React { message, reaction: Some(reaction) }
}

/// Some 130 commands of six chats and a group: messages, changes, what is done to messages, repeats, receipts, refusals, and
/// something that is no command.
#[must_use]
pub fn mixed() -> Vec<Bytes> {
    let mut all = Script::default();
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
        all.acts(round);
    }
    let mut bytes: Vec<_> =
        all.commands.iter().map(|command| chasqui_wire::command::encode(command).unwrap()).collect();
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
