//! A message in the plainest way: with all that was ever done to it, through which each answer is found. Of the domain
//! it uses the types, none of the rules.

mod asked;
mod reactions;

use std::collections::BTreeMap;

use chasqui_domain::{Change, Epoch, Event, EventKind, Message, Target, TimeMs, UserId, Version};

pub(crate) use asked::Asker;

/// Something that was done to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Act {
    version: Version,
    time: TimeMs,
    by: UserId,
    change: Change,
}

/// A message, and what was done to it, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) target: Target,
    pub(crate) author: UserId,
    time: TimeMs,
    epoch: Epoch,
    acts: Vec<Act>,
}

impl Kept {
    /// A new message.
    pub(crate) fn of(event: &Event) -> Self {
        let EventKind::Message { seq, sender, body, .. } = &event.kind else { panic!("not a message: {event:?}") };
        let target = Target { seq: *seq, version: event.version };
        Self { target, author: sender.clone(), time: event.time, epoch: body.epoch, acts: vec![] }
    }

    /// Something is done to it.
    pub(crate) fn keep(&mut self, event: &Event) {
        let EventKind::Changed { by, change, .. } = &event.kind else { panic!("not an action: {event:?}") };
        let (version, time) = (event.version, event.time);
        self.acts.push(Act { version, time, by: by.clone(), change: change.clone() });
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted().is_some()
    }

    pub(crate) fn is_acted(&self) -> bool {
        !self.acts.is_empty()
    }

    /// By which event it is pinned.
    pub(crate) fn pinned(&self) -> Option<Version> {
        let is_about = |act: &&Act| matches!(act.change, Change::Pin { .. } | Change::Unpin { .. });
        let last = self.acts.iter().rfind(is_about).filter(|act| matches!(act.change, Change::Pin { .. }));
        last.filter(|_| !self.is_deleted()).map(|act| act.version)
    }

    /// What is to be known of it.
    pub(crate) fn state(&self) -> Message {
        let edits = self.acts.iter().filter(|act| matches!(act.change, Change::Edit { .. }));
        let mut actions = BTreeMap::new();
        for act in &self.acts {
            actions.insert(act.by.clone(), self.acts_of(&act.by) as u32);
        }
        Message {
            target: self.target,
            version: self.acts.last().map_or(self.target.version, |act| act.version),
            author: self.author.clone(),
            time: self.time,
            epoch: self.epoch,
            deleted: self.deleted(),
            edits: edits.map(|act| (act.version, act.time)).collect(),
            reactions: self.reactions(),
            actions,
        }
    }

    fn deleted(&self) -> Option<TimeMs> {
        self.acts.iter().find(|act| matches!(act.change, Change::Delete { .. })).map(|act| act.time)
    }

    fn acts_of(&self, user: &UserId) -> usize {
        self.acts.iter().filter(|act| act.by == *user).count()
    }
}

/// The messages that are pinned, in the order in which they were.
pub(crate) fn pins<'a>(all: impl Iterator<Item = &'a Kept>) -> Vec<Target> {
    let mut pinned: Vec<_> = all.filter_map(|kept| Some((kept.pinned()?, kept.target))).collect();
    pinned.sort_unstable();
    pinned.into_iter().map(|(_, target)| target).collect()
}
