//! Deciding: a command and the chat's state give events and effects.

mod actions;
mod group;
mod messages;
mod receipts;

use super::{
    Chat, Message,
    devices::{self, Known},
};
use crate::{
    command::{Action, Command},
    event::{Decision, Effect, Entry, Event, EventKind, Refusal},
    ids::{Counter, TimeMs, UserId, Version},
    rules::UnknownRules,
};
use receipts::Watermark;

/// Decides a command that was appended at `appended`. `message` is the state of the message that it is about
/// ([`Action::target`]); none when there is none. The states are not changed: applying the events does that.
///
/// # Errors
/// When the command's rules are not known to this build; it must then not be decided at all.
pub fn decide(
    chat: &Chat,
    message: Option<&Message>,
    command: &Command,
    appended: TimeMs,
) -> Result<Decision, UnknownRules> {
    command.rules.number.check()?;
    let asked = Asked { chat, message, command, time: chat.last_time.max(appended) };
    let decided = match asked.repeated() {
        Err(refusal) => Err(refusal),
        Ok(Some(repeated)) => Ok(repeated),
        Ok(None) => match &command.action {
            Action::Create(create) => asked.create(create),
            Action::Send(send) => asked.send(send),
            Action::Change { counter, allowed, change } => asked.change(*counter, *allowed, change),
            Action::Delivered { seq } => asked.receipt(*seq, Watermark::Delivered),
            Action::Read { seq } => asked.receipt(*seq, Watermark::Read),
        },
    };
    Ok(decided.unwrap_or_else(|refusal| refused(command, refusal)))
}

/// The decision for a command that can't be decided, because doing so fails: it is refused.
#[must_use]
pub fn refuse_poison(command: &Command) -> Decision {
    refused(command, Refusal::Poison)
}

/// A command, the chat that it is asked of, and the time that what follows from it will have.
struct Asked<'a> {
    chat: &'a Chat,
    message: Option<&'a Message>,
    command: &'a Command,
    time: TimeMs,
}

impl Asked<'_> {
    /// The answer to what was asked before, which comes before anything else.
    fn repeated(&self) -> Result<Option<Decision>, Refusal> {
        // Groups are counted apart from what is asked in them, and a group is made once.
        let counter = self.command.action.counter().filter(|_| !matches!(self.command.action, Action::Create(_)));
        let Some(counter) = counter else { return Ok(None) };
        let Command { sender, device, rules, .. } = self.command;
        match devices::recognise(&self.chat.devices, sender, device, counter, rules.number) {
            Known::Repeat(accepted) if accepted.is_change => Ok(Some(self.done(counter, accepted.time))),
            Known::Repeat(accepted) => Ok(Some(place(
                vec![sender.clone()],
                Entry::Repeated {
                    chat: self.chat.id,
                    device: device.clone(),
                    counter,
                    seq: accepted.seq,
                    time: accepted.time,
                },
            ))),
            Known::TooOld => Err(Refusal::CounterTooOld),
            Known::New => Ok(None),
        }
    }

    /// Says that something is done, without anything happening.
    fn done(&self, counter: Counter, time: TimeMs) -> Decision {
        let Command { chat, sender, device, .. } = self.command;
        place(vec![sender.clone()], Entry::Done { chat: *chat, device: device.clone(), counter, time })
    }

    /// The event that is the `ahead`th from the last.
    fn event(&self, ahead: usize, kind: EventKind) -> Event {
        let version = Version(self.chat.version.0 + ahead as u64);
        Event { chat: self.chat.id, version, time: self.time, rules: self.command.rules.number, kind }
    }

    fn members(&self) -> Vec<UserId> {
        self.chat.members.iter().map(|member| member.user.clone()).collect()
    }
}

fn refused(command: &Command, refusal: Refusal) -> Decision {
    let (chat, device) = (command.chat, command.device.clone());
    place(vec![command.sender.clone()], Entry::Refused { chat, device, counter: command.action.counter(), refusal })
}

fn place(recipients: Vec<UserId>, entry: Entry) -> Decision {
    Decision { events: Vec::new(), effects: vec![Effect::Place { recipients, entry }] }
}

fn check_counter(counter: Counter) -> Result<(), Refusal> {
    if counter == Counter(0) { Err(Refusal::BadCounter) } else { Ok(()) }
}
