//! What is to be asked for: one question at a time.

use std::time::Duration;

use chasqui_domain::Seq;

use super::{
    super::{
        limits::{LOAD_AGAIN, LOAD_AGAIN_LATER, PAGE_MESSAGES},
        scroll::Seen,
        timeline::{Load, Timeline},
    },
    Effect,
};

#[derive(Debug, Default)]
pub(super) struct Loads {
    is_under_way: bool,
    /// Not before.
    after: Duration,
    summary: Summary,
    /// Whether the end must be asked for: what came meanwhile was not among the updates.
    end: End,
    /// Nothing lies below this seq. Seqs begin at 1, but a server may not have all.
    bottom: Option<Seq>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Summary {
    #[default]
    Wanted,
    Here,
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
        now: Duration,
    ) -> Option<Effect> {
        if self.is_under_way || now < self.after {
            return None;
        }
        let effect = self.wanted(seen, is_following, timeline)?;
        self.is_under_way = true;
        Some(effect)
    }

    fn wanted(&self, seen: &Seen, is_following: bool, timeline: &Timeline) -> Option<Effect> {
        if self.summary == Summary::Wanted {
            return Some(Effect::Summary);
        }
        if self.end == End::Wanted {
            return Some(Effect::Load(Load::Last));
        }
        let (Some(first), Some(last)) = (timeline.first(), timeline.last()) else {
            return (timeline.last_seq() > Seq(0)).then_some(Effect::Load(Load::Last));
        };
        if !timeline.has_last() && seen.is_near_end {
            let is_far = timeline.last_seq().0 - last.0 > u64::from(PAGE_MESSAGES);
            return Some(Effect::Load(if is_following && is_far { Load::Last } else { Load::After(last) }));
        }
        let has_older = first > Seq(1) && self.bottom != Some(first);
        (seen.is_near_top && has_older).then_some(Effect::Load(Load::Before(first)))
    }

    /// The answer to the question is here; `is_new` tells whether it changed anything.
    pub(super) fn answered(&mut self, load: Load, is_new: bool, now: Duration) {
        self.is_under_way = false;
        match load {
            Load::Last => self.end = End::Here,
            Load::Before(seq) if !is_new => self.bottom = Some(seq),
            Load::Before(_) => {}
            // What was announced is not there yet.
            Load::After(_) if !is_new => self.after = now + LOAD_AGAIN,
            Load::After(_) => {}
        }
    }

    /// The summary is here. In a chat without messages there is nothing more to ask for.
    pub(super) fn has_summary(&mut self, is_empty: bool) {
        self.is_under_way = false;
        self.summary = Summary::Here;
        if is_empty {
            self.end = End::Here;
        }
    }

    pub(super) fn is_summary_here(&self) -> bool {
        self.summary == Summary::Here
    }

    pub(super) fn failed(&mut self, is_retryable: bool, now: Duration) {
        self.is_under_way = false;
        self.after = now + if is_retryable { LOAD_AGAIN } else { LOAD_AGAIN_LATER };
    }

    /// What came meanwhile was not among the updates.
    pub(super) fn missed(&mut self) {
        self.end = End::Wanted;
        self.summary = Summary::Wanted;
    }
}
