mod actions;
mod group;

use std::time::Duration;

use chasqui_client::Update;
use chasqui_domain::{Counter, Seq};
use chasqui_wire::{
    Code,
    frames::{ChangeMade, Message},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::prelude::*;
use ratatui::{
    Terminal,
    backend::TestBackend,
    style::{Color, Style},
};

use super::{
    super::{
        model::{Event, Ticket},
        testing::{
            acted, came, connected, edit, failed, loaded, message, model, reaction, receipt, sent, summary, update,
        },
        text::grapheme_width,
        timeline::Load,
    },
    *,
};

fn draw_on(model: &Model, columns: u16, rows: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(model, frame)).unwrap();
    terminal
}

/// The screen as people see it, without the blanks at the ends of rows.
fn screen(model: &Model, columns: u16, rows: u16) -> Vec<String> {
    let terminal = draw_on(model, columns, rows);
    let buffer = terminal.backend().buffer();
    let row = |y: u16| {
        let mut text = String::new();
        let mut x = 0;
        while x < columns {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            // A wide character covers the cell behind it.
            x += u16::try_from(grapheme_width(symbol).max(1)).unwrap();
        }
        text.trim_end().to_owned()
    };
    (0..rows).map(row).collect()
}

fn does(model: &mut Model, event: Event) {
    model.apply(event, Duration::from_secs(1));
}

fn key(model: &mut Model, code: KeyCode, modifiers: KeyModifiers) {
    does(model, Event::Key(KeyEvent::new(code, modifiers)));
}

fn write(model: &mut Model, text: &str, ticket: u64, id: u64) {
    does(model, Event::Paste(text.to_owned()));
    key(model, KeyCode::Enter, KeyModifiers::NONE);
    does(model, Event::Queued(Ticket(ticket), Counter(id)));
}

/// Everything that a message can be, on one screen.
fn busy() -> Model {
    let mut model = model(52, 24);
    does(&mut model, summary(4, 1, 3, (3, 2)));
    let mut yesterday = message(1, "bob", "see you tomorrow");
    yesterday.time.0 -= 24 * 60 * 60 * 1000;
    let page = vec![
        message(4, "bob", "日本語 and a line that is long enough to wrap"),
        message(3, "alice", "delivered"),
        message(2, "alice", "read"),
        yesterday,
    ];
    does(&mut model, loaded(Load::Last, page));
    does(&mut model, update(Update::CaughtUp));
    does(&mut model, Event::Focus(false));
    for (at, text) in ["sent", "refused", "late", "waiting"].into_iter().enumerate() {
        write(&mut model, text, at as u64, at as u64 + 1);
    }
    does(&mut model, sent(1, 5));
    let mut refused = failed(2, Code::NotAllowed);
    refused.message = "The user may not write to this user.".to_owned();
    does(&mut model, update(Update::Failed(refused)));
    does(&mut model, update(Update::Delayed { chat: super::super::testing::chat(), id: Counter(3) }));
    does(&mut model, came(message(6, "bob", "unseen")));
    does(&mut model, Event::Paste("half a li".to_owned()));
    model
}

#[test]
fn everything_has_its_place() {
    assert_eq!(
        screen(&busy(), 52, 24),
        [
            " bob  ● connected                  1 unread · alice",
            "────────────────────────────────────────────────────",
            "             the beginning of this chat",
            " ──────────── Monday, 23 November 2026 ────────────",
            " ▌ see you tomorrow  06:01 #1",
            " ─────────── Tuesday, 24 November 2026 ────────────",
            "                           06:02 #2 ✓✓ read  read ▐",
            "                           06:03 #3 ✓✓  delivered ▐",
            "",
            " ▌ 日本語 and a line that is long",
            " ▌ enough to wrap                  06:04 #4",
            "",
            "                                 06:05 #5 ✓  sent ▐",
            " ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ new messages ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌",
            " ▌ unseen  06:06 #6",
            "",
            "                                          refused ▐",
            "     ✗ not_allowed: The user may not write to this",
            "                                             user.",
            "                                  … delayed  late ▐",
            "                                       …  waiting ▐",
            "────────────────────────────────────────────────────",
            " › half a li",
            " Enter send · /help commands · Alt-Enter new line ·…",
        ]
    );
}

