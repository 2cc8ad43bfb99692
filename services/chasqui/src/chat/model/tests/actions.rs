//! What is done to messages.

use chasqui_client::ChangeAsked;
use chasqui_domain::TimeMs;
use chasqui_wire::frames::{ChangeMade, Message};

use super::{
    super::super::{
        answers::Question,
        command,
        testing::{MORNING, acted, done_with, edit, reaction},
    },
    *,
};

fn again(first: u64, count: u32) -> Load {
    Load::Again { first: Seq(first), count }
}

fn react(seq: u64) -> ChangeMade {
    ChangeMade::React { seq: Seq(seq), reaction: Some("👍".to_owned()) }
}

fn at(minute: u64) -> Option<TimeMs> {
    Some(TimeMs(MORNING.0 + minute * 60_000))
}

/// With a message of bob, and one of alice.
fn answered() -> Model {
    let mut model = chatting(1);
    model.does(came(message(2, "alice", "mine")));
    model
}

fn edited(model: &Model, seq: u64) -> (&str, Option<TimeMs>) {
    let item = model.timeline.get(Seq(seq)).unwrap();
    (&item.text, item.edited)
}

#[test]
fn an_edit_counts_once_whether_the_history_or_the_inbox_tells_it_first() {
    let mut model = chatting(3);
    assert_eq!(model.does(acted(1, 5, "bob", edit(2, "new"))), []);
    assert_eq!(edited(&model, 2), ("new", at(5)));
    let page = |text: &str, edited| vec![Message { edited, ..message(2, "bob", text) }];
    model.does(loaded(Load::Last, page("hi", None)));
    assert_eq!(edited(&model, 2), ("new", at(5)), "the page is older");
    model.does(loaded(Load::Last, page("newest", at(7))));
    assert_eq!(edited(&model, 2), ("newest", at(7)));
    model.does(acted(2, 6, "bob", edit(2, "newer")));
    assert_eq!(edited(&model, 2), ("newest", at(7)), "the inbox is late");
    model.does(came(message(2, "bob", "hi")));
    assert_eq!(edited(&model, 2), ("newest", at(7)), "it tells what was written, too");
}

#[test]
fn what_is_deleted_stays_so_and_is_not_unread() {
    let mut model = chatting(1);
    model.does(Event::Focus(false));
    model.does(came(message(2, "bob", "x")));
    assert_eq!(model.unread(), (1, true));
    model.does(acted(1, 5, "bob", ChangeMade::Delete { seq: Seq(2) }));
    assert_eq!((model.unread(), model.shown()[1].1), ((0, true), "message deleted"));
    model.does(loaded(Load::Last, vec![message(2, "bob", "x")]));
    model.does(acted(2, 6, "bob", edit(2, "new")));
    assert_eq!(model.shown()[1].1, "message deleted");
    let deleted = Message { deleted: at(3), text: None, ..message(1, "bob", "") };
    model.does(loaded(Load::Last, vec![deleted]));
    assert_eq!(model.shown()[0].1, "message deleted");
}

#[test]
fn how_many_react_is_asked_for_again() {
    let mut model = chatting(3);
    assert_eq!(model.does(acted(1, 5, "bob", react(2))), [Effect::Load(again(2, 1))]);
    assert_eq!(model.does(acted(2, 6, "bob", react(2))), [], "while one is under way");
    let page = |count| vec![Message { reactions: vec![reaction("👍", count, true)], ..message(2, "bob", "hi") }];
    assert_eq!(model.does(loaded(again(2, 1), page(1))), [Effect::Load(again(2, 1))]);
    assert_eq!(model.does(loaded(again(2, 1), page(2))), []);
    assert_eq!(model.timeline.get(Seq(2)).unwrap().reacted(), "[👍 2]");
    assert_eq!(model.does(acted(3, 7, "bob", react(99))), [], "it is not here");
    assert_eq!(model.shown().len(), 3);
}

#[test]
fn a_page_that_was_on_its_way_may_not_have_what_came_meanwhile() {
    let mut model = model(60, 20);
    assert_eq!(model.does(summary(2, 0, 2, (0, 0))), [Effect::Load(Load::Last)]);
    assert_eq!(model.does(acted(1, 5, "bob", edit(2, "new"))), []);
    let page = vec![message(2, "bob", "hi"), message(1, "bob", "hi")];
    assert_eq!(model.does(loaded(Load::Last, page)), [Effect::Load(again(2, 1))]);
    let answer = Event::NotLoaded { why: "away".to_owned(), is_retryable: true };
    assert_eq!(model.does(answer), []);
    let later = NOW + Duration::from_secs(3);
    assert_eq!(model.apply(Event::Tick { again_in: None }, later), [Effect::Load(again(2, 1))], "it is not forgotten");
    assert_eq!(model.does(loaded(again(2, 1), vec![Message { edited: at(5), ..message(2, "bob", "new") }])), []);
    assert_eq!(edited(&model, 2), ("new", at(5)));
}

