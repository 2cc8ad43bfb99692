mod actions;
mod group;

use chasqui_client::{Draft, End, Update};
use chasqui_domain::Counter;
use chasqui_wire::Code;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    super::{
        testing::{
            came, chat, connected, device, failed, loaded, message, model, receipt, sent, summary, unsent, update, user,
        },
        timeline::Load,
    },
    *,
};

const NOW: Duration = Duration::from_secs(100);

impl Model {
    fn does(&mut self, event: Event) -> Vec<Effect> {
        self.apply(event, NOW)
    }

    fn presses(&mut self, code: KeyCode) -> Vec<Effect> {
        self.does(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    fn writes(&mut self, text: &str) -> Vec<Effect> {
        self.does(Event::Paste(text.to_owned()));
        self.presses(KeyCode::Enter)
    }

    fn stages(&self) -> Vec<(Option<u64>, &str, Stage)> {
        self.outgoing.iter().map(|it| (it.id.map(|id| id.0), it.wish.text.as_str(), it.stage.clone())).collect()
    }

    fn shown(&self) -> Vec<(u64, &str)> {
        self.timeline.items().map(|item| (item.seq.0, item.text.as_str())).collect()
    }
}

fn sends(ticket: u64, text: &str) -> Effect {
    Effect::Send(Ticket(ticket), Box::new(Draft::text(user("bob"), text)))
}

/// With messages 1 to `count` of bob, all read, and time to spare below.
fn chatting(count: u64) -> Model {
    let mut model = model(60, 20);
    model.does(summary(count, 0, count, (0, 0)));
    let page = (1..=count).rev().map(|seq| message(seq, "bob", "hi")).collect();
    model.does(loaded(Load::Last, page));
    model.does(update(Update::CaughtUp));
    model
}

#[test]
fn it_begins_with_where_the_user_stopped_and_then_the_end() {
    let mut model = Model::new(user("alice"), user("bob"), TimeZone::UTC, Theme { has_colour: false });
    assert_eq!(model.does(Event::Resize { columns: 60, rows: 20 }), [], "there is nobody to ask");
    assert_eq!(model.does(connected(true)), [Effect::Summary]);
    assert_eq!(model.does(Event::Tick { again_in: None }), [], "one question at a time");
    assert_eq!(model.does(came(message(5, "bob", "live"))), [], "what is new is not known yet");
    assert_eq!(model.does(summary(5, 2, 3, (0, 0))), [Effect::Load(Load::Last), Effect::Read(Seq(5))]);
    assert_eq!(model.divider, Some(Seq(4)));
    let page = (1..=5).rev().map(|seq| message(seq, "bob", "hi")).collect();
    assert_eq!(model.does(loaded(Load::Last, page)), []);
    assert_eq!(model.shown().len(), 5);
    assert_eq!(model.shown()[4], (5, "live"), "the message that was here stays");
}

#[test]
fn a_chat_without_messages_has_nothing_to_ask_for() {
    let mut model = model(60, 20);
    assert_eq!(model.does(Event::Summary(None)), []);
    assert_eq!(model.does(came(message(1, "bob", "hi"))), [Effect::Read(Seq(1))]);
}

#[test]
fn a_message_goes_from_the_line_to_its_place() {
    let mut model = chatting(2);
    assert_eq!(model.writes("hello"), [sends(0, "hello")]);
    assert_eq!((model.line.text(), model.stages()), ("", vec![(None, "hello", Stage::Handing)]));
    model.does(Event::Queued(Ticket(0), Counter(7)));
    assert_eq!(model.stages(), [(Some(7), "hello", Stage::Waiting)]);
    model.does(update(Update::Delayed { chat: chat(), id: Counter(7) }));
    assert_eq!(model.stages(), [(Some(7), "hello", Stage::Delayed)]);
    model.does(sent(7, 3));
    model.does(sent(7, 3));
    assert_eq!((model.stages(), model.shown()), (vec![], vec![(1, "hi"), (2, "hi"), (3, "hello")]));
}

#[test]
fn an_outcome_may_overtake_its_id_and_the_history_the_outcome() {
    let mut model = chatting(1);
    model.writes("one");
    model.does(sent(7, 2));
    model.does(Event::Queued(Ticket(0), Counter(7)));
    assert_eq!((model.stages(), model.shown()), (vec![], vec![(1, "hi"), (2, "one")]));

    model.writes("two");
    model.does(Event::Queued(Ticket(1), Counter(8)));
    let mut mine = message(3, "alice", "two");
    (mine.device, mine.id) = (device(), Counter(8));
    model.does(loaded(Load::After(Seq(2)), vec![mine]));
    assert_eq!(model.stages(), [], "it is in the history");
    model.does(sent(8, 3));
    assert_eq!(model.shown(), [(1, "hi"), (2, "one"), (3, "two")]);
}

#[test]
fn a_message_that_is_sent_without_its_text_is_asked_for() {
    let mut model = chatting(1);
    assert_eq!(model.does(sent(3, 2)), [Effect::Load(Load::After(Seq(1)))]);
}

#[test]
fn a_refusal_stays_with_its_reason_and_one_that_passes_is_told() {
    let mut model = chatting(1);
    model.writes("a");
    model.writes("b");
    model.does(Event::Queued(Ticket(0), Counter(1)));
    model.does(Event::Queued(Ticket(1), Counter(2)));
    model.does(update(Update::Failed(failed(1, Code::NotAllowed))));
    model.does(update(Update::Retrying(failed(2, Code::Unavailable))));
    let why = |code: Code| format!("{}: {}", code.as_str(), code.meaning());
    assert_eq!(
        model.stages(),
        [(Some(1), "a", Stage::Failed(why(Code::NotAllowed))), (Some(2), "b", Stage::Retrying(why(Code::Unavailable)))]
    );
    assert_eq!(model.unsent(), 1);
    let mut other = failed(9, Code::NotAllowed);
    (other.chat, other.to) = (None, Some(user("carol\u{202e}")));
    model.does(update(Update::Failed(other)));
    assert!(model.notice().unwrap().starts_with("a message to carol\u{fffd} failed"));
}

#[test]
fn a_text_that_is_not_taken_goes_back_to_the_line() {
    let mut model = chatting(1);
    model.writes("first");
    model.does(Event::Paste("second".to_owned()));
    model.does(Event::NotSent(Ticket(0), "full".to_owned()));
    assert_eq!((model.line.text(), model.notice()), ("first\nsecond", Some("not sent: full")));
    model.does(update(Update::Ended(End::Refused(Code::Replaced))));
    assert_eq!(model.presses(KeyCode::Enter), []);
    assert_eq!(model.line.text(), "first\nsecond");
    assert!(model.notice().unwrap().contains("connected from elsewhere"));
}

#[test]
fn what_the_old_client_may_have_taken_is_sent_once() {
    let mut model = chatting(1);
    for text in ["kept", "lost", "late"] {
        model.writes(text);
    }
    assert_eq!(model.does(Event::Cut(Ticket(0))), []);
    assert_eq!(model.does(Event::Cut(Ticket(1))), []);
    let unsent = vec![unsent("bob", 4, "kept"), unsent("carol", 9, "other")];
    let again = model.does(Event::Opened { device: device(), unsent: unsent.clone() });
    assert_eq!(again, [sends(1, "lost")]);
    assert_eq!(model.does(Event::Cut(Ticket(2))), [sends(2, "late")]);
    assert_eq!(model.does(Event::Cut(Ticket(0))), [], "it has its id");
    assert_eq!(model.does(Event::Opened { device: device(), unsent }), []);
    assert_eq!(model.stages()[0], (Some(4), "kept", Stage::Waiting));
    assert_eq!(model.stages().len(), 3);
}

#[test]
fn what_waits_since_an_earlier_run_is_shown() {
    let mut model = Model::new(user("alice"), user("bob"), TimeZone::UTC, Theme { has_colour: false });
    model.draft("half a li");
    model.does(Event::Opened { device: device(), unsent: vec![unsent("bob", 4, "kept")] });
    assert_eq!((model.stages(), model.line.text()), (vec![(Some(4), "kept", Stage::Waiting)], "half a li"));
}

#[test]
fn what_is_looked_at_is_read() {
    let mut model = chatting(1);
    assert_eq!(model.does(came(message(2, "alice", "mine"))), []);
    assert_eq!(model.does(came(message(3, "bob", "x"))), [Effect::Read(Seq(3))]);
    assert_eq!(model.does(came(message(3, "bob", "x"))), []);
    model.does(Event::Focus(false));
    assert_eq!(model.does(came(message(4, "bob", "x"))), []);
    assert_eq!(model.does(came(message(5, "bob", "x"))), []);
    assert_eq!((model.unread(), model.divider), ((2, true), Some(Seq(4))));
    assert_eq!(model.does(Event::Focus(true)), [Effect::Read(Seq(5))]);
    assert_eq!(model.unread(), (0, true));
    assert_eq!(model.divider, Some(Seq(4)), "it stands until something is written");
    model.writes("ok");
    assert_eq!(model.divider, None);
}

#[test]
fn what_is_below_the_screen_is_not_read() {
    let mut model = chatting(50);
    for _ in 0..3 {
        model.presses(KeyCode::PageUp);
    }
    let before = scroll::seen(&model).last;
    assert!(before.unwrap() < Seq(45), "{before:?}");
    assert_eq!(model.does(came(message(51, "bob", "x"))), []);
    assert_eq!((scroll::seen(&model).last, model.unread()), (before, (1, true)));
    for _ in 0..2 {
        assert_eq!(model.presses(KeyCode::PageDown), []);
    }
    assert_eq!(model.presses(KeyCode::PageDown), [Effect::Read(Seq(51))]);
    assert_eq!(model.scroll, Scroll::Following);
}

#[test]
fn another_device_that_reads_counts_too() {
    let mut model = chatting(1);
    model.does(Event::Focus(false));
    model.does(came(message(2, "bob", "x")));
    model.does(update(receipt("alice", 2, 2)));
    assert_eq!(model.unread(), (0, true));
    model.does(update(receipt("bob", 2, 1)));
    model.does(update(receipt("bob", 1, 0)));
    assert_eq!(model.theirs, Marks { delivered: Seq(2), read: Seq(1) }, "never back");
    model.does(update(receipt("mallory", 9, 9)));
    assert_eq!(model.theirs.read, Seq(1));
}

#[test]
fn older_messages_are_asked_for_before_the_top_is_reached() {
    let mut model = model(60, 20);
    model.does(summary(90, 0, 90, (0, 0)));
    let page = |from: u64| (from..from + 50).rev().map(|seq| message(seq, "bob", "hi")).collect::<Vec<_>>();
    assert_eq!(model.does(loaded(Load::Last, page(41))), []);
    let mut asked = Vec::new();
    let mut pages = 0;
    while asked.is_empty() {
        asked = model.presses(KeyCode::PageUp);
        pages += 1;
        assert!(pages < 10);
    }
    assert_eq!(asked, [Effect::Load(Load::Before(Seq(41)))]);
    assert!(pages < 4, "while a screen is left above");
    let before = model.scroll;
    assert_eq!(
        model.does(loaded(Load::Before(Seq(41)), page(1).into_iter().filter(|it| it.seq < Seq(41)).collect())),
        []
    );
    assert_eq!(model.scroll, before);
    for _ in 0..20 {
        assert_eq!(model.presses(KeyCode::PageUp), [], "seq 1 is the beginning");
    }
    assert_eq!(model.does(Event::Key(KeyEvent::new(KeyCode::End, KeyModifiers::CONTROL))), []);
    assert_eq!(model.scroll, Scroll::Following);
}

#[test]
fn a_question_that_failed_waits() {
    let mut model = model(60, 20);
    let failure = |is_retryable| Event::NotLoaded { why: "away".to_owned(), is_retryable };
    assert_eq!(model.apply(failure(true), NOW), []);
    assert_eq!(model.notice(), Some("older messages can't be loaded: away"));
    let at = |seconds| NOW + Duration::from_secs(seconds);
    assert_eq!(model.apply(Event::Tick { again_in: None }, at(2)), []);
    assert_eq!(model.apply(Event::Tick { again_in: None }, at(3)), [Effect::Summary]);
    assert_eq!(model.apply(failure(false), at(3)), []);
    assert_eq!(model.apply(Event::Tick { again_in: None }, at(62)), []);
    assert_eq!(model.notice(), None, "a notice passes");
    assert_eq!(model.apply(Event::Tick { again_in: None }, at(63)), [Effect::Summary]);
}

#[test]
fn a_session_that_does_not_go_on_asks_again() {
    let mut model = chatting(3);
    assert_eq!(model.does(connected(true)), []);
    assert_eq!(model.link, Link::CatchingUp);
    assert_eq!(model.does(connected(false)), [Effect::Summary]);
    assert_eq!(model.does(summary(200, 0, 200, (0, 0))), [Effect::Load(Load::Last)]);
    let page = (151..=200).rev().map(|seq| message(seq, "bob", "hi")).collect();
    model.does(loaded(Load::Last, page));
    assert_eq!((model.shown()[0].0, model.shown().len()), (151, 50));
}

#[test]
fn the_half_typed_line_is_kept_with_what_the_client_has_not_taken() {
    let later = NOW + DRAFT_WITHIN;
    let tick = |model: &mut Model| model.apply(Event::Tick { again_in: None }, later);
    let mut model = chatting(1);
    model.does(Event::Paste("ab".to_owned()));
    assert_eq!(model.does(Event::Tick { again_in: None }), []);
    assert_eq!(tick(&mut model), [Effect::KeepDraft("ab".to_owned())]);
    assert_eq!(tick(&mut model), []);
    model.presses(KeyCode::Enter);
    model.does(Event::Paste("c".to_owned()));
    assert_eq!(tick(&mut model), [Effect::KeepDraft("ab\nc".to_owned())]);
    model.does(Event::Queued(Ticket(0), Counter(1)));
    assert_eq!(tick(&mut model), [Effect::KeepDraft("c".to_owned())]);
    assert_eq!(model.presses(KeyCode::Left), []);
    assert_eq!(tick(&mut model), [], "the cursor is no text");
}

#[test]
fn a_text_is_bounded_and_says_so() {
    let mut model = chatting(1);
    model.does(Event::Paste("x".repeat(super::super::limits::TEXT_BYTES_MAX + 1)));
    assert_eq!((model.line.text(), model.notice()), ("", Some("no room: a message has at most 16384 bytes")));
}

#[test]
fn a_text_that_is_given_back_is_kept_whole_and_not_sent_while_it_is_too_long() {
    let mut model = chatting(1);
    let text = "x".repeat(super::super::limits::TEXT_BYTES_MAX);
    model.writes(&text);
    model.does(Event::Paste("typed".to_owned()));
    model.does(Event::NotSent(Ticket(0), "no".to_owned()));
    let whole = format!("{text}\ntyped");
    assert_eq!(model.line.text(), whole);
    assert_eq!(model.presses(KeyCode::Enter), []);
    let notice = "not sent: a message has at most 16384 bytes; send it in parts";
    assert_eq!((model.line.text(), model.notice()), (&*whole, Some(notice)));
    (0..6).for_each(|_| drop(model.presses(KeyCode::Backspace)));
    assert_eq!(model.presses(KeyCode::Enter), [sends(1, &text)]);
}

#[test]
fn keys_leave_send_and_break_lines() {
    let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
    let mut model = chatting(1);
    for event in [key(KeyCode::Esc, KeyModifiers::NONE), key(KeyCode::Char('c'), KeyModifiers::CONTROL)] {
        assert_eq!(model.does(event), [Effect::Leave]);
    }
    assert_eq!(model.writes("  \n "), [], "nothing to send");
    model.line.take();
    model.does(key(KeyCode::Char('a'), KeyModifiers::SHIFT));
    model.does(key(KeyCode::Enter, KeyModifiers::ALT));
    model.does(key(KeyCode::Char('j'), KeyModifiers::CONTROL));
    model.does(key(KeyCode::Char('x'), KeyModifiers::CONTROL));
    model.does(key(KeyCode::Char('@'), KeyModifiers::CONTROL | KeyModifiers::ALT));
    assert_eq!(model.presses(KeyCode::Enter), [sends(0, "a\n\n@")]);
}

#[test]
fn other_chats_are_left_alone() {
    let mut model = chatting(1);
    let other = ChatId::direct(&user("alice"), &user("carol"));
    let mut message = message(9, "carol", "hi");
    message.chat = other;
    assert_eq!(model.does(came(message)), []);
    model.does(update(Update::Delayed { chat: other, id: Counter(1) }));
    assert_eq!((model.shown().len(), model.timeline.last_seq()), (1, Seq(1)));
}

#[test]
fn time_alone_draws_only_what_it_changes() {
    let mut model = chatting(1);
    let mut is_stale_after = |again_in: Option<u64>| {
        model.does(Event::Tick { again_in: again_in.map(Duration::from_millis) });
        model.take_stale()
    };
    assert!(is_stale_after(None), "it was never drawn");
    assert!(!is_stale_after(None));
    assert!(is_stale_after(Some(1_900)));
    assert!(!is_stale_after(Some(1_700)));
    assert!(is_stale_after(Some(900)));
    model.does(came(message(2, "bob", "hi")));
    assert!(model.take_stale());
}

#[test]
fn what_was_dropped_for_older_messages_is_asked_for_when_it_is_scrolled_to() {
    const COUNT: u64 = 1_200;
    let page = |from: u64, to: u64| (from..to).map(|seq| message(seq, "bob", "hi")).collect::<Vec<_>>();
    let mut model = model(60, 20);
    model.does(summary(COUNT, 0, COUNT, (0, 0)));
    model.does(loaded(Load::Last, page(COUNT - 49, COUNT + 1)));
    let mut presses = 0;
    while model.timeline.first() != Some(Seq(1)) {
        presses += 1;
        assert!(presses < 200, "{:?}", model.scroll);
        for effect in model.presses(KeyCode::PageUp) {
            let Effect::Load(Load::Before(seq)) = effect else { panic!("{effect:?}") };
            assert_eq!(model.does(loaded(Load::Before(seq), page(seq.0.saturating_sub(50).max(1), seq.0))), []);
        }
    }
    assert_eq!(model.timeline.last(), Some(Seq(1_000)));
    let mut asked = Vec::new();
    while asked.is_empty() {
        asked = model.presses(KeyCode::PageDown);
    }
    assert_eq!(asked, [Effect::Load(Load::After(Seq(1_000)))]);
    model.does(loaded(Load::After(Seq(1_000)), page(1_001, 1_051)));
    let end = Event::Key(KeyEvent::new(KeyCode::End, KeyModifiers::CONTROL));
    assert_eq!(model.does(end), [Effect::Load(Load::Last)], "a far end is not reached page by page");
    model.does(loaded(Load::Last, page(COUNT - 49, COUNT + 1)));
    assert_eq!((model.shown().len(), model.timeline.has_last()), (50, true));
}
