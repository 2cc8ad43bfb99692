//! The model on a screen.

use chasqui_client::To;
use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    answers::counted,
    layout::{self, PROMPT, areas},
    line::Rows,
    model::{Group, Link, Model},
    scroll::{self, Scroll},
    text::{clean_line, fitting, width},
    theme::Theme,
};

const HINT: &str = " Enter send · /help commands · Alt-Enter new line · PgUp older · Ctrl-End newest · Esc leave";

/// Draws everything.
pub(super) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let theme = model.theme;
    let areas = areas(model, frame.area());
    header(model, theme, frame, areas.header);
    rule(theme, frame, areas.header_rule);
    history(model, theme, frame, areas.history);
    if let Some(notice) = model.notice() {
        let notice = format!(" ! {}", clean_line(notice));
        row(frame, areas.notice, 0, Line::styled(cut(&notice, areas.notice), theme.waiting()));
    }
    rule(theme, frame, areas.line_rule);
    line(model, theme, frame, areas.line);
    let zone = if model.zone == jiff::tz::TimeZone::UTC { " · times in UTC" } else { "" };
    row(frame, areas.hint, 0, Line::styled(cut(&format!("{HINT}{zone}"), areas.hint), theme.quiet()));
}

/// Draws one row of an area; nothing where the area has no such row.
fn row(frame: &mut Frame<'_>, area: Rect, at: usize, line: Line<'_>) {
    let at = u16::try_from(at).unwrap_or(u16::MAX);
    if at < area.height {
        frame.render_widget(line, Rect { y: area.y + at, height: 1, ..area });
    }
}

fn cut(text: &str, area: Rect) -> String {
    fitting(text, usize::from(area.width)).into_owned()
}

fn rule(theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    row(frame, area, 0, Line::styled("─".repeat(usize::from(area.width)), theme.quiet()));
}

fn header(model: &Model, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let columns = usize::from(area.width);
    let (state, style) = match &model.link {
        link if !matches!(link, Link::Over(_))
            && let Some(why) = model.over() =>
        {
            (format!("■ {why}"), theme.bad())
        }
        Link::Connecting => ("◌ connecting".to_owned(), theme.waiting()),
        Link::CatchingUp => ("◐ catching up".to_owned(), theme.waiting()),
        Link::Online => ("● connected".to_owned(), theme.good()),
        Link::Offline { why } => (offline(model, *why), theme.waiting()),
        Link::Over(why) => (format!("■ {}", clean_line(why)), theme.bad()),
    };
    let (whom, members) = whom(model);
    let whom = format!(" {} ", fitting(&whom, (columns / 2).max(4)));
    let unread = match model.unread() {
        (0, _) => String::new(),
        (count, true) => format!("{count} unread · "),
        (count, false) => format!("{count}+ unread · "),
    };
    let right = format!("{unread}{} ", clean_line(model.me.as_str()));
    let room = columns.saturating_sub(width(&whom) + width(&members) + 1);
    let state = fitting(&state, room).into_owned();
    let is_wide = width(&whom) + width(&members) + 1 + width(&state) + 2 + width(&right) <= columns;
    let left = [(whom, theme.name()), (members, theme.quiet()), (" ".to_owned(), Style::new()), (state, style)];
    row(frame, area, 0, Line::from_iter(left.map(|(text, style)| Span::styled(text, style))));
    if is_wide {
        let columns = u16::try_from(width(&right)).unwrap_or(u16::MAX).min(area.width);
        let right_area = Rect { x: area.x + area.width - columns, width: columns, ..area };
        row(frame, right_area, 0, Line::styled(right, theme.quiet()));
    }
}

/// Who the chat is with; of a group how many are in it.
fn whom(model: &Model) -> (String, String) {
    let title = match (&model.to, &model.group) {
        (To::User(peer), _) => clean_line(peer.as_str()),
        (To::Group(_), Some(Group { title: Some(title), .. })) => title.clone(),
        (To::Group(chat), _) => format!("group {chat}"),
    };
    let members = model.group.as_ref().and_then(|group| group.members_count);
    (title, members.map_or_else(String::new, |members| format!("· {} ", counted(members))))
}

fn offline(model: &Model, why: Option<&str>) -> String {
    let again = match model.again_in_s() {
        Some(seconds) => format!("○ offline · again in {seconds} s"),
        None => "○ offline · connecting".to_owned(),
    };
    why.map_or_else(|| again.clone(), |why| format!("{again} · {why}"))
}

fn history(model: &Model, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let (rows, below) = scroll::shown(model);
    // The newest stand above the line, also while there are few.
    let first = usize::from(area.height).saturating_sub(rows.len());
    if rows.is_empty() {
        let text = fitting("no messages yet", usize::from(area.width)).into_owned();
        row(frame, area, usize::from(area.height / 2), Line::styled(text, theme.quiet()).centered());
    }
    for (at, line) in rows.into_iter().enumerate() {
        row(frame, area, first + at, line);
    }
    if model.scroll != Scroll::Following && area.height > 1 {
        let text = if below > 0 { format!(" ↓ {below} below ") } else { " ↓ more below ".to_owned() };
        let columns = u16::try_from(width(&text)).unwrap_or(u16::MAX).min(area.width);
        let corner = Rect { x: area.x + area.width - columns, y: area.bottom() - 1, width: columns, height: 1 };
        row(frame, corner, 0, Line::styled(text, theme.accent()));
    }
}

fn line(model: &Model, theme: Theme, frame: &mut Frame<'_>, area: Rect) {
    let Rows { rows, cursor_row, cursor_column } = model.line.rows(layout::line_columns(area.width));
    let height = usize::from(area.height);
    let first = (cursor_row + 1).saturating_sub(height);
    for (at, text) in rows.into_iter().skip(first).take(height).enumerate() {
        let prompt = if first + at == 0 { PROMPT } else { "   " };
        row(frame, area, at, Line::from(vec![Span::styled(prompt, theme.accent()), Span::raw(text)]));
    }
    let column = u16::try_from(width(PROMPT) + cursor_column).unwrap_or(u16::MAX);
    let at = u16::try_from(cursor_row - first).unwrap_or(u16::MAX);
    if at < area.height && column < area.width {
        frame.set_cursor_position(Position::new(area.x + column, area.y + at));
    }
}

#[cfg(test)]
mod tests;
