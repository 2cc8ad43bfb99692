//! The rows of the history: messages, and what stands between them.

use chasqui_domain::{Seq, UserId};
use jiff::civil::Date;
use ratatui::text::{Line, Span};

use super::{
    bubble::{self, BAR_COLUMNS},
    changes::Change,
    limits::ANSWER_LINES_MAX,
    model::{Model, Outgoing},
    text::{clean_line, fitting, width, wrap},
    theme::Theme,
    timeline::Item,
    times,
};

/// What stands above the first of a group that somebody came to later.
const LATER: &str = "what was before you came is not shown";

/// Something that has rows in the history.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    Message(&'a Item),
    Change(&'a Change),
    Outgoing(&'a Outgoing),
    /// What was answered to the user alone.
    Answer(&'a [String]),
}

/// Who speaks: it is seen where that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice<'a> {
    Mine,
    Theirs(&'a UserId),
    Nobodys,
}

/// A body and what stands in front of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) body: Body<'a>,
    is_first: bool,
    is_first_new: bool,
    day: Option<Date>,
    hole: u64,
    turns: bool,
}

impl Entry<'_> {
    /// A rule stands in front of it.
    fn is_separated(&self) -> bool {
        self.day.is_some() || self.is_first_new || self.hole > 0
    }
}

/// Everything that can be shown, from the top.
pub(super) fn entries(model: &Model) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let (mut last_day, mut last_voice, mut has_new) = (None, None, false);
    for body in bodies(model) {
        let (voice, day, hole, is_new) = match body {
            Body::Message(item) => {
                let voice = if item.from == model.me { Voice::Mine } else { Voice::Theirs(&item.from) };
                let is_new = voice != Voice::Mine && model.divider.is_some_and(|divider| item.seq >= divider);
                (voice, times::day(item.time, &model.zone), model.timeline.hole_before(item.seq), is_new)
            }
            Body::Change(change) => (Voice::Nobodys, times::day(change.time, &model.zone), 0, false),
            Body::Outgoing(_) => (Voice::Mine, last_day, 0, false),
            Body::Answer(_) => (Voice::Nobodys, last_day, 0, false),
        };
        entries.push(Entry {
            body,
            is_first: entries.is_empty(),
            is_first_new: is_new && !has_new,
            day: day.filter(|_| day != last_day),
            hole,
            turns: last_voice.is_some_and(|last| last != voice),
        });
        (last_day, last_voice, has_new) = (day, Some(voice), has_new || is_new);
    }
    entries
}

/// Messages and what was changed between them, what is on its way, and what was asked.
fn bodies(model: &Model) -> Vec<Body<'_>> {
    let mut bodies = Vec::new();
    let mut changes = changes(model).peekable();
    for item in model.timeline.items() {
        while let Some(change) = changes.next_if(|change| change.after < item.seq) {
            bodies.push(Body::Change(change));
        }
        bodies.push(Body::Message(item));
    }
    bodies.extend(changes.map(Body::Change));
    bodies.extend(model.outgoing.iter().map(Body::Outgoing));
    bodies.extend(model.answer.as_deref().map(Body::Answer));
    bodies
}

/// Those beside the messages that are here.
fn changes(model: &Model) -> impl Iterator<Item = &Change> {
    let first = model.timeline.first().unwrap_or_default();
    let last = model.timeline.items().next_back().filter(|_| !model.timeline.has_last()).map(|item| item.seq);
    let changes = model.group.iter().flat_map(|group| group.changes.iter());
    changes.filter(move |change| change.after.next() >= first && last.is_none_or(|last| change.after <= last))
}

/// The rows of an entry in so many columns.
pub(super) fn rows(model: &Model, entry: &Entry<'_>, columns: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let mut rows = Vec::new();
    if entry.turns && !entry.is_separated() {
        rows.push(Line::default());
    }
    if entry.is_first
        && let Some(top) = top(model)
    {
        rows.push(Line::styled(fitting(top, columns).into_owned(), theme.quiet()).centered());
    }
    if entry.hole > 0 {
        let hole = format!("⋯ {} messages between are being loaded ⋯", entry.hole);
        rows.push(Line::styled(fitting(&hole, columns).into_owned(), theme.quiet()).centered());
    }
    if let Some(day) = entry.day {
        rows.push(Line::styled(ruled(&times::day_name(day), columns, '─'), theme.quiet()));
    }
    if entry.is_first_new {
        rows.push(Line::styled(ruled("new messages", columns, '╌'), theme.accent()));
    }
    match entry.body {
        Body::Message(item) if item.from != model.me => {
            if model.group.is_some() && (entry.turns || entry.is_first || entry.is_separated()) {
                rows.push(name(item, columns, theme));
            }
            bubble::theirs(model, item, columns, &mut rows);
        }
        Body::Message(item) => bubble::mine(model, item, columns, &mut rows),
        Body::Change(change) => {
            let text = format!("{} · {}", change.text, times::clock(change.time, &model.zone));
            let wrapped = wrap(&text, columns.saturating_sub(BAR_COLUMNS)).into_iter();
            rows.extend(wrapped.map(|row| Line::styled(row, theme.quiet()).centered()));
        }
        Body::Outgoing(outgoing) => bubble::outgoing(model, outgoing, columns, &mut rows),
        Body::Answer(lines) => answer(lines, columns, theme, &mut rows),
    }
    rows
}

/// What stands above everything.
fn top(model: &Model) -> Option<&'static str> {
    let (is_group, has_hidden) = (model.group.is_some(), model.timeline.last_seq() > Seq(0));
    match model.timeline.first() {
        None => (is_group && has_hidden && model.timeline.has_last()).then_some(LATER),
        Some(first) if first <= Seq(1) => Some("the beginning of this chat"),
        Some(_) if is_group && model.is_top() => Some(LATER),
        Some(_) => Some("older messages above"),
    }
}

fn name(item: &Item, columns: usize, theme: Theme) -> Line<'static> {
    let name = clean_line(item.from.as_str());
    let shown = fitting(&name, columns.saturating_sub(BAR_COLUMNS)).into_owned();
    Line::styled(format!(" {shown}"), theme.name_of(item.from.as_str()))
}

fn answer(lines: &[String], columns: usize, theme: Theme, rows: &mut Vec<Line<'static>>) {
    let more = lines.len().saturating_sub(ANSWER_LINES_MAX);
    let more = (more > 0).then(|| format!("… and {more} more; chasqui chat --plain prints all"));
    for line in lines.iter().take(ANSWER_LINES_MAX).chain(&more) {
        for row in wrap(line, columns.saturating_sub(BAR_COLUMNS)) {
            rows.push(Line::from(vec![Span::styled(" │ ", theme.accent()), Span::raw(row)]));
        }
    }
}

fn ruled(text: &str, columns: usize, rule: char) -> String {
    let text = fitting(text, columns.saturating_sub(4));
    let rest = columns.saturating_sub(width(&text) + 4);
    let side = |columns: usize| rule.to_string().repeat(columns);
    format!(" {} {text} {} ", side(rest / 2), side(rest - rest / 2))
}
