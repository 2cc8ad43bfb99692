//! In a group.

use chasqui_domain::{Role, Version};
use chasqui_wire::frames::{ChangeMade, Changes};

use super::{
    super::super::testing::{changed, counts, group, group_message, group_model, group_summary, sent_in, user},
    *,
};

/// A conversation of three, on one screen.
fn bridge() -> Model {
    let mut model = group_model(64, 26);
    does(&mut model, group_summary("The bridge", 5, (2, 5, 4)));
    let page = vec![
        group_message(5, "alice", "Let me see."),
        group_message(4, "carol", "Take the upper road."),
        group_message(3, "bob", "I am near Tambo."),
        group_message(2, "bob", "Since when?"),
        group_message(1, "alice", "The bridge is down."),
    ];
    does(&mut model, loaded(Load::Last, page));
    let users = vec![user("alice"), user("bob")];
    let created = ChangeMade::Created { users, title: Some("The bridge".to_owned()), picture: None };
    let role = ChangeMade::Role { user: user("carol"), role: Role::Admin };
    let changes = vec![
        changed(3, 3, "alice", role),
        changed(2, 3, "alice", ChangeMade::Add { users: vec![user("carol")] }),
        changed(1, 0, "alice", created),
    ];
    does(&mut model, Event::Changes(None, Changes { changes, next: None }));
    does(&mut model, update(Update::CaughtUp));
    does(&mut model, update(counts((2, 5, 4), &[(5, 2, 1)])));
    model
}

#[test]
fn who_wrote_what_and_what_was_changed_stand_in_their_order() {
    let mut model = bridge();
    write(&mut model, "/demote carol", 0, 7);
    let mut refused = failed(7, Code::NotPermitted);
    (refused.chat, refused.to) = (Some(group()), None);
    does(&mut model, update(Update::Failed(refused)));
    assert_eq!(
        screen(&model, 64, 26),
        [
            " The bridge · 3 members  ● connected                      alice",
            "────────────────────────────────────────────────────────────────",
            "",
            "                   the beginning of this chat",
            " ───────────────── Tuesday, 24 November 2026 ──────────────────",
            "     alice created the group “The bridge” with bob · 06:00",
            "",
            "                        06:01 #1 ✓✓ read  The bridge is down. ▐",
            "",
            " bob",
            " ▌ Since when?  06:02 #2",
            " ▌ I am near Tambo.  06:03 #3",
            "",
            "                   alice added carol · 06:03",
            "               alice made carol an admin · 06:03",
            "",
            " carol",
            " ▌ Take the upper road.  06:04 #4",
            "",
            "                            06:05 #5 ✓✓ read 1/2  Let me see. ▐",
            "                                                /demote carol ▐",
            "   ✗ not_permitted: The user's role in the group doesn't allow",
            "                              it, or the message is another's.",
            "────────────────────────────────────────────────────────────────",
            " ›",
            " Enter send · /help commands · Alt-Enter new line · PgUp older …",
        ]
    );
}

#[test]
fn names_have_colours_of_their_own_where_there_are_colours() {
    let mut model = bridge();
    let of = |model: &Model, name: &str| {
        let terminal = draw_on(model, 64, 26);
        let buffer = terminal.backend().buffer();
        let row =
            (0..26).find(|y| (1..=name.len()).all(|x| buffer[(x as u16, *y)].symbol() == &name[x - 1..x])).unwrap();
        buffer[(1, row)].fg
    };
    assert_eq!((of(&model, "bob"), of(&model, "carol")), (Color::Reset, Color::Reset));
    model.theme = Theme { has_colour: true };
    assert_ne!(of(&model, "bob"), of(&model, "carol"));
    assert!(matches!(of(&model, "bob"), Color::Indexed(_)));
}

