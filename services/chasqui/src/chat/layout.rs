//! Which part of the screen is for what. Small screens lose what matters least.

use ratatui::layout::Rect;

use super::model::Model;

/// So many rows of the line are shown at most.
const LINE_ROWS_MAX: u16 = 6;
/// What stands in front of the line.
pub(super) const PROMPT: &str = " › ";
const PROMPT_COLUMNS: u16 = 3;

/// Parts that have no room have no height.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Areas {
    pub(super) header: Rect,
    pub(super) header_rule: Rect,
    pub(super) history: Rect,
    pub(super) notice: Rect,
    pub(super) line_rule: Rect,
    pub(super) line: Rect,
    pub(super) hint: Rect,
}

/// The columns of the line's text.
pub(super) fn line_columns(columns: u16) -> usize {
    usize::from(columns.saturating_sub(PROMPT_COLUMNS + 1))
}

/// The columns and rows of the history.
pub(super) fn history(model: &Model) -> (usize, usize) {
    let history = areas(model, Rect::new(0, 0, model.columns, model.rows)).history;
    (usize::from(history.width), usize::from(history.height))
}

pub(super) fn areas(model: &Model, screen: Rect) -> Areas {
    let rows = screen.height;
    let line_rows = model.line.rows(line_columns(screen.width)).rows.len();
    let line_rows = u16::try_from(line_rows).unwrap_or(u16::MAX).min(LINE_ROWS_MAX).min((rows / 3).max(1));
    let mut left = rows;
    let mut take = |wanted: u16| {
        let taken = wanted.min(left);
        left -= taken;
        taken
    };
    // What comes first is lost last.
    let line = take(line_rows);
    let notice = take(u16::from(model.notice().is_some() && rows >= 2));
    let header = take(u16::from(rows >= 3));
    let line_rule = take(u16::from(rows >= 6));
    let header_rule = take(u16::from(rows >= 8));
    let hint = take(u16::from(rows >= 10));
    let mut y = screen.y;
    let mut place = |height: u16| {
        let part = Rect { x: screen.x, y, width: screen.width, height };
        y += height;
        part
    };
    Areas {
        header: place(header),
        header_rule: place(header_rule),
        history: place(left),
        notice: place(notice),
        line_rule: place(line_rule),
        line: place(line),
        hint: place(hint),
    }
}
