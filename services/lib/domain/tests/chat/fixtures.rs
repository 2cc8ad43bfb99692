//! The people, devices and commands of all tests. The direct chat is that of alice and bob; carol is not in it.

use bytes::Bytes;
use chasqui_domain::{
    Action, Change, Chat, ChatId, Command, ContentType, Counter, Create, Decision, DeviceId, Effect, Entry, Epoch,
    Reaction, ReactionTag, Refusal, Rules, Sealed, Send, Seq, Target, TimeMs, UserId, Version, chat::Runs, decide,
};

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn device(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

pub(crate) fn chat_id() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

pub(crate) fn sealed(bytes: usize) -> Sealed {
    Sealed {
        epoch: Epoch::FIRST,
        content_type: ContentType::new("text/plain").unwrap(),
        bytes: Bytes::from(vec![b'x'; bytes]),
    }
}

/// A faultless message from one to the other.
pub(crate) fn send(sender: &str, on: &str, counter: u64) -> Command {
    let peer = Some(user(if sender == "alice" { "bob" } else { "alice" }));
    command(sender, on, Action::Send(Send { peer, counter: Counter(counter), allowed: true, body: sealed(3) }))
}

pub(crate) fn delivered(member: &str, seq: u64) -> Command {
    command(member, "phone", Action::Delivered { seq: Seq(seq) })
}

pub(crate) fn read(member: &str, seq: u64) -> Command {
    command(member, "phone", Action::Read { seq: Seq(seq) })
}

/// What is asked of the direct chat's messages.
pub(crate) fn acts(sender: &str, counter: u64, change: Change) -> Command {
    command(sender, "phone", Action::Change { counter: Counter(counter), allowed: true, change })
}

pub(crate) fn target(seq: u64, version: u64) -> Target {
    Target { seq: Seq(seq), version: Version(version) }
}

pub(crate) fn edit(message: Target, bytes: usize) -> Change {
    Change::Edit { message, body: sealed(bytes) }
}

pub(crate) fn delete(message: Target) -> Change {
    Change::Delete { message }
}

pub(crate) fn react(message: Target, tag: u8) -> Change {
    Change::React { message, reaction: Some(reaction(tag, 3)) }
}

pub(crate) fn take_back(message: Target) -> Change {
    Change::React { message, reaction: None }
}

pub(crate) fn pin(message: Target) -> Change {
    Change::Pin { message }
}

pub(crate) fn unpin(message: Target) -> Change {
    Change::Unpin { message }
}

pub(crate) fn reaction(tag: u8, bytes: usize) -> Reaction {
    Reaction { tag: ReactionTag([tag; 16]), kind: sealed(bytes) }
}

/// Everything that can be done to a message.
pub(crate) fn actions(message: Target) -> [Change; 6] {
    [edit(message, 3), delete(message), react(message, 1), take_back(message), pin(message), unpin(message)]
}

fn command(sender: &str, on: &str, action: Action) -> Command {
    Command { chat: chat_id(), sender: user(sender), device: device(on), rules: Rules::default(), action }
}

/// The message of a command, to spoil it.
pub(crate) fn message_of(command: &mut Command) -> &mut Send {
    match &mut command.action {
        Action::Send(send) => send,
        other => panic!("not a message: {other:?}"),
    }
}

/// Decides a command and folds what happened into the chat.
pub(crate) fn tell(chat: &mut Chat, command: &Command, appended: u64) -> Decision {
    let decision = decide(chat, None, command, TimeMs(appended)).unwrap();
    fold(chat, &decision);
    decision
}

/// Applies what was decided, one event after the other; every state on the way is a valid one.
pub(crate) fn fold(chat: &mut Chat, decision: &Decision) {
    for event in &decision.events {
        chat.apply(event).unwrap();
        chat.validate().unwrap();
    }
}

/// A decision in which nothing happens and one user gets one entry.
pub(crate) fn only_tells(recipient: &UserId, entry: Entry) -> Decision {
    Decision { events: vec![], effects: vec![Effect::Place { recipients: vec![recipient.clone()], entry }] }
}

/// The decision that refuses a command.
pub(crate) fn refuses(command: &Command, refusal: Refusal) -> Decision {
    let counter = match &command.action {
        Action::Send(Send { counter, .. })
        | Action::Create(Create { counter, .. })
        | Action::Change { counter, .. } => Some(*counter),
        Action::Delivered { .. } | Action::Read { .. } => None,
    };
    let entry = Entry::Refused { chat: command.chat, device: command.device.clone(), counter, refusal };
    only_tells(&command.sender, entry)
}

/// The state as it comes back from a snapshot.
pub(crate) fn restored(chat: &Chat) -> Chat {
    let again = |runs: &Runs| Runs::from_parts(runs.floor(), runs.iter().collect::<Vec<_>>());
    let mut chat = chat.clone();
    chat.uncounted = again(&chat.uncounted);
    for member in &mut chat.members {
        member.own = again(&member.own);
    }
    chat
}
