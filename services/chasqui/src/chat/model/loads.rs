//! What is to be asked for: one question at a time.

use std::time::Duration;

use chasqui_domain::Seq;

use super::{
    super::{
        changes::Changes,
        limits::{LOAD_AGAIN, LOAD_AGAIN_LATER, PAGE_MESSAGES},
        scroll::Seen,
        timeline::{Load, Timeline},
    },
    Effect,
    doubts::Doubts,
};

#[derive(Debug, Default)]
pub(super) struct Loads {
    is_under_way: bool,
    /// Not before.
    after: Duration,
    is_summary_here: bool,
    summary: Answer,
    /// The newest changes of a group.
    changes: Answer,
    /// Whether the end must be asked for: what came meanwhile was not among the updates.
    end: End,
    doubts: Doubts,
    /// Nothing lies below this seq. Seqs begin at 1, but a server may not have all.
    bottom: Option<Seq>,
}

/// How fresh an answer is. One that was asked for before it was wanted again is old when it comes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Answer {
    #[default]
    Wanted,
    Asked,
    Here,
}

impl Answer {
    /// An answer is here.
    fn came(&mut self) {
        if *self == Self::Asked {
            *self = Self::Here;
        }
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Wanted,
    Here,
}

impl Loads {
    /// The next question.
    pub(super) fn next(
        &mut self,
        seen: &Seen,
        is_following: bool,
        timeline: &Timeline,
        changes: Option<&Changes>,
        now: Duration,
    ) -> Option<Effect> {
        if self.is_under_way || now < self.after {
            return None;
        }
        let newest = self.newest(changes.is_some());
        let messages = newest.or_else(|| self.messages(seen, is_following, timeline));
        let doubtful = messages.or_else(|| self.doubts.next(timeline).map(Effect::Load));
        let effect = doubtful.or_else(|| self.older_changes(seen, timeline, changes?))?;
        match &effect {
            Effect::Summary | Effect::Refresh => self.summary = Answer::Asked,
            Effect::Changes(None) => self.changes = Answer::Asked,
            _ => {}
        }
        self.is_under_way = true;
        Some(effect)
    }

    fn newest(&self, has_changes: bool) -> Option<Effect> {
        if self.summary != Answer::Here {
            return Some(if self.is_summary_here { Effect::Refresh } else { Effect::Summary });
        }
        if self.end == End::Wanted {
            return Some(Effect::Load(Load::Last));
        }
        (has_changes && self.changes != Answer::Here).then_some(Effect::Changes(None))
    }

    fn messages(&self, seen: &Seen, is_following: bool, timeline: &Timeline) -> Option<Effect> {
        let (Some(first), Some(last)) = (timeline.first(), timeline.last()) else {
            return (!timeline.has_last()).then_some(Effect::Load(Load::Last));
        };
        if !timeline.has_last() && seen.is_near_end {
            let is_far = timeline.last_seq().0 - last.0 > u64::from(PAGE_MESSAGES);
            return Some(Effect::Load(if is_following && is_far { Load::Last } else { Load::After(last) }));
        }
        (seen.is_near_top && !self.is_top(timeline)).then_some(Effect::Load(Load::Before(first)))
    }

    /// Whether nothing lies above the messages that are here.
    pub(super) fn is_top(&self, timeline: &Timeline) -> bool {
        timeline.first().is_none_or(|first| first <= Seq(1) || self.bottom == Some(first))
    }

    /// Those between the messages that are here; those above them once that is what is looked at.
    fn older_changes(&self, seen: &Seen, timeline: &Timeline, changes: &Changes) -> Option<Effect> {
        let is_top = self.is_top(timeline) && seen.is_near_top;
        let first = timeline.first().filter(|_| self.end == End::Here);
        let place = changes.older(first.unwrap_or_default(), is_top)?;
        (first.is_some() || is_top).then_some(Effect::Changes(Some(place)))
    }

    pub(super) fn changes_answered(&mut self, is_newest: bool) {
        self.is_under_way = false;
        if is_newest {
            self.changes.came();
        }
    }

    /// A group has changed since it was asked for.
    pub(super) fn refresh_summary(&mut self) {
        self.summary = Answer::Wanted;
    }

    /// Something was changed in a group that is not among the updates.
    pub(super) fn refresh_changes(&mut self) {
        self.changes = Answer::Wanted;
    }

    /// A message must be asked for again. One that is not here may be on its way, as it was before.
    pub(super) fn doubt(&mut self, seq: Seq, timeline: &Timeline) {
        if self.is_under_way || timeline.has(seq) {
            self.doubts.add(seq);
        }
    }

    /// The answer to the question is here, up to a message; `is_new` tells whether it has any that were not here.
    pub(super) fn answered(&mut self, load: Load, last: Option<Seq>, is_new: bool, now: Duration) {
        self.is_under_way = false;
        match load {
            Load::Last => self.end = End::Here,
            Load::Before(seq) if !is_new => self.bottom = Some(seq),
            Load::Before(_) => {}
            // What was announced is not there yet.
            Load::After(_) if !is_new => self.after = now + LOAD_AGAIN,
            Load::After(_) => {}
            Load::Again { .. } => self.doubts.answered(last),
        }
    }

    /// The summary is here. In a chat without messages there is nothing more to ask for.
    pub(super) fn has_summary(&mut self, is_empty: bool) {
        self.is_under_way = false;
        self.is_summary_here = true;
        self.summary.came();
        if is_empty {
            self.end = End::Here;
        }
    }

    pub(super) fn is_summary_here(&self) -> bool {
        self.is_summary_here
    }

    pub(super) fn failed(&mut self, is_retryable: bool, now: Duration) {
        self.is_under_way = false;
        self.doubts.failed();
        self.after = now + if is_retryable { LOAD_AGAIN } else { LOAD_AGAIN_LATER };
    }

    /// What came meanwhile was not among the updates.
    pub(super) fn missed(&mut self) {
        self.end = End::Wanted;
        self.is_summary_here = false;
        (self.summary, self.changes) = (Answer::Wanted, Answer::Wanted);
    }
}
