//! A group in the plainest way: it keeps everything that ever happened and finds each answer by going through it. Of
//! the domain it uses the types of commands and decisions, none of the rules.

mod changes;
mod counts;
mod decisions;

use std::collections::BTreeSet;

use chasqui_domain::{ChatId, DeviceId, ProfilePart, Role, Target, TimeMs, UserId};

use crate::kept::{Kept, pins};

const WINDOW: u64 = 128;

/// One time that somebody was in the group, from coming to going.
#[derive(Debug, Clone)]
pub(crate) struct Stay {
    pub(crate) user: UserId,
    /// The event by which they came.
    pub(crate) since: u64,
    /// How many messages there were before.
    after: u64,
    has_gone: bool,
    /// One after the other.
    roles: Vec<Role>,
    /// The messages since that they have.
    has: BTreeSet<u64>,
    /// The messages since that they opened.
    opened: BTreeSet<u64>,
}

/// A message that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    kept: Kept,
    /// During which stay.
    stay: usize,
}

/// Something that was accepted from a device.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    pub(crate) counter: u64,
    pub(crate) seq: u64,
    pub(crate) time: TimeMs,
    pub(crate) is_change: bool,
}

/// Everything that happened in a group.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    chat: ChatId,
    founder: UserId,
    device: DeviceId,
    /// Of every event.
    times: Vec<TimeMs>,
    stays: Vec<Stay>,
    messages: Vec<Written>,
    accepted: Vec<Accepted>,
    titles: Vec<ProfilePart>,
    pictures: Vec<ProfilePart>,
}

impl Stay {
    pub(crate) fn role(&self) -> Role {
        self.roles.last().copied().unwrap_or(Role::Member)
    }

    /// What was written before they came doesn't wait for them.
    fn has(&self, seq: u64) -> bool {
        seq <= self.after || self.has.contains(&seq)
    }

    fn has_opened(&self, seq: u64) -> bool {
        seq <= self.after || self.opened.contains(&seq)
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.after + self.has.len() as u64
    }

    pub(crate) fn read(&self) -> u64 {
        self.after + self.opened.len() as u64
    }
}

impl Model {
    /// Nobody but the founder's device makes this chat, and only as its first.
    pub(crate) fn new(chat: ChatId, founder: UserId, device: DeviceId) -> Self {
        Self {
            chat,
            founder,
            device,
            times: vec![],
            stays: vec![],
            messages: vec![],
            accepted: vec![],
            titles: vec![],
            pictures: vec![],
        }
    }

    pub(crate) fn version(&self) -> u64 {
        self.times.len() as u64
    }

    pub(crate) fn last_seq(&self) -> u64 {
        self.messages.len() as u64
    }

    pub(crate) fn last_message(&self) -> u64 {
        self.messages.last().map_or(0, |message| message.kept.target.version.0)
    }

    pub(crate) fn last_is_acted(&self) -> bool {
        self.messages.last().is_some_and(|message| message.kept.is_acted())
    }

    pub(crate) fn pins(&self) -> Vec<Target> {
        pins(self.messages.iter().map(|message| &message.kept))
    }

    /// All messages that ever were.
    pub(crate) fn kept(&self) -> Vec<&Kept> {
        self.messages.iter().map(|message| &message.kept).collect()
    }

    pub(crate) fn last_time(&self) -> TimeMs {
        self.times.iter().copied().max().unwrap_or_default()
    }

    pub(crate) fn time_of(&self, version: u64) -> TimeMs {
        self.times[version as usize - 1]
    }

    pub(crate) fn title(&self) -> Option<&ProfilePart> {
        self.titles.last()
    }

    pub(crate) fn picture(&self) -> Option<&ProfilePart> {
        self.pictures.last()
    }

    /// Those who are in the group, in ascending order of user.
    pub(crate) fn here(&self) -> Vec<&Stay> {
        let mut here: Vec<_> = self.stays.iter().filter(|stay| !stay.has_gone).collect();
        here.sort_by_key(|stay| &stay.user);
        here
    }

    pub(crate) fn users(&self) -> Vec<UserId> {
        self.here().into_iter().map(|stay| stay.user.clone()).collect()
    }

    pub(crate) fn stay(&self, user: &UserId) -> Option<&Stay> {
        self.here().into_iter().find(|stay| stay.user == *user)
    }

    fn stay_mut(&mut self, user: &UserId) -> &mut Stay {
        self.stays.iter_mut().find(|stay| !stay.has_gone && stay.user == *user).unwrap()
    }

    /// The messages of those who are here, in ascending order, with their authors, but for those that were deleted. Who
    /// went, and came again, left theirs behind.
    fn messages(&self) -> impl DoubleEndedIterator<Item = (u64, &UserId)> {
        let author = |message: &Written| {
            let stay = Some(&self.stays[message.stay]).filter(|stay| !stay.has_gone);
            stay.filter(|_| !message.kept.is_deleted())
        };
        let numbered = (1..).zip(&self.messages).collect::<Vec<_>>().into_iter();
        numbered.filter_map(move |(seq, message)| Some((seq, &author(message)?.user)))
    }

    /// How many messages somebody who is here has not opened; own ones are none of them.
    pub(crate) fn unread(&self, stay: &Stay) -> u64 {
        self.messages().filter(|(seq, author)| **author != stay.user && !stay.has_opened(*seq)).count() as u64
    }

    /// The devices that something was accepted from, in ascending order.
    pub(crate) fn devices(&self) -> BTreeSet<(&UserId, &DeviceId)> {
        self.accepted.iter().map(|accepted| (&accepted.user, &accepted.device)).collect()
    }

    pub(crate) fn highest(&self, user: &UserId, device: &DeviceId) -> u64 {
        self.of_device(user, device).map(|accepted| accepted.counter).max().unwrap_or_default()
    }

    /// What is still recognised of a device, in ascending order of counter: what lies within a window of the highest.
    pub(crate) fn recognised(&self, user: &UserId, device: &DeviceId) -> Vec<&Accepted> {
        let highest = self.highest(user, device);
        let mut inside: Vec<_> =
            self.of_device(user, device).filter(|accepted| highest - accepted.counter < WINDOW).collect();
        inside.sort_by_key(|accepted| accepted.counter);
        inside
    }

    fn of_device(&self, user: &UserId, device: &DeviceId) -> impl Iterator<Item = &Accepted> {
        self.accepted.iter().filter(move |accepted| (&accepted.user, &accepted.device) == (user, device))
    }
}
