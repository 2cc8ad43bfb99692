//! What a command must be decided to: groups made, messages and receipts.

use std::collections::BTreeSet;

use chasqui_domain::{
    Action, Command, Counter, Create, Decision, Effect, Entry, Epoch, Event, EventKind, ProfilePart, Refusal, Role,
    Sealed, Send, Seq, TimeMs, UserId, Version,
};

use super::{Accepted, Model, Stay, WINDOW, Written};
use crate::{fixtures, kept::Kept};

const EPOCH: Epoch = Epoch(1);
const PROFILE_EPOCH: Epoch = Epoch(0);
const PROFILE_BYTES_MAX: usize = 2048;

impl Model {
    /// Says what the command must be decided to, and remembers it.
    pub(crate) fn decide(&mut self, command: &Command, appended: TimeMs) -> Decision {
        let decided = match &command.action {
            Action::Create(create) => self.create(command, create, appended),
            Action::Send(send) => self.send(command, send, appended),
            Action::Change { counter, allowed, change } => {
                self.ask_change(command, *counter, *allowed, change, appended)
            }
            Action::Delivered { seq } => self.receipt(command, seq.0, false, appended),
            Action::Read { seq } => self.receipt(command, seq.0, true, appended),
        };
        decided.unwrap_or_else(|refusal| fixtures::refuses(command, refusal))
    }

    fn create(&mut self, command: &Command, create: &Create, appended: TimeMs) -> Result<Decision, Refusal> {
        if (&command.sender, &command.device, create.counter) != (&self.founder, &self.device, Counter(1)) {
            return Err(Refusal::WrongChat);
        }
        if !self.times.is_empty() {
            let is_left_of_the_first = self.here().iter().any(|stay| stay.since == 1);
            let time = if is_left_of_the_first { self.times[0] } else { self.now(appended) };
            return Ok(done(command, create.counter, time));
        }
        let users: BTreeSet<_> = create.members.iter().chain([&self.founder]).cloned().collect();
        if users.len() > command.rules.members_max as usize {
            return Err(Refusal::TooManyMembers);
        }
        if !create.allowed {
            return Err(Refusal::NotAllowed);
        }
        check_profile([Some(&create.title), create.picture.as_ref()])?;
        let members: Vec<_> = users.into_iter().collect();
        let kind = EventKind::Created {
            by: command.sender.clone(),
            device: command.device.clone(),
            counter: create.counter,
            members: members.clone(),
            title: create.title.clone(),
            picture: create.picture.clone(),
        };
        let event = self.event(command, appended, kind);
        self.come(&members);
        let founder = self.founder.clone();
        self.stay_mut(&founder).roles.push(Role::Owner);
        self.describe(&founder, [Some(&create.title), create.picture.as_ref()]);
        let effects = vec![Effect::Place { recipients: members, entry: Entry::Changed { event: event.clone() } }];
        Ok(Decision { events: vec![event], effects })
    }

    fn send(&mut self, command: &Command, send: &Send, appended: TimeMs) -> Result<Decision, Refusal> {
        if let Some(again) = self.again(command, send.counter)? {
            return Ok(again);
        }
        if send.peer.is_some() {
            return Err(Refusal::WrongChat);
        }
        let here = |stay: &Stay| !stay.has_gone && stay.user == command.sender;
        let stay = self.stays.iter().position(here).ok_or(Refusal::NotAMember)?;
        if send.counter.0 == 0 {
            return Err(Refusal::BadCounter);
        }
        if !send.allowed {
            return Err(Refusal::NotAllowed);
        }
        if send.body.bytes.len() > command.rules.body_bytes_max as usize {
            return Err(Refusal::BodyTooLarge);
        }
        if send.body.epoch != EPOCH {
            return Err(Refusal::StaleEpoch { current: EPOCH });
        }
        let kind = EventKind::Message {
            seq: Seq(self.last_seq() + 1),
            sender: command.sender.clone(),
            device: command.device.clone(),
            counter: send.counter,
            body: send.body.clone(),
        };
        let event = self.event(command, appended, kind);
        self.messages.push(Written { kept: Kept::of(&event), stay });
        self.accept(command, send.counter, false);
        let effects = vec![Effect::Place { recipients: self.users(), entry: Entry::Message { event: event.clone() } }];
        Ok(Decision { events: vec![event], effects })
    }

