//! A direct chat in the plainest way: it keeps everything that ever happened and finds each answer by going through it.
//! Of the domain it uses the types of commands and decisions, none of the rules.

use std::collections::BTreeSet;

use chasqui_domain::{
    Action, ChatId, Command, Counter, Decision, DeviceId, Effect, Entry, Epoch, Event, EventKind, Refusal, Send, Seq,
    TimeMs, UserId, Version,
};

use crate::fixtures;

const WINDOW: u64 = 128;
const DEVICES_MAX: usize = 32;
const EPOCH: Epoch = Epoch(1);

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) seq: u64,
    pub(crate) sender: UserId,
    pub(crate) device: DeviceId,
    pub(crate) counter: u64,
    pub(crate) time: TimeMs,
}

/// Everything that happened between two users.
#[derive(Debug)]
pub(crate) struct Model {
    chat: ChatId,
    /// In ascending order.
    pair: [UserId; 2],
    /// Of every event.
    times: Vec<TimeMs>,
    messages: Vec<Written>,
    /// Who has which message on a device.
    delivered: BTreeSet<(UserId, u64)>,
    /// Who has opened which message.
    read: BTreeSet<(UserId, u64)>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            chat: fixtures::chat_id(),
            pair: [fixtures::user("alice"), fixtures::user("bob")],
            times: vec![],
            messages: vec![],
            delivered: BTreeSet::new(),
            read: BTreeSet::new(),
        }
    }

    /// Everybody who is in the chat: nobody before the first message.
    pub(crate) fn members(&self) -> &[UserId] {
        if self.times.is_empty() { &[] } else { &self.pair }
    }

    pub(crate) fn version(&self) -> u64 {
        self.times.len() as u64
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.messages.len() as u64
    }

    pub(crate) fn last_time(&self) -> TimeMs {
        self.times.iter().copied().max().unwrap_or_default()
    }

    pub(crate) fn messages(&self) -> &[Written] {
        &self.messages
    }

    pub(crate) fn delivered(&self, user: &UserId) -> u64 {
        self.delivered.iter().filter(|(who, _)| who == user).count() as u64
    }

    pub(crate) fn read(&self, user: &UserId) -> u64 {
        self.read.iter().filter(|(who, _)| who == user).count() as u64
    }

    pub(crate) fn unread(&self, user: &UserId) -> u64 {
        let unread = |message: &&Written| message.sender != *user && !self.read.contains(&(user.clone(), message.seq));
        self.messages.iter().filter(unread).count() as u64
    }

    /// The user's devices that the chat still knows: those that wrote last.
    pub(crate) fn known_devices(&self, user: &UserId) -> BTreeSet<&DeviceId> {
        let mut known = BTreeSet::new();
        for message in self.messages.iter().rev().filter(|message| message.sender == *user) {
            if known.len() < DEVICES_MAX {
                known.insert(&message.device);
            }
        }
        known
    }

    /// The device's messages that the chat still recognises, in ascending order of counter: those since it was last
    /// forgotten, unless their counter lies a window or more below the highest.
    pub(crate) fn recognised(&self, user: &UserId, device: &DeviceId) -> Vec<&Written> {
        let since = self.since_forgotten(user, device);
        let highest = since.iter().map(|message| message.counter).max().unwrap_or_default();
        let mut inside: Vec<_> = since.into_iter().filter(|message| highest - message.counter < WINDOW).collect();
        inside.sort_by_key(|message| message.counter);
        inside
    }

    /// A device is forgotten once so many others of the user wrote after it.
    fn since_forgotten(&self, user: &UserId, device: &DeviceId) -> Vec<&Written> {
        let (mut since, mut others) = (vec![], BTreeSet::new());
        for message in self.messages.iter().rev().filter(|message| message.sender == *user) {
            if message.device == *device {
                since.push(message);
                others.clear();
                continue;
            }
            others.insert(&message.device);
            if others.len() == DEVICES_MAX {
                break;
            }
        }
        since
    }

    /// Says what the command must be decided to, and remembers it.
    pub(crate) fn decide(&mut self, command: &Command, appended: TimeMs) -> Decision {
        match &command.action {
            Action::Send(send) => self.send(command, send, appended),
            Action::Delivered { seq } => self.receipt(command, seq.0, false, appended),
            Action::Read { seq } => self.receipt(command, seq.0, true, appended),
            Action::Create(_) | Action::Change { .. } => unreachable!("nobody asks that of a direct chat here"),
        }
    }

    fn send(&mut self, command: &Command, send: &Send, appended: TimeMs) -> Decision {
        let recognised = self.recognised(&command.sender, &command.device);
        if let Some(earlier) = recognised.iter().find(|message| message.counter == send.counter.0) {
            let entry = Entry::Repeated {
                chat: self.chat,
                device: command.device.clone(),
                counter: Counter(earlier.counter),
                seq: Seq(earlier.seq),
                time: earlier.time,
            };
            return fixtures::only_tells(&command.sender, entry);
        }
        let highest = recognised.last().map_or(0, |message| message.counter);
        let limit = command.rules.body_bytes_max as usize;
        if highest >= WINDOW && send.counter.0 <= highest - WINDOW {
            return fixtures::refuses(command, Refusal::CounterTooOld);
        }
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
        let (seq, sender, device) = (self.last_seq() + 1, command.sender.clone(), command.device.clone());
        let kind = EventKind::Message {
            seq: Seq(seq),
            sender: sender.clone(),
            device: device.clone(),
            counter: send.counter,
            body: send.body.clone(),
        };
        let event = self.event(command, appended, kind);
        self.messages.push(Written { seq, sender, device, counter: send.counter.0, time: event.time });
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
