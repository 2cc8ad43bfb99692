//! A direct chat in the plainest way: it keeps everything that ever happened and finds each answer by going through it.
//! Of the domain it uses the types of commands and decisions, none of the rules.

mod decisions;

use std::collections::BTreeSet;

use chasqui_domain::{ChatId, DeviceId, Target, TimeMs, UserId, Version};

use crate::{
    fixtures,
    kept::{Kept, pins},
};

const WINDOW: u64 = 128;
const DEVICES_MAX: usize = 32;

/// Something that was accepted: a message, or what is done to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) seq: u64,
    pub(crate) sender: UserId,
    pub(crate) device: DeviceId,
    pub(crate) counter: u64,
    pub(crate) time: TimeMs,
    pub(crate) is_change: bool,
}

/// Everything that happened between two users.
#[derive(Debug)]
pub(crate) struct Model {
    chat: ChatId,
    /// In ascending order.
    pair: [UserId; 2],
    /// Of every event.
    times: Vec<TimeMs>,
    accepted: Vec<Accepted>,
    messages: Vec<Kept>,
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
            accepted: vec![],
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

    pub(crate) fn last_message(&self) -> Version {
        self.messages.last().map_or(Version(0), |message| message.target.version)
    }

    pub(crate) fn last_is_acted(&self) -> bool {
        self.messages.last().is_some_and(Kept::is_acted)
    }

    pub(crate) fn pins(&self) -> Vec<Target> {
        pins(self.messages.iter())
    }

    pub(crate) fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    pub(crate) fn messages(&self) -> Vec<&Kept> {
        self.messages.iter().collect()
    }

    pub(crate) fn delivered(&self, user: &UserId) -> u64 {
        self.delivered.iter().filter(|(who, _)| who == user).count() as u64
    }

    pub(crate) fn read(&self, user: &UserId) -> u64 {
        self.read.iter().filter(|(who, _)| who == user).count() as u64
    }

    pub(crate) fn unread(&self, user: &UserId) -> u64 {
        let has_read = |message: &Kept| self.read.contains(&(user.clone(), message.target.seq.0));
        let others = self.messages.iter().filter(|message| message.author != *user && !message.is_deleted());
        others.filter(|message| !has_read(message)).count() as u64
    }

    /// The user's devices that the chat still knows: those that wrote last.
    pub(crate) fn known_devices(&self, user: &UserId) -> BTreeSet<&DeviceId> {
        let mut known = BTreeSet::new();
        for accepted in self.accepted.iter().rev().filter(|accepted| accepted.sender == *user) {
            if known.len() < DEVICES_MAX {
                known.insert(&accepted.device);
            }
        }
        known
    }

    /// What the chat still recognises of a device, in ascending order of counter: what was accepted since it was last
    /// forgotten, unless its counter lies a window or more below the highest.
    pub(crate) fn recognised(&self, user: &UserId, device: &DeviceId) -> Vec<&Accepted> {
        let since = self.since_forgotten(user, device);
        let highest = since.iter().map(|accepted| accepted.counter).max().unwrap_or_default();
        let mut inside: Vec<_> = since.into_iter().filter(|accepted| highest - accepted.counter < WINDOW).collect();
        inside.sort_by_key(|accepted| accepted.counter);
        inside
    }

    /// A device is forgotten once so many others of the user wrote after it.
    fn since_forgotten(&self, user: &UserId, device: &DeviceId) -> Vec<&Accepted> {
        let (mut since, mut others) = (vec![], BTreeSet::new());
        for accepted in self.accepted.iter().rev().filter(|accepted| accepted.sender == *user) {
            if accepted.device == *device {
                since.push(accepted);
                others.clear();
                continue;
            }
            others.insert(&accepted.device);
            if others.len() == DEVICES_MAX {
                break;
            }
        }
        since
    }
}