    fn receipt(&mut self, command: &Command, seq: u64, opened: bool, appended: TimeMs) -> Result<Decision, Refusal> {
        let user = command.sender.clone();
        let stay = self.stay(&user).ok_or(Refusal::NotAMember)?;
        if seq > self.last_seq() {
            return Err(Refusal::SeqAhead);
        }
        let is_new = |seq: &u64| !stay.has(*seq) || (opened && !stay.has_opened(*seq));
        let new: BTreeSet<_> = (1..=seq).filter(is_new).collect();
        if new.is_empty() {
            return Ok(Decision { events: vec![], effects: vec![] });
        }
        let stay = self.stay_mut(&user);
        stay.has.extend(&new);
        if opened {
            stay.opened.extend(&new);
        }
        let (delivered, read) = (Seq(stay.delivered()), Seq(stay.read()));
        let (member, seq) = (user.clone(), Seq(seq));
        let kind = if opened { EventKind::Read { member, seq } } else { EventKind::Delivered { member, seq } };
        let event = self.event(command, appended, kind);
        let (chat, version, time) = (self.chat, event.version, event.time);
        let entry = Entry::Receipt { chat, version, time, member: user.clone(), delivered, read };
        let mut effects = vec![Effect::Place { recipients: vec![user.clone()], entry }];
        effects.extend(self.counts(&user, &new));
        Ok(Decision { events: vec![event], effects })
    }

    /// The answer to what was accepted before.
    pub(super) fn again(&self, command: &Command, counter: Counter) -> Result<Option<Decision>, Refusal> {
        let recognised = self.recognised(&command.sender, &command.device);
        if let Some(earlier) = recognised.iter().find(|accepted| accepted.counter == counter.0) {
            if earlier.is_change {
                return Ok(Some(done(command, counter, earlier.time)));
            }
            let (chat, device, seq, time) = (self.chat, command.device.clone(), Seq(earlier.seq), earlier.time);
            let entry = Entry::Repeated { chat, device, counter, seq, time };
            return Ok(Some(fixtures::only_tells(&command.sender, entry)));
        }
        let highest = self.highest(&command.sender, &command.device);
        if highest >= WINDOW && counter.0 <= highest - WINDOW { Err(Refusal::CounterTooOld) } else { Ok(None) }
    }

    pub(super) fn accept(&mut self, command: &Command, counter: Counter, is_change: bool) {
        self.accepted.push(Accepted {
            user: command.sender.clone(),
            device: command.device.clone(),
            counter: counter.0,
            seq: self.last_seq(),
            time: self.last_time(),
            is_change,
        });
    }

    pub(super) fn come(&mut self, users: &[UserId]) {
        let (since, after) = (self.version(), self.last_seq());
        let stay = |user: &UserId| Stay {
            user: user.clone(),
            since,
            after,
            has_gone: false,
            roles: vec![],
            has: BTreeSet::new(),
            opened: BTreeSet::new(),
        };
        self.stays.extend(users.iter().map(stay));
    }

    pub(super) fn describe(&mut self, by: &UserId, [title, picture]: [Option<&Sealed>; 2]) {
        let part = |body: &Sealed| ProfilePart { by: by.clone(), body: body.clone() };
        self.titles.extend(title.map(part));
        self.pictures.extend(picture.map(part));
    }

    pub(super) fn now(&self, appended: TimeMs) -> TimeMs {
        self.last_time().max(appended)
    }

    pub(super) fn event(&mut self, command: &Command, appended: TimeMs, kind: EventKind) -> Event {
        let time = self.now(appended);
        self.times.push(time);
        Event { chat: self.chat, version: Version(self.version()), time, rules: command.rules.number, kind }
    }
}

pub(super) fn check_profile(parts: [Option<&Sealed>; 2]) -> Result<(), Refusal> {
    for part in parts.into_iter().flatten() {
        if part.bytes.len() > PROFILE_BYTES_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        if part.epoch != PROFILE_EPOCH {
            return Err(Refusal::StaleEpoch { current: PROFILE_EPOCH });
        }
    }
    Ok(())
}

pub(super) fn done(command: &Command, counter: Counter, time: TimeMs) -> Decision {
    let (chat, device) = (command.chat, command.device.clone());
    fixtures::only_tells(&command.sender, Entry::Done { chat, device, counter, time })
}
