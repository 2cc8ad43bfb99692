//! What a command to a direct chat must be decided to.

use std::collections::BTreeSet;

use chasqui_domain::{
    Action, Change, Command, Counter, Decision, Effect, Entry, Epoch, Event, EventKind, Refusal, Send, Seq, TimeMs,
    Version,
};

use super::{Accepted, Model, WINDOW};
use crate::{
    fixtures,
    kept::{Asker, Kept},
};

const EPOCH: Epoch = Epoch(1);

impl Model {
    /// Says what the command must be decided to, and remembers it.
    pub(crate) fn decide(&mut self, command: &Command, appended: TimeMs) -> Decision {
        match &command.action {
            Action::Send(send) => self.send(command, send, appended),
            Action::Delivered { seq } => self.receipt(command, seq.0, false, appended),
            Action::Read { seq } => self.receipt(command, seq.0, true, appended),
            Action::Change { counter, allowed, change } => {
                let decided = self.ask_change(command, (*counter, *allowed), change, appended);
                decided.unwrap_or_else(|refusal| fixtures::refuses(command, refusal))
            }
            Action::Create(_) => unreachable!("nobody asks that of a direct chat here"),
        }
    }

    /// The answer to what was accepted before.
    fn again(&self, command: &Command, counter: Counter) -> Option<Decision> {
        let recognised = self.recognised(&command.sender, &command.device);
        if let Some(earlier) = recognised.iter().find(|accepted| accepted.counter == counter.0) {
            let (chat, device, seq, time) = (self.chat, command.device.clone(), Seq(earlier.seq), earlier.time);
            let entry = if earlier.is_change {
                Entry::Done { chat, device, counter, time }
            } else {
                Entry::Repeated { chat, device, counter, seq, time }
            };
            return Some(fixtures::only_tells(&command.sender, entry));
        }
        let highest = recognised.last().map_or(0, |accepted| accepted.counter);
        let is_too_old = highest >= WINDOW && counter.0 <= highest - WINDOW;
        is_too_old.then(|| fixtures::refuses(command, Refusal::CounterTooOld))
    }

    /// The two change nothing but messages, and may do the same.
    fn ask_change(
        &mut self,
        command: &Command,
        (counter, allowed): (Counter, bool),
        change: &Change,
        appended: TimeMs,
    ) -> Result<Decision, Refusal> {
        if let Some(again) = self.again(command, counter) {
            return Ok(again);
        }
        let target = change.target().ok_or(Refusal::WrongChat)?;
        if !self.members().contains(&command.sender) {
            return Err(Refusal::NotAMember);
        }
        if counter.0 == 0 {
            return Err(Refusal::BadCounter);
        }
        let at = self.messages.iter().position(|message| message.target == target).ok_or(Refusal::NoSuchMessage)?;
        let (user, rules, now) = (&command.sender, command.rules, self.last_time().max(appended));
        let asker = Asker { user, pins: true, allowed, rules, now, pinned: self.pins().len() };
        if !self.messages[at].ask(change, &asker)? {
            let (chat, device) = (self.chat, command.device.clone());
            return Ok(fixtures::only_tells(user, Entry::Done { chat, device, counter, time: now }));
        }
        let (by, device, after) = (command.sender.clone(), command.device.clone(), Seq(self.last_seq()));
        let kind = EventKind::Changed { by, device, counter, after, change: change.clone() };
        let event = self.event(command, appended, kind);
        self.messages[at].keep(&event);
        self.accept(command, counter, true);
        Ok(Decision { events: vec![event.clone()], effects: self.for_both(Entry::Changed { event }) })
    }

    fn accept(&mut self, command: &Command, counter: Counter, is_change: bool) {
        self.accepted.push(Accepted {
            seq: self.last_seq(),
            sender: command.sender.clone(),
            device: command.device.clone(),
            counter: counter.0,
            time: self.last_time(),
            is_change,
        });
    }

    fn send(&mut self, command: &Command, send: &Send, appended: TimeMs) -> Decision {
        if let Some(again) = self.again(command, send.counter) {
            return again;
        }
        let limit = command.rules.body_bytes_max as usize;
        let both: BTreeSet<_> = [&command.sender].into_iter().chain(&send.peer).collect();
        if both != self.pair.iter().collect() {
            return fixtures::refuses(command, Refusal::WrongChat);
        }
        if send.counter.0 == 0 {
            return fixtures::refuses(command, Refusal::BadCounter);
        }
        if !send.allowed {
            return fixtures::refuses(command, Refusal::NotAllowed);
        }
        if send.body.bytes.len() > limit {
            return fixtures::refuses(command, Refusal::BodyTooLarge);
        }
        if send.body.epoch != EPOCH {
            return fixtures::refuses(command, Refusal::StaleEpoch { current: EPOCH });
        }
        self.write(command, send, appended)
    }

    fn write(&mut self, command: &Command, send: &Send, appended: TimeMs) -> Decision {
        let mut events = vec![];
        if self.messages.is_empty() {
            events.push(self.event(command, appended, EventKind::Opened { members: self.pair.to_vec() }));
        }
        let kind = EventKind::Message {
            seq: Seq(self.last_seq() + 1),
            sender: command.sender.clone(),
            device: command.device.clone(),
            counter: send.counter,
            body: send.body.clone(),
        };
        let event = self.event(command, appended, kind);
        self.messages.push(Kept::of(&event));
        self.accept(command, send.counter, false);
        events.push(event.clone());
        Decision { events, effects: self.for_both(Entry::Message { event }) }
    }

    fn receipt(&mut self, command: &Command, seq: u64, opened: bool, appended: TimeMs) -> Decision {
        let user = command.sender.clone();
        if !self.members().contains(&user) {
            return fixtures::refuses(command, Refusal::NotAMember);
        }
        if seq > self.last_seq() {
            return fixtures::refuses(command, Refusal::SeqAhead);
        }
        let mut news = false;
        for number in 1..=seq {
            news |= self.delivered.insert((user.clone(), number));
            news |= opened && self.read.insert((user.clone(), number));
        }
        if !news {
            return Decision { events: vec![], effects: vec![] };
        }
        let (member, seq) = (user.clone(), Seq(seq));
        let kind = if opened { EventKind::Read { member, seq } } else { EventKind::Delivered { member, seq } };
        let event = self.event(command, appended, kind);
        let entry = Entry::Receipt {
            chat: self.chat,
            version: event.version,
            time: event.time,
            delivered: Seq(self.delivered(&user)),
            read: Seq(self.read(&user)),
            member: user,
        };
        Decision { events: vec![event], effects: self.for_both(entry) }
    }

    fn event(&mut self, command: &Command, appended: TimeMs, kind: EventKind) -> Event {
        let time = self.last_time().max(appended);
        self.times.push(time);
        Event { chat: self.chat, version: Version(self.version()), time, rules: command.rules.number, kind }
    }

    fn for_both(&self, entry: Entry) -> Vec<Effect> {
        vec![Effect::Place { recipients: self.pair.to_vec(), entry }]
    }
}
