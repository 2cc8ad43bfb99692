//! What was done to messages.

use chasqui_domain::TimeMs;
use chasqui_wire::frames::{ChangeMade, Message};

use super::{
    super::super::testing::{acted, edit, reaction},
    *,
};

/// A reply, an edit, a deletion, reactions and a pin, on one screen.
fn worked_on(columns: u16, rows: u16) -> Model {
    let mut model = model(columns, rows);
    let Event::Summary(Some(mut pinned)) = summary(5, 0, 5, (5, 5)) else { panic!() };
    pinned.item.pinned = vec![Seq(1)];
    does(&mut model, Event::Summary(Some(pinned)));
    let reactions = vec![reaction("👍", 2, true), reaction("❤", 1, false)];
    let page = vec![
        Message { reply_to: Some(Seq(1)), reactions: vec![reaction("😀", 1, false)], ..message(5, "alice", "I am.") },
        message(4, "bob", "soon gone"),
        Message { reply_to: Some(Seq(1)), edited: Some(TimeMs(1)), ..message(3, "bob", "Who else?") },
        Message { reply_to: Some(Seq(99)), ..message(2, "bob", "See above.") },
        Message { reactions, ..message(1, "bob", "Who is coming to the bridge tonight?") },
    ];
    does(&mut model, loaded(Load::Last, page));
    does(&mut model, update(Update::CaughtUp));
    does(&mut model, acted(1, 9, "bob", ChangeMade::Delete { seq: Seq(4) }));
    model
}

#[test]
fn what_became_of_a_message_stands_with_it() {
    assert_eq!(
        screen(&worked_on(64, 18), 64, 18)[2..17],
        [
            "                   the beginning of this chat",
            " ───────────────── Tuesday, 24 November 2026 ──────────────────",
            " ▌ Who is coming to the bridge tonight?  06:01 #1 (pinned)",
            "   [👍 2] ❤ 1",
            " ▌ ↳ #99",
            " ▌ See above.  06:02 #2",
            " ▌ ↳ #1 bob: Who is coming…",
            " ▌ Who else?                 06:03 #3 (edited)",
            " ▌ message deleted  06:04 #4",
            "",
            "                                     ↳ #1 bob: Who is coming… ▐",
            "                   06:05 #5 ✓✓ read  I am.                    ▐",
            "                                                          😀 1",
            "────────────────────────────────────────────────────────────────",
            " ›",
        ]
    );
}

#[test]
fn it_changes_as_it_is_told_and_has_room_on_narrow_screens() {
    let mut model = worked_on(30, 40);
    does(&mut model, acted(2, 9, "bob", edit(2, "See\x1b below.")));
    let rows = screen(&model, 30, 40);
    let has = |text: &str| rows.iter().any(|row| row.contains(text));
    assert!(has("See␛ below.") && has("06:02 #2 (edited)"), "{rows:#?}");
    assert!(has("06:01 #1 (pinned)"), "{rows:#?}");
}