#[test]
fn an_answer_stands_at_the_end_and_so_does_the_end_of_a_membership() {
    let mut model = bridge();
    let lines = (0..400).map(|number| format!("  user{number}")).collect();
    does(&mut model, Event::Answered(Ok(lines)));
    let rows = screen(&model, 64, 26);
    let last = rows.iter().rposition(|row| row.starts_with(" │ ")).unwrap();
    assert_eq!(rows[last - 1..=last], [" │   user299", " │ … and 100 more; chasqui chat --plain prints all"]);
    key(&mut model, KeyCode::PageUp, KeyModifiers::NONE);
    assert!(screen(&model, 64, 26)[last].starts_with(" │   user2"));
    let removed = changed(9, 5, "bob", ChangeMade::Remove { user: user("alice") });
    does(&mut model, update(Update::Changed(Box::new(removed))));
    does(&mut model, Event::Answered(Ok(vec!["1 member".to_owned()])));
    let rows = screen(&model, 64, 26);
    assert!(rows[0].starts_with(" The bridge · 3 members  ■ bob removed you from this group"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("bob removed alice · 06:05")), "{rows:#?}");
}

#[test]
fn what_is_not_known_is_not_shown() {
    let model = group_model(80, 12);
    assert!(screen(&model, 80, 12)[0].starts_with(&format!(" group {}", &group().to_string()[..20])));
    let mut later = group_model(80, 12);
    does(&mut later, group_summary("The bridge", 3, (1, 3, 3)));
    does(&mut later, loaded(Load::Last, Vec::new()));
    let added = changed(2, 3, "bob", ChangeMade::Add { users: vec![user("alice")] });
    does(&mut later, Event::Changes(None, Changes { changes: vec![added], next: None }));
    let rows = screen(&later, 80, 12).join("\n");
    assert!(rows.contains("what was before you came is not shown") && rows.contains("bob added alice"), "{rows}");
}

#[test]
fn titles_and_names_never_command_the_terminal() {
    let evil = "\x1b[2J\u{9b}31m\u{202e}x";
    let mut model = group_model(60, 20);
    does(&mut model, group_summary(evil, 1, (1, 1, 1)));
    does(&mut model, loaded(Load::Last, vec![group_message(1, "b\u{202e}ob", "hi")]));
    let renamed = ChangeMade::Describe { title: Some(evil.to_owned()), picture: None };
    does(&mut model, update(Update::Changed(Box::new(changed(2, 1, "b\u{202e}ob", renamed)))));
    let screen = screen(&model, 60, 20).join("\n");
    assert!(screen.contains("␛[2J\u{fffd}31m\u{fffd}x"), "{screen}");
    let commands = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!screen.contains(commands), "{screen:?}");
}

fn group_event() -> impl Strategy<Value = Event> {
    let name = || prop::sample::select(vec!["alice", "bob", "carol"]);
    let change = (name(), 0..3u8).prop_map(|(name, kind)| match kind {
        0 => ChangeMade::Add { users: vec![user(name)] },
        1 => ChangeMade::Remove { user: user(name) },
        _ => ChangeMade::Leave {},
    });
    let changed =
        (1..90u64, 0..60u64, name(), change).prop_map(|(number, after, by, change)| changed(number, after, by, change));
    let changes = prop::collection::vec(changed.clone(), 0..5);
    prop_oneof![
        6 => event(),
        3 => (1..60u64, name()).prop_map(|(seq, from)| came(group_message(seq, from, "x"))),
        2 => changed.prop_map(|changed| update(Update::Changed(Box::new(changed)))),
        1 => (changes, any::<bool>()).prop_map(|(changes, has_more)| {
            Event::Changes(None, Changes { changes, next: has_more.then_some(Version(9)) })
        }),
        1 => (1..60u64, 0..60u64, 0..4u32).prop_map(|(seq, all, of)| update(counts((of, all, all / 2), &[(seq, 2, 1)]))),
        1 => (0..60u64).prop_map(|last| group_summary("t", last, (2, last, 0))),
        1 => (1..60u64, 1..60u64).prop_map(|(id, seq)| sent_in(group().into(), id, seq)),
        1 => Just(()).prop_map(|()| Event::Summary(None)),
        1 => Just(()).prop_map(|()| Event::Answered(Ok(vec!["a".to_owned()]))),
        1 => prop::sample::select(vec!["/add bob", "/who", "/help", "//x", "/"]).prop_map(|text| Event::Paste(text.to_owned())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_happens_in_a_group_breaks_it(events in prop::collection::vec(group_event(), 0..80)) {
        let mut model = group_model(40, 12);
        for event in events {
            does(&mut model, event);
            if model.columns > 0 && model.rows > 0 {
                for row in screen(&model, model.columns, model.rows) {
                    prop_assert!(!row.contains(char::is_control), "{row:?}");
                }
            }
        }
    }
}