#[test]
fn a_read_message_is_told_by_colour_or_by_a_word() {
    let mut model = model(40, 12);
    does(&mut model, summary(1, 0, 1, (1, 0)));
    does(&mut model, loaded(Load::Last, vec![message(1, "alice", "hi")]));
    let row = |model: &Model| screen(model, 40, 12).into_iter().find(|row| row.contains("hi ▐")).unwrap();
    assert!(row(&model).contains("06:01 #1 ✓✓  hi ▐"));
    does(&mut model, update(receipt("bob", 1, 1)));
    assert!(row(&model).contains("06:01 #1 ✓✓ read  hi ▐"));
    model.theme = Theme { has_colour: true };
    assert!(row(&model).contains("06:01 #1 ✓✓  hi ▐"));
    let terminal = draw_on(&model, 40, 12);
    let ticks: Vec<Color> =
        terminal.backend().buffer().content.iter().filter(|cell| cell.symbol() == "✓").map(|cell| cell.fg).collect();
    assert_eq!(ticks, [Color::Cyan, Color::Cyan]);
}

#[test]
fn without_colours_there_are_none() {
    let terminal = draw_on(&busy(), 52, 24);
    let is_plain = |cell: &ratatui::buffer::Cell| cell.fg == Color::Reset && cell.bg == Color::Reset;
    assert!(terminal.backend().buffer().content.iter().all(is_plain));
    assert_eq!(Style::new(), Theme { has_colour: false }.mine());
}

#[test]
fn what_others_wrote_never_reaches_the_terminal_as_a_command() {
    let evil = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\r\u{202e}\x7f";
    let mut model = Model::new(
        super::super::testing::user("alice"),
        super::super::testing::user("b\u{202e}ob"),
        jiff::tz::TimeZone::UTC,
        Theme { has_colour: true },
    );
    does(&mut model, Event::Resize { columns: 60, rows: 20 });
    let mut message = message(1, "bob", evil);
    message.chat = chasqui_domain::ChatId::direct(&model.me, &super::super::testing::user("b\u{202e}ob"));
    does(&mut model, came(message));
    let mut failure = failed(1, Code::NotAllowed);
    failure.message = evil.to_owned();
    (failure.chat, failure.to) = (None, None);
    does(&mut model, update(Update::Failed(failure)));
    does(&mut model, Event::Over(evil.to_owned()));
    let screen = screen(&model, 60, 20).join("\n");
    assert!(screen.contains("␛[2J␛]0;owned␇"), "{screen}");
    let commands = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!screen.contains(commands), "{screen:?}");
}

#[test]
fn the_connection_is_told() {
    let header = |model: &Model| screen(model, 60, 12).remove(0);
    let mut model = model(60, 12);
    assert_eq!(header(&model), " bob  ◐ catching up                                   alice");
    let pause = Duration::from_millis(3_200);
    does(&mut model, update(Update::Disconnected { code: Some(Code::Draining), again_in: Some(pause) }));
    does(&mut model, Event::Tick { again_in: Some(pause) });
    assert_eq!(header(&model), " bob  ○ offline · again in 4 s · The server is going away; …");
    does(&mut model, Event::Tick { again_in: None });
    assert!(header(&model).contains("○ offline · connecting"));
    does(&mut model, connected(true));
    does(&mut model, update(Update::CaughtUp));
    assert!(header(&model).contains("● connected"));
    does(&mut model, Event::Over("gone".to_owned()));
    assert!(header(&model).contains("■ gone"));
}

#[test]
fn the_line_grows_and_the_cursor_is_where_it_should_be() {
    let mut model = model(20, 12);
    for character in "日本語ab".chars() {
        key(&mut model, KeyCode::Char(character), KeyModifiers::NONE);
    }
    key(&mut model, KeyCode::Left, KeyModifiers::NONE);
    let mut terminal = draw_on(&model, 20, 12);
    terminal.backend_mut().assert_cursor_position(Position::new(3 + 7, 10));
    key(&mut model, KeyCode::Enter, KeyModifiers::ALT);
    let rows = screen(&model, 20, 12);
    assert_eq!(rows[9..11], [" › 日本語a", "   b"]);
    for number in 0..20 {
        does(&mut model, Event::Paste(format!("\nrow {number}")));
    }
    let rows = screen(&model, 20, 12);
    assert_eq!(rows[7..11], ["   row 16", "   row 17", "   row 18", "   row 19b"]);
}

