//! The line that is being typed; it may have several.

use unicode_segmentation::UnicodeSegmentation;

use super::{
    limits::TEXT_BYTES_MAX,
    text::{grapheme_width, typed},
};

/// It has no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// A text and a cursor in it, which is always between two graphemes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    text: String,
    cursor: usize,
}

/// The rows of the line, and where the cursor is in them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) rows: Vec<String>,
    pub(super) cursor_row: usize,
    pub(super) cursor_column: usize,
}

impl Line {
    /// A text with the cursor at its end. All of it is kept, also one that is too long to be sent: it is given back, and
    /// nowhere else.
    pub(super) fn new(text: &str) -> Self {
        let text = typed(text);
        Self { cursor: text.len(), text }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes all of it, or nothing.
    pub(super) fn insert(&mut self, text: &str) -> Result<(), Full> {
        let text = typed(text);
        if self.text.len() + text.len() > TEXT_BYTES_MAX {
            return Err(Full);
        }
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        // What was inserted may have become one grapheme with what follows.
        self.cursor = self.boundary_from(self.cursor);
        Ok(())
    }

    /// Empties it.
    pub(super) fn take(&mut self) -> String {
        self.cursor = 0;
        std::mem::take(&mut self.text)
    }

    pub(super) fn left(&mut self) {
        self.cursor = self.before();
    }

    pub(super) fn right(&mut self) {
        self.cursor = self.after();
    }

    pub(super) fn word_left(&mut self) {
        self.cursor = self.word_start();
    }

    pub(super) fn word_right(&mut self) {
        let rest = self.text.get(self.cursor..).unwrap_or_default();
        let next = rest.split_word_bound_indices().find(|(_, word)| !word.trim().is_empty());
        self.cursor = next.map_or(self.text.len(), |(at, word)| self.cursor + at + word.len());
        self.cursor = self.boundary_from(self.cursor);
    }

    pub(super) fn home(&mut self) {
        self.cursor = self.row_start();
    }

    pub(super) fn end(&mut self) {
        self.cursor = self.row_end();
    }

    /// To the row above; false when there is none.
    pub(super) fn up(&mut self) -> bool {
        let start = self.row_start();
        if start == 0 {
            return false;
        }
        let column = self.column();
        self.cursor = start - 1;
        self.go_to_column(column);
        true
    }

    /// To the row below; false when there is none.
    pub(super) fn down(&mut self) -> bool {
        let end = self.row_end();
        if end == self.text.len() {
            return false;
        }
        let column = self.column();
        self.cursor = end + 1;
        self.go_to_column(column);
        true
    }

    pub(super) fn backspace(&mut self) {
        self.remove(self.before(), self.cursor);
    }

    pub(super) fn delete(&mut self) {
        self.remove(self.cursor, self.after());
    }

    pub(super) fn delete_word(&mut self) {
        self.remove(self.word_start(), self.cursor);
    }

    pub(super) fn delete_to_start(&mut self) {
        self.remove(self.row_start(), self.cursor);
    }

    pub(super) fn delete_to_end(&mut self) {
        self.remove(self.cursor, self.row_end());
    }

    /// How it stands in so many columns. Rows break between graphemes, so that the cursor never jumps while typing.
    pub(super) fn rows(&self, columns: usize) -> Rows {
        let columns = columns.max(2);
        let mut rows = vec![String::new()];
        let (mut used, mut cursor) = (0, (0, 0));
        for (at, grapheme) in self.text.grapheme_indices(true) {
            if grapheme != "\n" && used + grapheme_width(grapheme) > columns {
                rows.push(String::new());
                used = 0;
            }
            if at == self.cursor && used >= columns {
                // In front of a line's end, the next character begins a row.
                rows.push(String::new());
                used = 0;
            }
            if at == self.cursor {
                cursor = (rows.len() - 1, used);
            }
            if grapheme == "\n" {
                rows.push(String::new());
                used = 0;
            } else if let Some(row) = rows.last_mut() {
                row.push_str(grapheme);
                used += grapheme_width(grapheme);
            }
        }
        if self.cursor == self.text.len() {
            if used >= columns {
                rows.push(String::new());
                used = 0;
            }
            cursor = (rows.len() - 1, used);
        }
        Rows { rows, cursor_row: cursor.0, cursor_column: cursor.1 }
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        // What stood apart may have become one grapheme.
        self.cursor = self.boundary_from(from);
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |grapheme| self.cursor + grapheme.len())
    }

    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].split_word_bound_indices();
        let start = before.rev().find(|(_, word)| !word.trim().is_empty()).map_or(0, |(at, _)| at);
        self.boundary_up_to(start)
    }

    fn row_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    fn row_end(&self) -> usize {
        self.text[self.cursor..].find('\n').map_or(self.text.len(), |at| self.cursor + at)
    }

    fn column(&self) -> usize {
        self.text[self.row_start()..self.cursor].graphemes(true).count()
    }

    fn go_to_column(&mut self, column: usize) {
        self.home();
        for _ in 0..column {
            if self.cursor < self.row_end() {
                self.right();
            }
        }
    }

    /// The first place between two graphemes that is not before `at`.
    fn boundary_from(&self, at: usize) -> usize {
        let ends = self.text.grapheme_indices(true).map(|(start, grapheme)| start + grapheme.len());
        if at == 0 { 0 } else { ends.into_iter().find(|&end| end >= at).unwrap_or(self.text.len()) }
    }

    /// The last place between two graphemes that is not behind `at`.
    fn boundary_up_to(&self, at: usize) -> usize {
        self.text.grapheme_indices(true).map(|(start, _)| start).take_while(|&start| start <= at).last().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
