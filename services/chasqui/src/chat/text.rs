//! Texts on their way to a terminal: what others wrote must not command it.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::limits::{SHOWN_BYTES_MAX, ZERO_WIDTH_MAX};

/// What a tabulator becomes.
const TAB: &str = "    ";

/// A text as it may be shown: without characters that command the terminal or reorder what stands beside them, and
/// bounded. Lines end with `\n`.
pub(super) fn clean(text: &str) -> String {
    let (text, rest) = split_at_most(text, SHOWN_BYTES_MAX);
    let mut shown = String::with_capacity(text.len());
    let mut zero_width = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_wide = unicode_width::UnicodeWidthChar::width(character).is_none_or(|width| width > 0);
        zero_width = if is_wide { 0 } else { zero_width + 1 };
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => shown.push('\n'),
            '\t' => shown.push_str(TAB),
            // Their pictures, so that nothing is hidden.
            '\0'..='\x1f' => shown.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}')),
            '\x7f' => shown.push('\u{2421}'),
            _ if character.is_control() || reorders(character) => shown.push('\u{fffd}'),
            _ if zero_width > ZERO_WIDTH_MAX => {}
            _ => shown.push(character),
        }
    }
    if !rest.is_empty() {
        shown.push_str(&format!("… ({} bytes more)", rest.len()));
    }
    shown
}

/// The same on one line.
pub(super) fn clean_line(text: &str) -> String {
    clean(text).replace('\n', "⏎")
}

/// What was typed or pasted, as it goes into the line: lines end with `\n`, nothing else controls anything.
pub(super) fn typed(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', TAB);
    lines.chars().filter(|&character| character == '\n' || !character.is_control()).collect()
}

/// Marks, embeddings, overrides and isolates of the bidirectional algorithm.
fn reorders(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The longest beginning of at most so many bytes, and the rest.
fn split_at_most(text: &str, bytes_max: usize) -> (&str, &str) {
    text.split_at(text.floor_char_boundary(bytes_max))
}

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.graphemes(true).map(grapheme_width).sum()
}

/// A grapheme as the terminal draws it: at most two columns.
pub(super) fn grapheme_width(grapheme: &str) -> usize {
    grapheme.width().min(2)
}

/// The beginning of a text that fits, with an ellipsis where it doesn't.
pub(super) fn fitting(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += grapheme_width(grapheme);
        if used + 1 > columns {
            break;
        }
        kept.push_str(grapheme);
    }
    if columns > 0 {
        kept.push('…');
    }
    Cow::Owned(kept)
}

/// The rows of a text, each at most `columns` wide where a grapheme fits at all. Words stay whole where they fit.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut rows = Vec::new();
    for line in text.split('\n') {
        let mut row = String::new();
        let mut used = 0;
        for word in line.split_word_bounds() {
            let word_width = width(word);
            if used + word_width <= columns {
                row.push_str(word);
                used += word_width;
                continue;
            }
            // The blank at which a row breaks is not worth a row.
            if word.trim().is_empty() {
                rows.push(std::mem::take(&mut row));
                used = 0;
                continue;
            }
            if used > 0 && word_width <= columns {
                rows.push(std::mem::take(&mut row).trim_end().to_owned());
                used = 0;
            }
            for grapheme in word.graphemes(true) {
                let grapheme_width = grapheme_width(grapheme);
                if used > 0 && used + grapheme_width > columns {
                    rows.push(std::mem::take(&mut row));
                    used = 0;
                }
                row.push_str(grapheme);
                used += grapheme_width;
            }
        }
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_wrote_commands_the_terminal() {
        for (text, shown) in [
            ("\x1b[2J\x1b]0;owned\x07", "␛[2J␛]0;owned␇"),
            ("a\u{9b}31mb", "a\u{fffd}31mb"),
            ("a\x7fb\0", "a␡b␀"),
            ("a\r\nb\rc\u{2028}d", "a\nb\nc\nd"),
            ("a\tb", "a    b"),
            ("abc\u{202e}cba\u{2066}", "abc\u{fffd}cba\u{fffd}"),
            ("日本 é 👩‍👩‍👧", "日本 é 👩‍👩‍👧"),
        ] {
            assert_eq!(clean(text), shown, "{text:?}");
        }
        assert_eq!(clean_line("a\nb"), "a⏎b");
        assert_eq!(clean(&format!("e{}x", "\u{301}".repeat(100))).chars().count(), 2 + ZERO_WIDTH_MAX);
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let text = "é".repeat(SHOWN_BYTES_MAX);
        let shown = clean(&text);
        assert!(shown.ends_with(&format!("… ({SHOWN_BYTES_MAX} bytes more)")));
        assert!(shown.len() < SHOWN_BYTES_MAX + 50);
    }

    #[test]
    fn what_is_typed_has_only_line_ends() {
        assert_eq!(typed("a\r\nb\rc\x1b[31m\td"), "a\nb\nc[31m    d");
    }

    #[test]
    fn rows_hold_what_fits() {
        for (text, columns, rows) in [
            ("one two three", 7, vec!["one two", "three"]),
            ("one two three", 8, vec!["one two", "three"]),
            ("abcdef", 4, vec!["abcd", "ef"]),
            ("日本語", 4, vec!["日本", "語"]),
            ("日本", 1, vec!["日", "本"]),
            ("a\n\nb", 9, vec!["a", "", "b"]),
            ("", 9, vec![""]),
            ("a bcdefgh", 4, vec!["a bc", "defg", "h"]),
        ] {
            assert_eq!(wrap(text, columns), rows, "{text:?} in {columns}");
        }
    }

    #[test]
    fn what_does_not_fit_ends_with_an_ellipsis() {
        assert_eq!(fitting("alice", 5), "alice");
        assert_eq!(fitting("alice", 4), "ali…");
        assert_eq!(fitting("日本語", 4), "日…");
        assert_eq!(fitting("alice", 0), "");
    }
}
