//! The rows of a message: bubbles of others on the left, own ones on the right, and what is known of them.

use chasqui_domain::Seq;
use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{
    answers::quote,
    model::{Model, Outgoing, Reach, Stage},
    text::{fitting, width, wrap},
    theme::Theme,
    timeline::Item,
    times,
};

/// What stands beside a bubble.
pub(super) const BAR_COLUMNS: usize = 4;
/// Narrower than this, a bubble takes all there is.
const COLUMNS_LEAST: usize = 24;

/// What stands in a bubble.
struct Bubble {
    rows: Vec<(String, Style)>,
    /// The columns that its text takes.
    inner: usize,
}

impl Bubble {
    /// A text, below what it replies to.
    fn new(model: &Model, text: &str, reply_to: Option<Seq>, style: Style, columns: usize) -> Self {
        let most = columns.saturating_sub(BAR_COLUMNS);
        let most = most.min((columns * 7 / 10).max(COLUMNS_LEAST));
        let text = wrap(text, most);
        let inner = text.iter().map(|row| width(row)).max().unwrap_or(0);
        // A hint doesn't make a bubble wide.
        let room = most.min(inner.max(COLUMNS_LEAST));
        let quoted = reply_to.map(|seq| fitting(&replied(model, seq), room).into_owned());
        let inner = quoted.as_deref().map_or(inner, |quoted| inner.max(width(quoted)));
        let quoted = quoted.map(|row| (row, Theme::faint(style)));
        let rows = quoted.into_iter().chain(text.into_iter().map(|row| (row, style))).collect();
        Self { rows, inner }
    }

    fn of(model: &Model, item: &Item, style: Style, columns: usize) -> Self {
        let style = if item.is_deleted { Theme::faint(style) } else { style };
        Self::new(model, &item.text, item.reply_to, style, columns)
    }
}

/// What a message replies to, with its first words where they are known.
fn replied(model: &Model, seq: Seq) -> String {
    match model.timeline.get(seq) {
        Some(item) if item.is_deleted => format!("↳ #{seq} {}", item.text),
        Some(item) => format!("↳ #{seq} {}", quote(item)),
        None => format!("↳ #{seq}"),
    }
}

/// A message of somebody else.
pub(super) fn theirs(model: &Model, item: &Item, columns: usize, rows: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let Bubble { rows: bubble, inner } = Bubble::of(model, item, theme.theirs(), columns);
    let meta = format!(" {}", meta(model, item));
    let is_beside = inner + BAR_COLUMNS + width(&meta) <= columns;
    let last = bubble.len().saturating_sub(1);
    for (at, (row, style)) in bubble.into_iter().enumerate() {
        let mut line = Line::from(vec![
            Span::styled(" ▌", theme.accent()),
            Span::styled(format!(" {} ", padded(&row, inner)), style),
        ]);
        if at == last && is_beside {
            line.push_span(Span::styled(meta.clone(), theme.quiet()));
        }
        rows.push(line);
    }
    if !is_beside {
        rows.push(Line::styled(fitting(&format!("  {meta}"), columns).into_owned(), theme.quiet()));
    }
    let below = wrap(&item.reacted(), columns.saturating_sub(BAR_COLUMNS)).into_iter();
    rows.extend(below.filter(|row| !row.is_empty()).map(|row| Line::styled(format!("   {row}"), theme.reaction())));
}

/// A message of the user.
pub(super) fn mine(model: &Model, item: &Item, columns: usize, rows: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let bubble = Bubble::of(model, item, theme.mine(), columns);
    right(bubble, sent_meta(model, item), columns, theme, rows);
    below(&item.reacted(), theme.reaction(), columns, rows);
}

