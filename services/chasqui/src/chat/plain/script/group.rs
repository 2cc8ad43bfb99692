//! What is printed for what happens in a group alone.

use std::collections::VecDeque;

use chasqui_client::Asked;
use chasqui_domain::{Counter, Seq};
use chasqui_wire::frames::{ChangeAsked, Changed, Counts, Done, Failed, Sent};

use super::{
    super::super::{
        changes::{self, Key, LEFT, NOT_IN_IT},
        limits::CHANGES_MAX,
        text::clean_line,
        times,
    },
    Effect, Script,
};

/// The user is no longer in the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Over {
    pub(in super::super) why: String,
    /// This script has asked for it.
    pub(in super::super) is_wanted: bool,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    over: Option<Over>,
    /// The id of the wish to leave.
    leaving: Option<Counter>,
    last_own: Option<Seq>,
    inbox: Inbox,
    /// Changes that are printed before the messages behind them.
    missed: VecDeque<Changed>,
    /// What was printed last: the inbox and the history tell of the same.
    printed: VecDeque<Key>,
}

/// What it takes to tell which changes were missed: unlike messages, they are not marked as read.
#[derive(Debug, Default)]
enum Inbox {
    /// The session doesn't go on: all may have been.
    #[default]
    New,
    /// It goes on, and is read up to where it was when it began; these changes are in it.
    Awaited(VecDeque<Key>),
    /// These changes are news, and those behind messages that are news.
    Read(VecDeque<Key>),
}

impl Script {
    pub(in super::super) fn is_group(&self) -> bool {
        self.group.is_some()
    }

    pub(in super::super) fn over(&self) -> Option<&Over> {
        self.group.as_ref()?.over.as_ref()
    }

    /// The user leaves: what is written before that has its outcome would be refused.
    pub(in super::super) fn leaves(&mut self, id: Counter) {
        self.queued(id);
        if let Some(group) = &mut self.group {
            group.leaving = Some(id);
        }
    }

