//! What the screen shows and does, without terminal, network and clock: events in, effects out.

mod actions;
mod doubts;
mod events;
mod group;
mod keys;
mod loads;
mod outgoing;
mod updates;
mod written;

use std::time::Duration;

use chasqui_client::To;
use chasqui_domain::{ChatId, DeviceId, Seq, UserId};
use chasqui_wire::frames::MemberReceipt;
use jiff::tz::TimeZone;

use super::{
    limits::{DRAFT_WITHIN, NOTICE},
    line::Line,
    scroll::{self, Scroll},
    theme::Theme,
    timeline::{Item, Timeline},
};
pub(super) use events::{Effect, Event};
pub(super) use group::{Group, Reach, Summary};
use loads::Loads;
pub(super) use outgoing::{Outgoing, Stage, Ticket};
use outgoing::{Outgoings, Wish};
pub(super) use updates::{reason, why};

/// The connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    /// The inbox is being read.
    CatchingUp,
    Online,
    Offline {
        /// What the server said.
        why: Option<&'static str>,
    },
    Over(String),
}

/// How far a member has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) delivered: Seq,
    pub(super) read: Seq,
}

impl Marks {
    fn raise(&mut self, delivered: Seq, read: Seq) {
        self.delivered = self.delivered.max(delivered).max(read);
        self.read = self.read.max(read);
    }
}

#[derive(Debug)]
struct Notice {
    text: String,
    until: Duration,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) me: UserId,
    pub(super) to: To,
    /// When it is one.
    pub(super) group: Option<Group>,
    pub(super) zone: TimeZone,
    pub(super) theme: Theme,
    pub(super) link: Link,
    again_in: Option<Duration>,
    pub(super) timeline: Timeline,
    pub(super) outgoing: Outgoings,
    pub(super) line: Line,
    pub(super) scroll: Scroll,
    /// The first message that came while nobody looked.
    pub(super) divider: Option<Seq>,
    pub(super) theirs: Marks,
    pub(super) mine: Marks,
    pub(super) pinned: Vec<Seq>,
    /// The answer to what was asked last, until something is written.
    pub(super) answer: Option<Vec<String>>,
    is_asking: bool,
    pub(super) columns: u16,
    pub(super) rows: u16,
    chat: ChatId,
    device: Option<DeviceId>,
    is_focused: bool,
    loads: Loads,
    notice: Option<Notice>,
    /// Whether the screen shows something else by now.
    is_stale: bool,
    /// Since when the line differs from the draft that is kept.
    draft_since: Option<Duration>,
}

impl Model {
    pub(super) fn new(me: UserId, to: impl Into<To>, zone: TimeZone, theme: Theme) -> Self {
        let to = to.into();
        let chat = to.chat(&me);
        let group = matches!(to, To::Group(_)).then(Group::default);
        let outgoing = Outgoings::new(to.clone());
        Self {
            me,
            to,
            group,
            zone,
            theme,
            link: Link::Connecting,
            again_in: None,
            timeline: Timeline::default(),
            outgoing,
            line: Line::default(),
            scroll: Scroll::Following,
            divider: None,
            theirs: Marks::default(),
            mine: Marks::default(),
            pinned: Vec::new(),
            answer: None,
            is_asking: false,
            columns: 0,
            rows: 0,
            chat,
            device: None,
            is_focused: true,
            loads: Loads::default(),
            notice: None,
            is_stale: true,
            draft_since: None,
        }
    }

    /// Takes an event at a time, which never goes back.
    pub(super) fn apply(&mut self, event: Event, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        let (is_tick, before) = (matches!(event, Event::Tick { .. }), (self.again_in_s(), self.notice.is_some()));
        match event {
            Event::Key(key) => self.key(key, now, &mut effects),
            Event::Paste(text) => self.insert(&text, now),
            Event::Focus(is_focused) => self.is_focused = is_focused,
            Event::Resize { columns, rows } => (self.columns, self.rows) = (columns, rows),
            Event::Tick { again_in } => self.again_in = again_in,
            Event::Opened { device, unsent } => self.opened(device, unsent, &mut effects),
            Event::Update(update) => self.update(*update, now),
            Event::Summary(summary) => self.summary(summary.as_deref()),
            Event::Loaded(load, page) => self.loaded(load, page.messages, now),
            Event::Changes(before, page) => self.changes_loaded(before, page),
            Event::Answered(answer) => self.answered(answer, now),
            Event::NotLoaded { why, is_retryable } => {
                self.loads.failed(is_retryable, now);
                self.notify(format!("older messages can't be loaded: {why}"), now);
            }
            Event::Queued(ticket, id) => self.queued(ticket, id, now),
            Event::NotSent(ticket, why) => self.not_sent(ticket, &why, now),
            Event::Cut(ticket) => effects.extend(self.outgoing.cut(ticket)),
            Event::Over(why) => self.link = Link::Over(why),
            Event::Notice(text) => self.notify(text, now),
        }
        self.turn(now, &mut effects);
        self.is_stale |= !is_tick || before != (self.again_in_s(), self.notice.is_some());
        effects
    }