#[test]
fn a_place_above_the_end_stays_and_says_what_is_below() {
    let mut model = model(40, 14);
    does(&mut model, summary(40, 0, 40, (0, 0)));
    does(&mut model, loaded(Load::Last, (1..=40).rev().map(|seq| message(seq, "bob", &format!("n{seq}"))).collect()));
    key(&mut model, KeyCode::PageUp, KeyModifiers::NONE);
    let before = screen(&model, 40, 14);
    assert!(before[10].ends_with("↓ 8 below"), "{before:#?}");
    does(&mut model, came(message(41, "bob", "new")));
    let after = screen(&model, 40, 14);
    assert_eq!(before[2..10], after[2..10]);
    assert!(after[10].ends_with("↓ 9 below"), "{after:#?}");
    key(&mut model, KeyCode::End, KeyModifiers::CONTROL);
    let end = screen(&model, 40, 14);
    assert!(end[10].contains("new") && end[9].contains("╌ new messages ╌"), "{end:#?}");
}

#[test]
fn small_screens_show_what_matters_most() {
    let model = busy();
    assert_eq!(screen(&model, 20, 1), [" › half a li"]);
    assert_eq!(screen(&model, 20, 3)[2], " › half a li");
    assert_eq!(screen(&model, 20, 3)[0], " bob  ● connected");
}

fn event() -> impl Strategy<Value = Event> {
    let code = prop_oneof![
        any::<char>().prop_map(KeyCode::Char),
        prop::sample::select(vec![
            KeyCode::Enter,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Tab,
            KeyCode::F(1),
            KeyCode::Char('a'),
            KeyCode::Char('w'),
            KeyCode::Char('u'),
            KeyCode::Char('k'),
            KeyCode::Char('d'),
        ]),
    ];
    let modifiers = any::<u8>().prop_map(KeyModifiers::from_bits_truncate);
    let size = (0..70u16, 0..30u16).prop_map(|(columns, rows)| Event::Resize { columns, rows });
    prop_oneof![
        8 => (code, modifiers).prop_map(|(code, modifiers)| Event::Key(KeyEvent::new(code, modifiers))),
        2 => ".{0,40}".prop_map(Event::Paste),
        2 => size,
        1 => any::<bool>().prop_map(Event::Focus),
        2 => (1..60u64, "(?s).{0,80}").prop_map(|(seq, text)| came(message(seq, "bob", &text))),
        2 => (1..60u64, 0..4u8, "(?s).{0,80}").prop_map(|(seq, kind, text)| {
            let change = match kind {
                0 => edit(seq, &text),
                1 => ChangeMade::Delete { seq: Seq(seq) },
                2 => ChangeMade::React { seq: Seq(seq), reaction: Some(text) },
                _ => ChangeMade::Pin { seq: Seq(seq) },
            };
            acted(seq, seq, "bob", change)
        }),
        1 => (1..60u64, 1..60u64, "(?s).{0,80}").prop_map(|(first, to, kind)| {
            let reactions = vec![reaction(&kind, 2, true)];
            let message = Message { reply_to: Some(Seq(to)), reactions, ..message(first, "bob", &kind) };
            loaded(Load::Again { first: Seq(first), count: 1 }, vec![message])
        }),
        1 => prop::sample::select(vec!["/edit a", "/reply 7 a", "/react 7 +", "/pin 7"])
            .prop_map(|text| Event::Paste(text.to_owned())),
        1 => (1..60u64, 1..60u64).prop_map(|(id, seq)| sent(id, seq)),
        1 => (0..9u64, 1..60u64).prop_map(|(ticket, id)| Event::Queued(Ticket(ticket), Counter(id))),
        1 => (0..9u64, "(?s).{0,80}").prop_map(|(ticket, why)| Event::NotSent(Ticket(ticket), why)),
        1 => (1..60u64).prop_map(|id| update(Update::Failed(failed(id, Code::NotAllowed)))),
        1 => (1..60u64, 0..60u64).prop_map(|(delivered, read)| update(receipt("bob", delivered, read))),
        1 => (1..60u64).prop_map(|seq| {
            let page = (seq.saturating_sub(20).max(1)..seq).map(|seq| message(seq, "alice", "x")).collect();
            loaded(Load::Before(Seq(seq)), page)
        }),
        1 => (1..60u64, 0..60u64).prop_map(|(last, read)| summary(last, 1, read, (0, 0))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_keys_and_no_size_break_it(
        events in prop::collection::vec(event(), 0..60),
        size in (0..70u16, 0..30u16),
        has_colour in any::<bool>(),
    ) {
        let mut model = model(40, 12);
        model.theme = Theme { has_colour };
        for event in events {
            does(&mut model, event);
            // The screen may be of another size than it was told last.
            for (columns, rows) in [size, (model.columns, model.rows)] {
                if columns > 0 && rows > 0 {
                    for row in screen(&model, columns, rows) {
                        prop_assert!(!row.contains(char::is_control), "{row:?}");
                    }
                }
            }
        }
    }
}
