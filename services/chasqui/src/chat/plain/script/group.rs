//! What is printed for what happens in a group alone.

use chasqui_client::Asked;
use chasqui_domain::Counter;
use chasqui_wire::frames::{ChangeAsked, Changed, Counts, Done};

use super::{
    super::super::changes::{self, LEFT, NOT_IN_IT},
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

    pub(super) fn done(&mut self, asked: Option<&Asked>, done: &Done) -> Vec<Effect> {
        if !self.pending.remove(&done.id) {
            return Vec::new();
        }
        if matches!(asked, Some(Asked::Change(frame)) if matches!(frame.change, ChangeAsked::Leave {})) {
            self.is_over(LEFT.to_owned(), true);
        }
        vec![Effect::Print(format!("✓ {}", done.id)), Effect::Progress]
    }

    /// A change may be the last that the user is told of the group.
    pub(super) fn parts(&mut self, changed: &Changed) {
        if let Some(why) = changes::parting(changed, &self.me) {
            self.is_over(why, false);
        }
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