/// What is on its way.
pub(super) fn outgoing(model: &Model, outgoing: &Outgoing, columns: usize, rows: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let bubble = Bubble::new(model, &outgoing.shown, outgoing.wish.reply_to, theme.mine(), columns);
    let (meta, style) = match &outgoing.stage {
        Stage::Handing | Stage::Waiting => ("…".to_owned(), theme.quiet()),
        Stage::Delayed => ("… delayed".to_owned(), theme.waiting()),
        Stage::Retrying(why) => (format!("… trying again: {why}"), theme.waiting()),
        Stage::Failed(why) => (format!("✗ {why}"), theme.bad()),
    };
    // What a code means is long, and must be seen to its end.
    if matches!(outgoing.stage, Stage::Failed(_) | Stage::Retrying(_)) {
        right(bubble, Vec::new(), columns, theme, rows);
        below(&meta, style, columns, rows);
    } else {
        right(bubble, vec![Span::styled(meta, style)], columns, theme, rows);
    }
}

fn right(bubble: Bubble, meta: Vec<Span<'static>>, columns: usize, theme: Theme, rows: &mut Vec<Line<'static>>) {
    let Bubble { rows: bubble, inner } = bubble;
    let meta_columns: usize = meta.iter().map(|span| width(&span.content)).sum();
    let is_beside = inner + BAR_COLUMNS + meta_columns < columns;
    let last = bubble.len().saturating_sub(1);
    let mut meta = Some(meta);
    for (at, (row, style)) in bubble.into_iter().enumerate() {
        let mut spans = Vec::new();
        if at == last && is_beside {
            spans.extend(meta.take().unwrap_or_default());
            spans.push(Span::raw(" "));
        }
        spans.push(Span::styled(format!(" {} ", padded(&row, inner)), style));
        spans.push(Span::styled("▐ ", theme.good()));
        rows.push(Line::from(spans).right_aligned());
    }
    if let Some(meta) = meta.filter(|meta| !meta.is_empty()) {
        let cut = |span: Span<'static>| Span::styled(fitting(&span.content, columns).into_owned(), span.style);
        rows.push(Line::from_iter(meta.into_iter().map(cut)).right_aligned());
    }
}

/// What stands below an own bubble.
fn below(text: &str, style: Style, columns: usize, rows: &mut Vec<Line<'static>>) {
    let wrapped = wrap(text, columns.saturating_sub(BAR_COLUMNS)).into_iter().filter(|row| !row.is_empty());
    rows.extend(wrapped.map(|row| Line::styled(format!("{row}  "), style).right_aligned()));
}

/// When a message was written, what it is asked about by, and what became of it.
fn meta(model: &Model, item: &Item) -> String {
    let time = times::clock(item.time, &model.zone);
    let edited = if item.edited.is_some() { " (edited)" } else { "" };
    let pinned = if model.pinned.contains(&item.seq) { " (pinned)" } else { "" };
    format!("{time} #{}{edited}{pinned}", item.seq)
}

fn sent_meta(model: &Model, item: &Item) -> Vec<Span<'static>> {
    let theme = model.theme;
    let tick = match model.reach(item.seq) {
        // Where there are no colours, a word tells it.
        Reach::Read => Span::styled(if theme.has_colour { "✓✓" } else { "✓✓ read" }, theme.accent()),
        Reach::Delivered => Span::styled("✓✓", theme.quiet()),
        Reach::ReadBy(read, of, true) => Span::styled(format!("✓✓ read {read}/{of}"), theme.quiet()),
        Reach::ReadBy(read, of, false) => Span::styled(format!("✓ read {read}/{of}"), theme.quiet()),
        Reach::DeliveredTo(delivered, of) => Span::styled(format!("✓ delivered {delivered}/{of}"), theme.quiet()),
        Reach::Sent => Span::styled("✓", theme.quiet()),
    };
    vec![Span::styled(format!("{} ", meta(model, item)), theme.quiet()), tick]
}

fn padded(row: &str, columns: usize) -> String {
    format!("{row}{}", " ".repeat(columns.saturating_sub(width(row))))
}
