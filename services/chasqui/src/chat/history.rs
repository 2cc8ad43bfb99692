//! The rows of the history: bubbles of others on the left, own ones on the right.

use chasqui_domain::Seq;
use jiff::civil::Date;
use ratatui::text::{Line, Span};

use super::{
    model::{Model, Outgoing, Stage},
    text::{fitting, width, wrap},
    theme::Theme,
    timeline::Item,
    times,
};

/// What stands beside a bubble.
const BAR_COLUMNS: usize = 4;
/// Narrower than this, a bubble takes all there is.
const BUBBLE_COLUMNS_LEAST: usize = 24;

/// Something that has rows in the history.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    Message(&'a Item),
    Outgoing(&'a Outgoing),
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

/// Everything that can be shown, from the top.
pub(super) fn entries(model: &Model) -> Vec<Entry<'_>> {
    let messages = model.timeline.items().map(Body::Message);
    let mut entries = Vec::new();
    let (mut last_day, mut last_is_mine, mut has_new) = (None, None, false);
    for body in messages.chain(model.outgoing.iter().map(Body::Outgoing)) {
        let (is_mine, day, hole, is_new) = match body {
            Body::Message(item) => {
                let is_mine = item.from == model.me;
                let is_new = !is_mine && model.divider.is_some_and(|divider| item.seq >= divider);
                (is_mine, times::day(item.time, &model.zone), model.timeline.hole_before(item.seq), is_new)
            }
            Body::Outgoing(_) => (true, last_day, 0, false),
        };
        entries.push(Entry {
            body,
            is_first: entries.is_empty(),
            is_first_new: is_new && !has_new,
            day: day.filter(|_| day != last_day),
            hole,
            turns: last_is_mine.is_some_and(|last| last != is_mine),
        });
        (last_day, last_is_mine, has_new) = (day, Some(is_mine), has_new || is_new);
    }
    entries
}

/// The rows of an entry in so many columns.
pub(super) fn rows(model: &Model, entry: &Entry<'_>, columns: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let mut rows = Vec::new();
    let is_separated = entry.day.is_some() || entry.is_first_new || entry.hole > 0;
    if entry.turns && !is_separated {
        rows.push(Line::default());
    }
    if let Body::Message(item) = entry.body
        && entry.is_first
    {
        let top = if item.seq > Seq(1) { "older messages above" } else { "the beginning of this chat" };
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
        Body::Message(item) if item.from != model.me => theirs(model, item, columns, &mut rows),
        Body::Message(item) => {
            let meta = sent_meta(model, item);
            mine(&item.text, meta, columns, theme, &mut rows);
        }
        Body::Outgoing(outgoing) => mine(&outgoing.shown, outgoing_meta(outgoing, theme), columns, theme, &mut rows),
    }
    rows
}

fn theirs(model: &Model, item: &Item, columns: usize, rows: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let (bubble, inner) = bubble(&item.text, columns);
    let meta = format!(" {}", times::clock(item.time, &model.zone));
    let last = bubble.len().saturating_sub(1);
    for (at, row) in bubble.into_iter().enumerate() {
        let mut line = Line::from(vec![
            Span::styled(" ▌", theme.accent()),
            Span::styled(format!(" {} ", padded(&row, inner)), theme.theirs()),
        ]);
        if at == last && inner + BAR_COLUMNS + width(&meta) <= columns {
            line.push_span(Span::styled(meta.clone(), theme.quiet()));
        }
        rows.push(line);
    }
}

fn mine(text: &str, meta: Vec<Span<'static>>, columns: usize, theme: Theme, rows: &mut Vec<Line<'static>>) {
    let (bubble, inner) = bubble(text, columns);
    let meta_columns: usize = meta.iter().map(|span| width(&span.content)).sum();
    let is_beside = inner + BAR_COLUMNS + meta_columns < columns;
    let last = bubble.len().saturating_sub(1);
    let mut meta = Some(meta);
    for (at, row) in bubble.into_iter().enumerate() {
        let mut spans = Vec::new();
        if at == last && is_beside {
            spans.extend(meta.take().unwrap_or_default());
            spans.push(Span::raw(" "));
        }
        spans.push(Span::styled(format!(" {} ", padded(&row, inner)), theme.mine()));
        spans.push(Span::styled("▐ ", theme.good()));
        rows.push(Line::from(spans).right_aligned());
    }
    if let Some(meta) = meta {
        let cut = |span: Span<'static>| Span::styled(fitting(&span.content, columns).into_owned(), span.style);
        rows.push(Line::from_iter(meta.into_iter().map(cut)).right_aligned());
    }
}

/// The rows of a bubble and the columns that its text takes.
fn bubble(text: &str, columns: usize) -> (Vec<String>, usize) {
    let most = columns.saturating_sub(BAR_COLUMNS);
    let rows = wrap(text, most.min((columns * 7 / 10).max(BUBBLE_COLUMNS_LEAST)));
    let inner = rows.iter().map(|row| width(row)).max().unwrap_or(0);
    (rows, inner)
}

fn sent_meta(model: &Model, item: &Item) -> Vec<Span<'static>> {
    let theme = model.theme;
    let time = Span::styled(format!("{} ", times::clock(item.time, &model.zone)), theme.quiet());
    let tick = if item.seq <= model.theirs.read {
        // Where there are no colours, a word tells it.
        Span::styled(if theme.has_colour { "✓✓" } else { "✓✓ read" }, theme.accent())
    } else if item.seq <= model.theirs.delivered {
        Span::styled("✓✓", theme.quiet())
    } else {
        Span::styled("✓", theme.quiet())
    };
    vec![time, tick]
}

fn outgoing_meta(outgoing: &Outgoing, theme: Theme) -> Vec<Span<'static>> {
    let (text, style) = match &outgoing.stage {
        Stage::Handing | Stage::Waiting => ("…".to_owned(), theme.quiet()),
        Stage::Delayed => ("… delayed".to_owned(), theme.waiting()),
        Stage::Retrying(why) => (format!("… trying again: {why}"), theme.waiting()),
        Stage::Failed(why) => (format!("✗ {why}"), theme.bad()),
    };
    vec![Span::styled(text, style)]
}

fn padded(row: &str, columns: usize) -> String {
    format!("{row}{}", " ".repeat(columns.saturating_sub(width(row))))
}

fn ruled(text: &str, columns: usize, rule: char) -> String {
    let text = fitting(text, columns.saturating_sub(4));
    let rest = columns.saturating_sub(width(&text) + 4);
    let side = |columns: usize| rule.to_string().repeat(columns);
    format!(" {} {text} {} ", side(rest / 2), side(rest - rest / 2))
}
