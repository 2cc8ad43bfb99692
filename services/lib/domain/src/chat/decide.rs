//! Deciding: a command and the chat's state give events and effects.

use super::{
    Chat,
    devices::{self, Known},
};
use crate::{
    command::{Action, Command, Send},
    event::{Decision, Effect, Entry, Event, EventKind, Refusal},
    ids::{ChatId, Counter, Seq, TimeMs, UserId, Version},
    rules::UnknownRules,
};

/// Decides a command that was appended at `appended`. The state is not changed: applying the events does that.
///
/// # Errors
/// When the command's rules are not known to this build; it must then not be decided at all.
pub fn decide(chat: &Chat, command: &Command, appended: TimeMs) -> Result<Decision, UnknownRules> {
    command.rules.number.check()?;
    let time = chat.last_time.max(appended);
    Ok(match &command.action {
        Action::Send(send) => decide_send(chat, command, send, time),
        Action::Delivered { seq } => decide_receipt(chat, command, *seq, time, Watermark::Delivered),
        Action::Read { seq } => decide_receipt(chat, command, *seq, time, Watermark::Read),
    })
}

/// The decision for a command that can't be decided, because doing so fails: it is refused.
#[must_use]
pub fn refuse_poison(command: &Command) -> Decision {
    let counter = match &command.action {
        Action::Send(send) => Some(send.counter),
        Action::Delivered { .. } | Action::Read { .. } => None,
    };
    refused(command, counter, Refusal::Poison)
}

fn decide_send(chat: &Chat, command: &Command, send: &Send, time: TimeMs) -> Decision {
    match devices::recognise(&chat.devices, &command.sender, &command.device, send.counter, command.rules.number) {
        Known::Repeat(accepted) => {
            return place(
                vec![command.sender.clone()],
                Entry::Repeated {
                    chat: chat.id,
                    device: command.device.clone(),
                    counter: send.counter,
                    seq: accepted.seq,
                    time: accepted.time,
                },
            );
        }
        Known::TooOld => return refused(command, Some(send.counter), Refusal::CounterTooOld),
        Known::New => {}
    }
    if let Some(refusal) = refusal_of(chat, command, send) {
        return refused(command, Some(send.counter), refusal);
    }
    let rules = command.rules.number;
    let mut events = Vec::with_capacity(2);
    if chat.version == Version(0) {
        let mut members = vec![command.sender.clone(), send.peer.clone()];
        members.sort();
        events.push(Event { chat: chat.id, version: Version(1), time, rules, kind: EventKind::Opened { members } });
    }
    let message = Event {
        chat: chat.id,
        version: Version(chat.version.0 + events.len() as u64 + 1),
        time,
        rules,
        kind: EventKind::Message {
            seq: chat.last_seq.next(),
            sender: command.sender.clone(),
            device: command.device.clone(),
            counter: send.counter,
            body: send.body.clone(),
        },
    };
    events.push(message.clone());
    let mut recipients = vec![command.sender.clone(), send.peer.clone()];
    recipients.sort();
    Decision { events, effects: vec![Effect::Place { recipients, entry: Entry::Message { event: message } }] }
}

fn refusal_of(chat: &Chat, command: &Command, send: &Send) -> Option<Refusal> {
    if command.sender == send.peer || ChatId::direct(&command.sender, &send.peer) != chat.id {
        return Some(Refusal::WrongChat);
    }
    if send.counter == Counter(0) {
        return Some(Refusal::BadCounter);
    }
    if !send.allowed {
        return Some(Refusal::NotAllowed);
    }
    if send.body.bytes.len() > command.rules.body_bytes_max as usize {
        return Some(Refusal::BodyTooLarge);
    }
    if send.body.epoch != chat.epoch {
        return Some(Refusal::StaleEpoch { current: chat.epoch });
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Watermark {
    Delivered,
    Read,
}

fn decide_receipt(chat: &Chat, command: &Command, seq: Seq, time: TimeMs, watermark: Watermark) -> Decision {
    let Some(member) = chat.member(&command.sender) else {
        return refused(command, None, Refusal::NotAMember);
    };
    if seq > chat.last_seq {
        return refused(command, None, Refusal::SeqAhead);
    }
    let (user, version) = (member.user.clone(), chat.version.next());
    let (delivered, read) = match watermark {
        Watermark::Delivered => (member.delivered.max(seq), member.read),
        Watermark::Read => (member.delivered.max(seq), member.read.max(seq)),
    };
    if (delivered, read) == (member.delivered, member.read) {
        return Decision::default();
    }
    let kind = match watermark {
        Watermark::Delivered => EventKind::Delivered { member: user.clone(), seq },
        Watermark::Read => EventKind::Read { member: user.clone(), seq },
    };
    let recipients: Vec<UserId> = chat.members.iter().map(|member| member.user.clone()).collect();
    let entry = Entry::Receipt { chat: chat.id, version, time, member: user, delivered, read };
    Decision {
        events: vec![Event { chat: chat.id, version, time, rules: command.rules.number, kind }],
        effects: vec![Effect::Place { recipients, entry }],
    }
}

fn refused(command: &Command, counter: Option<Counter>, refusal: Refusal) -> Decision {
    let entry = Entry::Refused { chat: command.chat, device: command.device.clone(), counter, refusal };
    place(vec![command.sender.clone()], entry)
}

fn place(recipients: Vec<UserId>, entry: Entry) -> Decision {
    Decision { events: Vec::new(), effects: vec![Effect::Place { recipients, entry }] }
}
