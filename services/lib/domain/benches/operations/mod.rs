//! What the sequencer does with a chat again and again.

mod group;

use bytes::Bytes;
use chasqui_domain::{
    Action, Chat, ChatId, Command, ContentType, Counter, DeviceId, Epoch, Event, Message, Rules, Sealed, Send, Seq,
    TimeMs, UserId, decide,
};

/// How many events a fold is over: as many as lie between two snapshots.
const EVENTS: usize = 256;

const NOW: TimeMs = TimeMs(1_700_000_000_123);

/// One of them, with the chat that it needs.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) before: Chat,
    pub(crate) run: Box<dyn Fn(&mut Chat)>,
}

/// All of them.
pub(crate) fn all() -> Vec<Operation> {
    let (mut chat, events, messages) = history();
    let (send, delivered, read) = (send(messages + 1), delivered(messages + 1), read(messages + 1));
    let decided = decisions(&chat, &send);
    let mut operations = vec![deciding("send, decide", &chat, send), applying("send, apply", &chat, decided.clone())];
    decided.iter().for_each(|event| chat.apply(event).unwrap());
    for (decide, apply, command) in
        [("delivered, decide", "delivered, apply", delivered), ("read, decide", "read, apply", read)]
    {
        let decided = decisions(&chat, &command);
        operations.push(deciding(decide, &chat, command));
        operations.push(applying(apply, &chat, decided));
    }
    operations.push(applying("fold of 256 events", &Chat::new(chat.id), events));
    operations.extend(group::all());
    operations
}

fn deciding(name: &'static str, before: &Chat, command: Command) -> Operation {
    deciding_of(None, name, before, command)
}

/// Deciding what is to be done to a message.
fn deciding_of(message: Option<Message>, name: &'static str, before: &Chat, command: Command) -> Operation {
    let decides = move |chat: &mut Chat| drop(std::hint::black_box(decide(chat, message.as_ref(), &command, NOW)));
    let run = Box::new(decides);
    Operation { name, before: before.clone(), run }
}

fn applying(name: &'static str, before: &Chat, events: Vec<Event>) -> Operation {
    let run = Box::new(move |chat: &mut Chat| events.iter().for_each(|event| chat.apply(event).unwrap()));
    Operation { name, before: before.clone(), run }
}

/// A chat in which one writes and the other has it, then reads it; its events, and how many of them are messages.
fn history() -> (Chat, Vec<Event>, u64) {
    let mut chat = Chat::new(chat_id());
    let mut events = Vec::new();
    let mut messages = 0;
    let commands = (1..).flat_map(|n| [send(n), delivered(n), read(n)]);
    for command in commands {
        messages += u64::from(matches!(command.action, Action::Send(_)));
        for event in decisions(&chat, &command) {
            chat.apply(&event).unwrap();
            events.push(event);
        }
        if events.len() >= EVENTS {
            break;
        }
    }
    assert_eq!(events.len(), EVENTS);
    (chat, events, messages)
}

fn decisions(chat: &Chat, command: &Command) -> Vec<Event> {
    decisions_of(None, chat, command)
}

fn decisions_of(message: Option<&Message>, chat: &Chat, command: &Command) -> Vec<Event> {
    let events = decide(chat, message, command, NOW).unwrap().events;
    assert!(!events.is_empty());
    events
}

fn send(counter: u64) -> Command {
    let send = Send { peer: Some(user("bob")), counter: Counter(counter), allowed: true, body: sealed(Epoch(1), 150) };
    command("alice", Action::Send(send))
}

fn sealed(epoch: Epoch, bytes: usize) -> Sealed {
    Sealed { epoch, content_type: ContentType::new("text/plain").unwrap(), bytes: Bytes::from(vec![7; bytes]) }
}

fn delivered(seq: u64) -> Command {
    command("bob", Action::Delivered { seq: Seq(seq) })
}

fn read(seq: u64) -> Command {
    command("bob", Action::Read { seq: Seq(seq) })
}

fn command(sender: &str, action: Action) -> Command {
    Command { chat: chat_id(), sender: user(sender), device: device(), rules: Rules::default(), action }
}

fn device() -> DeviceId {
    DeviceId::new("phone-7f3a").unwrap()
}

fn chat_id() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

fn user(name: &str) -> UserId {
    UserId::new(format!("{name}@example.org")).unwrap()
}
