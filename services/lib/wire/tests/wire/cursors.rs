use chasqui_domain::{Day, LogId, Offset, Position};
use chasqui_wire::{
    Error,
    cursor::{self, Cursor},
};
use proptest::prelude::*;

use crate::{people::user, values::a_user};

fn at(log: [u8; 16], offset: u64, day: u32) -> Cursor {
    Cursor { position: Position { log: LogId(log), offset: Offset(offset) }, day: Day(day) }
}

proptest! {
    #[test]
    fn a_cursor_is_read_by_its_user(of in a_user(), log in any::<[u8; 16]>(), offset in any::<u64>(), day in any::<u32>()) {
        let cursor = at(log, offset, day);
        let text = cursor::encode(&of, &cursor);
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        prop_assert_eq!(cursor::decode(&of, &text), Ok(cursor));
    }

    #[test]
    fn any_text_is_no_cursor(text in ".{0,60}") {
        prop_assert_eq!(cursor::decode(&user("alice"), &text), Err(Error::Cursor));
    }

    #[test]
    fn any_text_of_its_letters_is_no_panic(text in "[A-Za-z0-9_-]{42,48}") {
        let _ = cursor::decode(&user("alice"), &text);
    }
}

#[test]
fn a_cursor_never_changes() {
    let cursor = at(*b"a life of topics", 100, 20_000);
    let text = cursor::encode(&user("alice"), &cursor);
    assert_eq!(text, "AmEgbGlmZSBvZiB0b3BpY3MAAAAAAAAAZAAATiAaARaw");
}

#[test]
fn what_is_not_a_cursor_of_the_user_is_refused() {
    let cursor = at([7; 16], 100, 20_000);
    let text = cursor::encode(&user("alice"), &cursor);
    let other_version = format!("AQ{}", &text[2..]);
    let longer = format!("{text}AAAA");
    for wrong in ["", "A", &text[1..], &text[..text.len() - 1], &other_version, &longer, "ñ"] {
        assert_eq!(cursor::decode(&user("alice"), wrong), Err(Error::Cursor), "{wrong}");
    }
    assert_eq!(cursor::decode(&user("bob"), &text), Err(Error::OtherUser));
}