#[test]
fn a_session_that_does_not_go_on_doubts_what_is_here() {
    let mut model = chatting(3);
    assert_eq!(model.does(connected(false)), [Effect::Summary]);
    assert_eq!(model.does(summary(3, 0, 3, (0, 0))), [Effect::Load(Load::Last)]);
    assert_eq!(model.does(loaded(Load::Last, vec![message(3, "bob", "hi")])), [Effect::Load(again(1, 3))]);
}

#[test]
fn what_is_asked_is_seen_when_it_is_done() {
    let mut model = answered();
    let change = command::edit(Seq(2), "better".to_owned(), None, vec![]);
    assert_eq!(model.writes("/edit better"), [Effect::Change(Ticket(0), change.clone())]);
    model.does(Event::Queued(Ticket(0), Counter(5)));
    assert_eq!((model.stages(), model.shown()[1].1), (vec![(Some(5), "/edit #2 better", Stage::Waiting)], "mine"));
    assert_eq!(model.does(update(done_with(5, change, 9))), []);
    assert_eq!((model.stages(), edited(&model, 2)), (vec![], ("better", at(9))));

    let pin = ChangeAsked::Pin { seq: Seq(1) };
    assert_eq!(model.writes("/pin 1"), [Effect::Change(Ticket(1), pin.clone())]);
    model.does(update(done_with(6, pin, 9)));
    assert_eq!(model.does(Event::Queued(Ticket(1), Counter(6))), [], "it is asked what is pinned");
    let Event::Summary(Some(mut pinned)) = summary(2, 0, 2, (0, 0)) else { panic!() };
    pinned.item.pinned = vec![Seq(1)];
    model.does(Event::Summary(Some(pinned)));
    assert_eq!(model.pinned, [Seq(1)]);

    model.writes("/delete");
    model.does(Event::Queued(Ticket(2), Counter(7)));
    model.does(update(done_with(7, ChangeAsked::Delete { seq: Seq(2) }, 9)));
    assert_eq!(model.shown()[1].1, "message deleted");
    assert_eq!(model.writes("/delete"), [], "there is none any more");
    assert_eq!((model.line.take().as_str(), model.notice().unwrap().contains("/delete #N")), ("/delete", true));
}

#[test]
fn a_reply_says_to_what_and_an_edit_keeps_that() {
    let mut model = chatting(1);
    let reply = Draft { reply_to: Some(Seq(1)), mentions: vec![user("bob")], ..Draft::text(user("bob"), "yes @bob") };
    assert_eq!(model.writes("/reply #1 yes @bob"), [Effect::Send(Ticket(0), Box::new(reply))]);
    assert_eq!(model.unsent_text(), "/reply #1 yes @bob", "as it was typed");
    model.does(Event::Queued(Ticket(0), Counter(1)));
    assert_eq!(model.writes("/edit no"), [], "which is the last is not known yet");
    assert!(model.notice().unwrap().contains("/edit #N"));
    model.line.take();
    model.does(sent(1, 2));
    let change = command::edit(Seq(2), "no".to_owned(), Some(Seq(1)), vec![]);
    assert_eq!(model.writes("/edit no"), [Effect::Change(Ticket(1), change)]);
    assert_eq!(model.writes("/edit #9 x"), []);
    assert!(model.notice().unwrap().starts_with("#9 is not here: scroll up to it"));
}

#[test]
fn a_refusal_stays_with_its_line_and_its_code() {
    let mut model = answered();
    model.writes("/react #1 👍");
    model.does(Event::Queued(Ticket(0), Counter(3)));
    model.does(update(Update::Failed(failed(3, Code::TooManyReactions))));
    let why = format!("too_many_reactions: {}", Code::TooManyReactions.meaning());
    assert_eq!(model.stages(), [(Some(3), "/react #1 👍", Stage::Failed(why))]);
}

#[test]
fn a_stroke_is_not_sent_by_mistake_in_a_direct_chat() {
    let mut model = chatting(1);
    for line in ["/add bob", "/etc", "/", "/reply hi"] {
        assert_eq!(model.writes(line), []);
        assert_eq!(model.line.take(), line);
    }
    assert_eq!(model.writes("//etc"), [sends(0, "/etc")]);
    model.does(Event::NotSent(Ticket(0), "no".to_owned()));
    assert_eq!(model.line.take(), "//etc");
    model.does(Event::Opened { device: device(), unsent: vec![unsent("bob", 4, "/kept")] });
    assert_eq!(model.stages(), [(Some(4), "/kept", Stage::Waiting)], "what an earlier run gave the client is a text");
    assert_eq!(model.writes("/reactions #1"), [Effect::Ask(Question::Reactions(Seq(1)))]);
    model.does(Event::Answered(Ok(Vec::new())));
    assert_eq!(model.writes("/pinned"), [Effect::Ask(Question::Pinned)]);
    model.writes("/help");
    let help = model.answer.as_ref().unwrap().join("\n");
    assert!(help.contains("/reply #N TEXT") && !help.contains("/leave"), "{help}");
}
