//! What was missed, and what the inbox tells of it.

use std::collections::VecDeque;

use chasqui_domain::Seq;
use chasqui_wire::frames::Changed;

use super::{
    super::super::{
        actions::Action,
        changes::{self, Key},
        limits::CHANGES_MAX,
        times,
    },
    Effect, Script,
};

/// What it takes to tell which changes were missed: unlike messages, they are not marked as read.
#[derive(Debug, Default)]
pub(super) enum Inbox {
    /// The session doesn't go on: all may have been.
    #[default]
    New,
    /// It goes on, and is read up to where it was when it began; these are in it.
    Awaited(News),
    /// These are news, and those behind messages that are news.
    Read(News),
}

/// Changes that were told before what was missed is read.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Of the group. The history has them, too.
    changes: VecDeque<Key>,
    /// What was done to messages. The history has messages as they are now.
    actions: VecDeque<Changed>,
}

impl Script {
    /// Whether what was missed is to be asked for now, as a session begins.
    pub(super) fn missed_now(&mut self, resumed: bool, has_asked: bool) -> bool {
        match (resumed, has_asked) {
            (false, _) => {
                self.inbox = Inbox::New;
                true
            }
            (true, false) => {
                self.inbox = Inbox::Awaited(News::default());
                false
            }
            (true, true) => false,
        }
    }

    pub(super) fn waits_for_inbox(&self) -> bool {
        matches!(self.inbox, Inbox::Awaited(_))
    }

    /// The inbox is read; gives whether that was waited for.
    pub(super) fn stops_waiting(&mut self) -> bool {
        let waited = self.waits_for_inbox();
        if let Inbox::Awaited(news) = &mut self.inbox {
            self.inbox = Inbox::Read(std::mem::take(news));
        }
        waited
    }

    /// A change out of the inbox.
    pub(super) fn told(&mut self, changed: Changed) -> Vec<Effect> {
        if let Inbox::Awaited(news) = &mut self.inbox
            && changes::parting(&changed, &self.me).is_none()
        {
            match Action::made(&changed.change) {
                Some(_) => push(&mut news.actions, changed),
                None => push(&mut news.changes, Key::from(&changed)),
            }
            return Vec::new();
        }
        self.changed(&changed)
    }

    /// A change, live or from the history; one that was printed before is a repeat.
    fn changed(&mut self, changed: &Changed) -> Vec<Effect> {
        let key = Key::from(changed);
        if self.told.contains(&key) {
            return Vec::new();
        }
        push(&mut self.told, key);
        self.parts(changed);
        // Of its own, this device is told that they are done.
        let is_own = changed.by == self.me && changed.device == self.device;
        let line = format!("{} * {}", times::clock(changed.time, &self.zone), changes::told(changed));
        if is_own { Vec::new() } else { vec![Effect::Print(line)] }
    }

    /// Takes the changes of a group behind a message, in the chat's order, of which those may be known that come right
    /// behind it. With them stands what was done to messages before it; those behind it will come as they are now.
    pub(in super::super) fn missed_changes(&mut self, from: Seq, mut changes: Vec<Changed>) {
        if let Inbox::Read(news) = &mut self.inbox {
            changes.retain(|changed| changed.after > from || news.changes.contains(&Key::from(changed)));
            let is_before = |changed: &Changed| Action::made(&changed.change).is_some_and(|it| it.seq() <= from);
            changes.extend(std::mem::take(&mut news.actions).into_iter().filter(is_before));
            changes.sort_by_key(|changed| (changed.after, changed.time));
        }
        self.missed = changes.into();
    }

    /// Those in front of a message.
    pub(super) fn missed_before(&mut self, seq: Seq) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(changed) = self.missed.pop_front_if(|changed| changed.after < seq) {
            effects.extend(self.changed(&changed));
        }
        effects
    }

    /// Those behind all messages that were missed.
    pub(in super::super) fn missed_all(&mut self) -> Vec<Effect> {
        let missed = std::mem::take(&mut self.missed);
        missed.iter().flat_map(|changed| self.changed(changed)).collect()
    }
}

fn push<T>(list: &mut VecDeque<T>, item: T) {
    list.push_back(item);
    if list.len() > CHANGES_MAX {
        list.pop_front();
    }
}