    /// Whether the screen must be drawn again, for whoever does that. Time alone seldom changes anything.
    pub(super) fn take_stale(&mut self) -> bool {
        std::mem::take(&mut self.is_stale)
    }

    /// In how many seconds the client connects again, as it is shown.
    pub(super) fn again_in_s(&self) -> Option<u64> {
        self.again_in.map(|again_in| again_in.as_secs() + 1)
    }

    /// How many messages wait for their outcome.
    pub(super) fn unsent(&self) -> usize {
        self.outgoing.iter().filter(|it| it.id.is_some() && !matches!(it.stage, Stage::Failed(_))).count()
    }

    /// Whether nothing lies above the messages that are here.
    pub(super) fn is_top(&self) -> bool {
        self.loads.is_top(&self.timeline)
    }

    /// What is said below the history.
    pub(super) fn notice(&self) -> Option<&str> {
        self.notice.as_ref().map(|notice| notice.text.as_str())
    }

    /// How many messages of the other user were not opened, and whether there may be more.
    pub(super) fn unread(&self) -> (usize, bool) {
        let is_unread = |item: &&Item| item.from != self.me && item.seq > self.mine.read && !item.is_deleted;
        let known = self.timeline.items().filter(is_unread).count();
        let is_all =
            self.timeline.has_last() && self.timeline.first().is_none_or(|first| first <= self.mine.read.next());
        (known, is_all)
    }

    fn notify(&mut self, text: String, now: Duration) {
        self.notice = Some(Notice { text, until: now + NOTICE });
    }

    /// Begins with a line that was typed before.
    pub(super) fn draft(&mut self, text: &str) {
        self.line = Line::new(text);
    }

    fn edited(&mut self, now: Duration) {
        self.draft_since.get_or_insert(now);
    }

    fn summary(&mut self, summary: Option<&Summary>) {
        self.summarised(summary);
        let Some(Summary { item, .. }) = summary else {
            self.loads.has_summary(true);
            return;
        };
        self.members(&item.members);
        self.pinned.clone_from(&item.pinned);
        self.timeline.know(item.last_seq);
        // Own messages above the mark are not new; and where new ones began is told once.
        if item.unread > 0 && self.divider.is_none() && !self.loads.is_summary_here() {
            self.divider = Some(self.mine.read.next());
        }
        self.loads.has_summary(item.last_seq == Seq(0));
    }

    fn members(&mut self, members: &[MemberReceipt]) {
        for MemberReceipt { user, delivered, read } in members {
            if let Some(marks) = self.marks_of(&user.clone()) {
                marks.raise(*delivered, *read);
            }
        }
    }

    fn marks_of(&mut self, user: &UserId) -> Option<&mut Marks> {
        if *user == self.me {
            Some(&mut self.mine)
        } else if matches!(&self.to, To::User(peer) if user == peer) {
            Some(&mut self.theirs)
        } else {
            None
        }
    }

    /// What follows from every event.
    fn turn(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        if self.notice.as_ref().is_some_and(|notice| notice.until <= now) {
            self.notice = None;
        }
        if self.draft_since.is_some_and(|since| since + DRAFT_WITHIN <= now) {
            self.keep_draft(effects);
        }
        let seen = scroll::seen(self);
        // Without a session there is nobody to ask, and who is in no group has nothing to ask; the header says so already.
        if matches!(self.link, Link::CatchingUp | Link::Online) && self.over().is_none() {
            let changes = self.group.as_ref().map(|group| &group.changes);
            effects.extend(self.loads.next(&seen, self.scroll == Scroll::Following, &self.timeline, changes, now));
        }
        self.mark_read(seen.last, effects);
    }

    fn keep_draft(&mut self, effects: &mut Vec<Effect>) {
        if self.draft_since.take().is_some() {
            effects.push(Effect::KeepDraft(self.unsent_text()));
        }
    }

    /// What must be kept here, because the client doesn't keep it yet: the line, and texts that it is just being told.
    pub(super) fn unsent_text(&self) -> String {
        let untaken = self.outgoing.iter().filter(|it| it.id.is_none());
        let mut texts: Vec<String> = untaken.map(Self::as_typed).collect();
        texts.push(self.line.text().to_owned());
        texts.retain(|text| !text.is_empty());
        texts.join("\n")
    }

    fn mark_read(&mut self, last: Option<Seq>, effects: &mut Vec<Effect>) {
        // Before the summary is here, it is not known where the new ones begin.
        let may_tell = self.is_focused && self.loads.is_summary_here() && self.over().is_none();
        let Some(last) = last.filter(|_| may_tell) else { return };
        let is_new = |item: &&Item| item.from != self.me && item.seq > self.mine.read && item.seq <= last;
        if let Some(seq) = self.timeline.items().rev().find(is_new).map(|item| item.seq) {
            self.mine.raise(seq, seq);
            effects.push(Effect::Read(seq));
        }
    }
}

#[cfg(test)]
mod tests;