    pub(in super::super) fn is_leaving(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.leaving.is_some())
    }

    /// The last message of this run.
    pub(in super::super) fn last_own(&self) -> Option<Seq> {
        self.group.as_ref()?.last_own
    }

    /// A wish was refused.
    pub(super) fn stays(&mut self, id: Counter) {
        if let Some(group) = &mut self.group {
            group.leaving = group.leaving.filter(|leaving| *leaving != id);
        }
    }

    pub(super) fn not_in_it(&mut self) {
        self.is_over(NOT_IN_IT.to_owned(), false);
    }

    fn is_over(&mut self, why: String, is_wanted: bool) {
        if let Some(group) = &mut self.group {
            group.over.get_or_insert(Over { why, is_wanted });
        }
    }

    /// The user is in the group all the same.
    pub(in super::super) fn comes_back(&mut self) {
        if let Some(group) = &mut self.group {
            group.over = None;
        }
    }

    /// Whether what was missed is to be asked for now, as a session begins.
    pub(super) fn missed_now(&mut self, resumed: bool, has_asked: bool) -> bool {
        let Some(group) = &mut self.group else { return !resumed || !has_asked };
        match (resumed, has_asked) {
            (false, _) => {
                group.inbox = Inbox::New;
                true
            }
            (true, false) => {
                group.inbox = Inbox::Awaited(VecDeque::new());
                false
            }
            (true, true) => false,
        }
    }

    pub(super) fn waits_for_inbox(&self) -> bool {
        self.group.as_ref().is_some_and(|group| matches!(group.inbox, Inbox::Awaited(_)))
    }

    /// The inbox is read; gives whether that was waited for.
    pub(super) fn stops_waiting(&mut self) -> bool {
        let waited = self.waits_for_inbox();
        if let Some(group) = &mut self.group
            && let Inbox::Awaited(news) = &mut group.inbox
        {
            group.inbox = Inbox::Read(std::mem::take(news));
        }
        waited
    }

    /// A change out of the inbox.
    pub(super) fn told(&mut self, changed: &Changed) -> Vec<Effect> {
        if let Some(group) = &mut self.group
            && let Inbox::Awaited(news) = &mut group.inbox
            && changes::parting(changed, &self.me).is_none()
        {
            push(news, Key::from(changed));
            return Vec::new();
        }
        self.changed(changed)
    }

    /// In a group, where there is more that can go wrong, with the code.
    pub(super) fn why(&self, failed: &Failed) -> String {
        let why = clean_line(&failed.message);
        if self.is_group() { format!("{}: {why}", failed.code.as_str()) } else { why }
    }

    pub(super) fn accepted(&mut self, sent: &Sent) -> String {
        match &mut self.group {
            Some(group) => {
                group.last_own = group.last_own.max(Some(sent.seq));
                format!("✓ {} #{}", sent.id, sent.seq)
            }
            None => format!("✓ {}", sent.id),
        }
    }

    pub(super) fn done(&mut self, asked: Option<&Asked>, done: &Done) -> Vec<Effect> {
        if !self.pending.remove(&done.id) {
            return Vec::new();
        }
        if matches!(asked, Some(Asked::Change(frame)) if matches!(frame.change, ChangeAsked::Leave {})) {
            self.is_over(LEFT.to_owned(), true);
        }
        vec![Effect::Print(format!("✓ {}", done.id)), Effect::Progress]
    }

    /// A change, live or from the history; one that was printed before is a repeat.
    fn changed(&mut self, changed: &Changed) -> Vec<Effect> {
        let Some(group) = &mut self.group else { return Vec::new() };
        let key = Key::from(changed);
        if group.printed.contains(&key) {
            return Vec::new();
        }
        push(&mut group.printed, key);
        if let Some(why) = changes::parting(changed, &self.me) {
            self.is_over(why, false);
        }
        // Of its own, this device is told that they are done.
        let is_own = changed.by == self.me && changed.device == self.device;
        let line = format!("{} * {}", times::clock(changed.time, &self.zone), changes::told(changed));
        if is_own { Vec::new() } else { vec![Effect::Print(line)] }
    }

    /// Takes the changes behind a message, in the chat's order, of which those may be known that come right behind it.
    pub(in super::super) fn missed_changes(&mut self, from: Seq, mut changes: Vec<Changed>) {
        let Some(group) = &mut self.group else { return };
        if let Inbox::Read(news) = &group.inbox {
            changes.retain(|changed| changed.after > from || news.contains(&Key::from(changed)));
        }
        group.missed = changes.into();
    }

    /// Those in front of a message.
    pub(super) fn missed_before(&mut self, seq: Seq) -> Vec<Effect> {
        let mut effects = Vec::new();
        while let Some(group) = &mut self.group
            && group.missed.front().is_some_and(|changed| changed.after < seq)
            && let Some(changed) = group.missed.pop_front()
        {
            effects.extend(self.changed(&changed));
        }
        effects
    }

    /// Those behind all messages that were missed.
    pub(in super::super) fn missed_all(&mut self) -> Vec<Effect> {
        let missed = self.group.as_mut().map(|group| std::mem::take(&mut group.missed)).unwrap_or_default();
        missed.iter().flat_map(|changed| self.changed(changed)).collect()
    }

    /// How many have the messages of this run. What all have comes last.
    pub(super) fn counts(&mut self, counts: &Counts) -> Vec<Effect> {
        let (mut effects, of) = (Vec::new(), counts.others.count);
        for count in &counts.messages {
            let Some(awaited) = self.sent.get_mut(&count.seq) else { continue };
            let (delivered, read) = std::mem::replace(&mut awaited.told, (count.delivered, count.read));
            if count.delivered > delivered && count.delivered < of && count.seq > counts.others.delivered {
                effects.push(Effect::Print(format!("✓ {} delivered {}/{of}", awaited.id, count.delivered)));
            }
            if count.read > read && count.read < of && count.seq > counts.others.read {
                effects.push(Effect::Print(format!("✓ {} read {}/{of}", awaited.id, count.read)));
            }
        }
        effects.extend(self.receipt(counts.others.delivered, counts.others.read));
        effects
    }
}

fn push(keys: &mut VecDeque<Key>, key: Key) {
    keys.push_back(key);
    if keys.len() > CHANGES_MAX {
        keys.pop_front();
    }
}
