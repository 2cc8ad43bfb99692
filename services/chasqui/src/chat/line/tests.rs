use proptest::prelude::*;

use super::*;

/// A line with its cursor at `|`.
fn line(text: &str) -> Line {
    let cursor = text.find('|').unwrap();
    Line { text: text.replacen('|', "", 1), cursor }
}

fn shown(line: &Line) -> String {
    let mut text = line.text.clone();
    text.insert(line.cursor, '|');
    text
}

#[test]
fn keys_edit_what_they_should() {
    type Edit = fn(&mut Line);
    let table: &[(&str, Edit, &str)] = &[
        ("ab|c", Line::left, "a|bc"),
        ("|abc", Line::left, "|abc"),
        ("a👩‍👩‍👧|b", Line::left, "a|👩‍👩‍👧b"),
        ("a|e\u{301}b", Line::right, "ae\u{301}|b"),
        ("ab|", Line::right, "ab|"),
        ("one two| three", Line::word_left, "one |two three"),
        ("one  |", Line::word_left, "|one  "),
        ("one| two", Line::word_right, "one two|"),
        ("a\nbc|d", Line::home, "a\n|bcd"),
        ("a|b\nc", Line::end, "ab|\nc"),
        ("ab日|", Line::backspace, "ab|"),
        ("|ab", Line::backspace, "|ab"),
        ("a|日b", Line::delete, "a|b"),
        ("a|", Line::delete, "a|"),
        ("one two |three", Line::delete_word, "one |three"),
        ("a\none|two", Line::delete_to_start, "a\n|two"),
        ("on|e\nb", Line::delete_to_end, "on|\nb"),
        ("abc\nd|e", |line| assert!(line.up()), "a|bc\nde"),
        ("a\nbcd|", |line| assert!(line.up()), "a|\nbcd"),
        ("ab|c\nd", |line| assert!(line.down()), "abc\nd|"),
        ("a|", |line| assert!(!line.up() && !line.down()), "a|"),
        ("a|b", |line| line.insert("\x1b1\r\n2").unwrap(), "a1\n2|b"),
    ];
    for (before, edit, after) in table {
        let mut line = line(before);
        edit(&mut line);
        assert_eq!(shown(&line), *after, "from {before:?}");
    }
}

#[test]
fn it_takes_all_of_a_text_or_nothing() {
    let mut line = Line::new(&"x".repeat(TEXT_BYTES_MAX - 2));
    assert_eq!(line.insert("日"), Err(Full));
    assert_eq!(line.text().len(), TEXT_BYTES_MAX - 2);
    assert_eq!(line.insert("yz"), Ok(()));
    assert_eq!(line.insert("a"), Err(Full));
    let given_back = "日".repeat(TEXT_BYTES_MAX);
    let mut line = Line::new(&given_back);
    assert_eq!(line.text(), given_back);
    assert_eq!(line.insert("a"), Err(Full));
}

#[test]
fn the_cursor_is_where_the_next_character_comes() {
    let rows = |text: &str, columns| {
        let Rows { rows, cursor_row, cursor_column } = line(text).rows(columns);
        (rows.join("/"), cursor_row, cursor_column)
    };
    assert_eq!(rows("abc|", 4), ("abc".to_owned(), 0, 3));
    assert_eq!(rows("abcd|", 4), ("abcd/".to_owned(), 1, 0));
    assert_eq!(rows("abcd|e", 4), ("abcd/e".to_owned(), 1, 0));
    assert_eq!(rows("日本|語", 5), ("日本/語".to_owned(), 1, 0));
    assert_eq!(rows("日|本語", 5), ("日本/語".to_owned(), 0, 2));
    assert_eq!(rows("a|\nb", 5), ("a/b".to_owned(), 0, 1));
    assert_eq!(rows("abc|\nd", 3), ("abc//d".to_owned(), 1, 0));
    assert_eq!(rows("a\n|", 5), ("a/".to_owned(), 1, 0));
    assert_eq!(rows("|", 0), (String::new(), 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_leaves_the_cursor_inside_a_character(
        start in "[a-c日é👩\u{200d}👧\u{301}\u{1f1e9}\u{1f1ea} \n]{0,12}",
        edits in prop::collection::vec((0..14u8, "[a日\u{301}\u{200d}👧\u{1f1ea}\n ]{0,3}"), 0..30),
        columns in 0..9usize,
    ) {
        let mut line = Line::new(&start);
        for (edit, text) in edits {
            match edit {
                0 => line.left(),
                1 => line.right(),
                2 => line.word_left(),
                3 => line.word_right(),
                4 => line.home(),
                5 => line.end(),
                6 => drop(line.up()),
                7 => drop(line.down()),
                8 => line.backspace(),
                9 => line.delete(),
                10 => line.delete_word(),
                11 => line.delete_to_start(),
                12 => line.delete_to_end(),
                _ => line.insert(&text).unwrap(),
            }
            prop_assert_eq!(line.boundary_from(line.cursor), line.cursor, "{:?}", line);
            let rows = line.rows(columns);
            prop_assert!(rows.cursor_row < rows.rows.len() && rows.cursor_column < columns.max(2));
            prop_assert_eq!(rows.rows.concat(), line.text.replace('\n', ""));
        }
    }
}
