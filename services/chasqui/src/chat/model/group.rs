//! What there is to know of a group beside its messages.

use std::{collections::BTreeMap, time::Duration};

use chasqui_client::{Asked, ChangeAsked};
use chasqui_domain::{Seq, Version};
use chasqui_wire::frames::{self, Changed, ChatItem, Counts, Done, OthersReceipt};

use super::{
    super::{
        actions::Action,
        changes::{self, Changes, LEFT, NOT_IN_IT},
        command,
        limits::COUNTS_MAX,
        scroll::Scroll,
        text::clean_line,
        timeline::Timeline,
    },
    Model,
    outgoing::Outcome,
};

/// The chat in the list, and of a group what all others have where that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::chat) struct Summary {
    pub(in crate::chat) item: ChatItem,
    pub(in crate::chat) others: Option<OthersReceipt>,
}

/// How far an own message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::chat) enum Reach {
    Sent,
    /// On devices of so many of so many.
    DeliveredTo(u32, u32),
    /// Opened by so many of so many, and whether all of them have it.
    ReadBy(u32, u32, bool),
    Delivered,
    Read,
}

/// How many others had a message when it was told last, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    delivered: u32,
    read: u32,
    of: u32,
}

#[derive(Debug, Default)]
pub(in crate::chat) struct Group {
    /// Clean; none while it is not known.
    pub(in crate::chat) title: Option<String>,
    pub(in crate::chat) members_count: Option<u32>,
    pub(in crate::chat) changes: Changes,
    /// Why nothing can be written any more.
    pub(in crate::chat) over: Option<String>,
    others: Option<OthersReceipt>,
    counts: BTreeMap<Seq, Count>,
}

impl Group {
    pub(in crate::chat) fn reach(&self, seq: Seq) -> Reach {
        let Some(others) = self.others.filter(|others| others.count > 0) else { return Reach::Sent };
        let is_delivered = seq <= others.delivered;
        match self.counts.get(&seq) {
            _ if seq <= others.read => Reach::Read,
            Some(count) if count.read > 0 => Reach::ReadBy(count.read, count.of, is_delivered),
            _ if is_delivered => Reach::Delivered,
            Some(count) if count.delivered > 0 => Reach::DeliveredTo(count.delivered, count.of),
            _ => Reach::Sent,
        }
    }

    fn described(&mut self, summary: &Summary) {
        if let Some(group) = &summary.item.group {
            self.title = group.title.as_deref().map(clean_line);
            self.members_count = Some(group.members_count);
            if let Some(others) = &mut self.others {
                others.count = group.members_count.saturating_sub(1);
            }
        }
        if let Some(others) = summary.others {
            self.others(others);
        }
    }

    /// What all others have never goes back; an answer may be older than what came meanwhile.
    pub(super) fn others(&mut self, others: OthersReceipt) {
        let known = self.others.unwrap_or(others);
        let (delivered, read) = (others.delivered.max(known.delivered), others.read.max(known.read));
        self.others = Some(OthersReceipt { count: others.count, delivered, read });
        self.counts = self.counts.split_off(&read.next());
    }

    fn counted(&mut self, counts: Counts) {
        let of = counts.others.count;
        for frames::MessageCount { seq, delivered, read } in counts.messages {
            self.counts.insert(seq, Count { delivered, read, of });
        }
        self.others(counts.others);
        while self.counts.len() > COUNTS_MAX {
            self.counts.pop_first();
        }
    }
}

impl Model {
    /// How far an own message has come.
    pub(in crate::chat) fn reach(&self, seq: Seq) -> Reach {
        match &self.group {
            Some(group) => group.reach(seq),
            None if seq <= self.theirs.read => Reach::Read,
            None if seq <= self.theirs.delivered => Reach::Delivered,
            None => Reach::Sent,
        }
    }

    /// Why nothing can be written any more.
    pub(in crate::chat) fn over(&self) -> Option<&str> {
        self.group.as_ref()?.over.as_deref()
    }

    pub(super) fn summarised(&mut self, summary: Option<&Summary>) {
        let Some(group) = &mut self.group else { return };
        match summary {
            Some(summary) => group.described(summary),
            // A group in which somebody is stands in their list.
            None => drop(group.over.get_or_insert_with(|| NOT_IN_IT.to_owned())),
        }
    }

    /// What came meanwhile was not among the updates.
    pub(super) fn missed(&mut self) {
        self.loads.missed();
        self.doubt_all();
        if let Some(group) = &mut self.group {
            group.changes.missed();
            // Whether the user is in it will be seen.
            group.over = None;
        }
    }

    pub(super) fn changed(&mut self, changed: &Changed) {
        if let Some(action) = Action::made(&changed.change) {
            return self.acted(action, changed.time, false);
        }
        let is_of_before = self.timeline.first().is_some_and(|first| first <= changed.after);
        if changes::is_added(changed, &self.me) && (is_of_before || self.over().is_some()) {
            // What lies between is not shown to who comes again, so nothing would join what was before with what follows.
            (self.timeline, self.scroll, self.divider) = (Timeline::default(), Scroll::Following, None);
            self.missed();
        }
        let Some(group) = &mut self.group else { return };
        group.changes.came(changed);
        if let Some(why) = changes::parting(changed, &self.me) {
            group.over = Some(why);
        }
        self.loads.refresh_summary();
    }

    pub(super) fn done(&mut self, asked: Option<&Asked>, done: Done, now: Duration) {
        let outgoing = self.outgoing.take(done.id);
        if outgoing.is_none() {
            self.outgoing.overtook(done.id, Outcome::Done(done.clone()));
        }
        let asked = match asked {
            Some(Asked::Change(frame)) => Some(&frame.change),
            _ => None,
        };
        match asked.or(outgoing.as_ref().and_then(|outgoing| outgoing.wish.change.as_ref())) {
            Some(change) => self.done_to(change, &done, now),
            // Another run has asked for it.
            None => {
                self.doubt_all();
                self.group_changed();
            }
        }
    }

    fn done_to(&mut self, change: &ChangeAsked, done: &Done, now: Duration) {
        if let (Some(group), ChangeAsked::Leave {}) = (&mut self.group, change) {
            group.over = Some(LEFT.to_owned());
        } else if done.repeated {
            let line = clean_line(&command::line(change));
            self.notify(format!("{line}: done before, or nothing to change"), now);
        }
        if let Some(action) = Action::asked(change) {
            return self.acted(action, done.time, done.repeated);
        }
        self.group_changed();
    }

    fn group_changed(&mut self) {
        self.loads.refresh_summary();
        self.loads.refresh_changes();
    }

    pub(super) fn counts(&mut self, counts: Counts) {
        if let Some(group) = &mut self.group {
            group.counted(counts);
        }
    }

    pub(super) fn changes_loaded(&mut self, before: Option<Version>, page: frames::Changes) {
        if let Some(group) = &mut self.group {
            group.changes.loaded(before, page);
        }
        self.loads.changes_answered(before.is_none());
    }
}
