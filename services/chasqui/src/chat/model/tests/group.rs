//! In a group.

use chasqui_client::ChangeAsked;
use chasqui_domain::{Role, Version};
use chasqui_wire::frames::{self, ChangeMade, Changed};

use super::{
    super::super::{
        answers::Question,
        changes::{LEFT, NOT_IN_IT},
        testing::{changed, counts, done, group, group_message, group_model, group_summary, sent_in},
    },
    *,
};

/// With messages 1 to `count` of bob, all read, and nothing changed since `created`.
fn group_chatting(count: u64) -> Model {
    let mut model = group_model(80, 20);
    model.does(group_summary("The bridge", count, (2, 0, 0)));
    if count > 0 {
        model.does(loaded(Load::Last, (1..=count).rev().map(|seq| group_message(seq, "bob", "hi")).collect()));
    }
    assert_eq!(model.does(update(Update::CaughtUp)), [], "changes are being asked for");
    model.does(page(vec![created()], None));
    model
}

fn created() -> Changed {
    let users = vec![user("alice"), user("bob"), user("carol")];
    changed(1, 0, "alice", ChangeMade::Created { users, title: Some("The bridge".to_owned()), picture: None })
}

fn page(changes: Vec<Changed>, next: Option<u64>) -> Event {
    Event::Changes(None, frames::Changes { changes, next: next.map(Version) })
}

fn came_to(changed: Changed) -> Event {
    update(Update::Changed(Box::new(changed)))
}

fn add(name: &str) -> ChangeAsked {
    ChangeAsked::Add { users: vec![user(name)] }
}

fn texts(model: &Model) -> Vec<&str> {
    model.group.as_ref().unwrap().changes.iter().map(|change| &*change.text).collect()
}

fn failed_here(id: u64, code: Code) -> Event {
    let mut failed = failed(id, code);
    (failed.chat, failed.to) = (Some(group()), None);
    update(Update::Failed(failed))
}

#[test]
fn it_begins_with_messages_and_then_changes_as_far_as_messages_are_here() {
    let mut model = group_model(80, 20);
    assert_eq!(model.does(group_summary("The\nbridge", 90, (2, 0, 0))), [Effect::Load(Load::Last)]);
    let messages = (41..=90).rev().map(|seq| group_message(seq, "bob", "hi")).collect();
    assert_eq!(model.does(loaded(Load::Last, messages)), [Effect::Changes(None)]);
    let added = |number| changed(number, number, "bob", ChangeMade::Add { users: vec![user("dave")] });
    let older = Effect::Changes(Some(Version(60)));
    assert_eq!(model.does(page(vec![added(80), added(60)], Some(60))), [older]);
    let covered = frames::Changes { changes: vec![added(50), added(40)], next: Some(Version(40)) };
    assert_eq!(model.does(Event::Changes(Some(Version(60)), covered)), []);
    assert_eq!(model.group.as_ref().unwrap().title.as_deref(), Some("The⏎bridge"));
}

#[test]
fn who_comes_later_sees_what_is_since_then_and_asks_for_nothing_else() {
    let mut model = group_model(80, 20);
    assert_eq!(model.does(group_summary("The bridge", 5, (2, 5, 5))), [Effect::Load(Load::Last)]);
    assert_eq!(model.does(loaded(Load::Last, Vec::new())), [Effect::Changes(None)]);
    let added = changed(2, 5, "bob", ChangeMade::Add { users: vec![user("alice")] });
    assert_eq!(model.does(page(vec![added], None)), []);
    assert_eq!(
        model.does(came(group_message(6, "bob", "hi"))),
        [Effect::Load(Load::Before(Seq(6))), Effect::Read(Seq(6))]
    );
    assert_eq!(model.does(loaded(Load::Before(Seq(6)), Vec::new())), []);
    assert!(model.is_top());
}

#[test]
fn a_change_goes_from_the_line_to_its_place_among_messages() {
    let mut model = group_chatting(2);
    assert_eq!(model.writes("/add dave"), [Effect::Change(Ticket(0), add("dave"))]);
    model.does(Event::Queued(Ticket(0), Counter(3)));
    assert_eq!(model.stages(), [(Some(3), "/add dave", Stage::Waiting)]);
    assert_eq!(model.does(update(done(3, Some(add("dave"))))), [Effect::Refresh]);
    assert_eq!(model.does(group_summary("The bridge", 2, (3, 0, 0))), [Effect::Changes(None)]);
    let mut added = changed(3, 2, "alice", ChangeMade::Add { users: vec![user("dave")] });
    added.device = device();
    assert_eq!(model.does(page(vec![added, created()], None)), []);
    assert_eq!((model.stages(), texts(&model)[1]), (vec![], "alice added dave"));
    assert_eq!(model.group.as_ref().unwrap().members_count, Some(4));
}

#[test]
fn an_answer_that_was_asked_for_before_a_change_is_old() {
    let mut model = group_chatting(1);
    model.writes("/add dave");
    model.does(Event::Queued(Ticket(0), Counter(3)));
    assert_eq!(model.does(update(done(3, Some(add("dave"))))), [Effect::Refresh]);
    assert_eq!(model.does(update(done(4, None))), []);
    assert_eq!(model.does(group_summary("The bridge", 1, (2, 0, 0))), [Effect::Refresh]);
    assert_eq!(model.does(group_summary("The bridge", 1, (3, 0, 0))), [Effect::Changes(None)]);
}

#[test]
fn what_is_refused_stays_with_its_code() {
    let mut model = group_chatting(1);
    for (line, id) in [("/remove bob", 1), ("hi", 2)] {
        model.writes(line);
        model.does(Event::Queued(Ticket(id - 1), Counter(id)));
    }
    assert_eq!(model.does(failed_here(1, Code::NotPermitted)), []);
    assert_eq!(model.does(failed_here(2, Code::NotAMember)), [Effect::Refresh], "is the user still in it?");
    let why = |code: Code| Stage::Failed(format!("{}: {}", code.as_str(), code.meaning()));
    assert_eq!(
        model.stages(),
        [(Some(1), "/remove bob", why(Code::NotPermitted)), (Some(2), "hi", why(Code::NotAMember))]
    );
    model.does(Event::Summary(None));
    assert_eq!(model.over(), Some(NOT_IN_IT));
    assert_eq!(model.does(failed_here(2, Code::NotAMember)), [], "there is nothing to ask any more");
}

#[test]
fn who_is_removed_writes_no_more_until_they_are_added_again() {
    let mut model = group_chatting(2);
    let removed = changed(4, 2, "bob", ChangeMade::Remove { user: user("alice") });
    assert_eq!(model.does(came_to(removed)), []);
    assert_eq!(model.over(), Some("bob removed you from this group"));
    for line in ["hi", "/members"] {
        assert_eq!(model.writes(line), []);
        assert_eq!(model.line.take(), line);
        assert!(model.notice().unwrap().starts_with("not sent: bob removed you from this group."));
    }
    assert_eq!(model.does(update(Update::CaughtUp)), []);
    let added = changed(5, 7, "bob", ChangeMade::Add { users: vec![user("alice")] });
    assert_eq!(model.does(came_to(added)), [Effect::Summary]);
    assert_eq!((model.over(), model.shown()), (None, vec![]), "nothing joins what was before with what follows");
    assert_eq!(model.does(group_summary("The bridge", 7, (2, 7, 7))), [Effect::Load(Load::Last)]);
}

#[test]
fn what_is_known_since_somebody_came_stays() {
    let mut model = group_model(80, 20);
    model.does(group_summary("The bridge", 6, (2, 5, 5)));
    model.does(loaded(Load::Last, vec![group_message(6, "bob", "hi")]));
    let added = changed(5, 5, "bob", ChangeMade::Add { users: vec![user("alice")] });
    model.does(came_to(added));
    assert_eq!(model.shown(), [(6, "hi")], "the inbox tells late what the history knows");
}

#[test]
fn who_leaves_has_left_and_a_session_that_does_not_go_on_will_see() {
    let mut model = group_chatting(1);
    assert_eq!(model.writes("/leave"), [Effect::Change(Ticket(0), ChangeAsked::Leave {})]);
    model.does(Event::Queued(Ticket(0), Counter(1)));
    assert_eq!(model.does(update(done(1, Some(ChangeAsked::Leave {})))), []);
    assert_eq!((model.over(), model.stages()), (Some(LEFT), vec![]));
    assert_eq!(model.does(connected(true)), []);
    assert_eq!(model.does(connected(false)), [Effect::Summary]);
    assert_eq!(model.does(Event::Summary(None)), []);
    assert_eq!(model.over(), Some(NOT_IN_IT));
}

#[test]
fn how_far_own_messages_are_is_counted() {
    let mut model = group_chatting(1);
    model.writes("mine");
    model.does(Event::Queued(Ticket(0), Counter(2)));
    model.does(sent_in(group().into(), 2, 2));
    let reach = |model: &Model| model.reach(Seq(2));
    assert_eq!(reach(&model), Reach::Sent);
    for (told, expected) in [
        (counts((5, 1, 1), &[(2, 3, 0)]), Reach::DeliveredTo(3, 5)),
        (counts((5, 1, 1), &[(2, 4, 2)]), Reach::ReadBy(2, 5, false)),
        (counts((5, 2, 1), &[(2, 5, 4)]), Reach::ReadBy(4, 5, true)),
        (counts((5, 1, 1), &[]), Reach::ReadBy(4, 5, true)),
        (counts((5, 2, 2), &[(2, 5, 5)]), Reach::Read),
    ] {
        model.does(update(told));
        assert_eq!(reach(&model), expected);
    }
    let receipts = |others| {
        let chat = group();
        update(Update::Receipts(frames::ChatReceipts { chat, last_seq: Seq(2), unread: 0, members: vec![], others }))
    };
    let mut alone = group_chatting(1);
    alone.does(receipts(Some(frames::OthersReceipt { count: 0, delivered: Seq(2), read: Seq(2) })));
    assert_eq!(reach(&alone), Reach::Sent, "there is nobody who could have it");
    let mut again = group_chatting(1);
    again.does(receipts(Some(frames::OthersReceipt { count: 2, delivered: Seq(2), read: Seq(1) })));
    assert_eq!(reach(&again), Reach::Delivered);
}

#[test]
fn the_counts_in_memory_are_bounded() {
    let mut model = group_chatting(1);
    let most = super::super::super::limits::COUNTS_MAX as u64;
    for seq in 1..=most + 5 {
        model.does(update(counts((5, 0, 0), &[(seq, 1, 1)])));
    }
    let is_counted = |seq| model.reach(Seq(seq)) == Reach::ReadBy(1, 5, false);
    assert_eq!((is_counted(5), is_counted(6), is_counted(most + 5)), (false, true, true));
}

#[test]
fn questions_are_asked_one_at_a_time_and_their_answer_stands_until_something_is_written() {
    let mut model = group_chatting(1);
    assert_eq!(model.writes("/who"), [], "nothing of the user is here");
    assert!(model.notice().unwrap().contains("/who N"));
    model.line.take();
    assert_eq!(model.writes("/who 1"), [Effect::Ask(Question::Who(Seq(1)))]);
    assert_eq!(model.writes("/members"), []);
    assert_eq!((model.line.take(), model.notice().unwrap().contains("wait")), ("/members".to_owned(), true));
    model.does(Event::Answered(Ok(vec!["1 member".to_owned()])));
    assert_eq!(model.answer.as_deref(), Some(&["1 member".to_owned()][..]));
    assert_eq!(model.writes("/members"), [Effect::Ask(Question::Members)]);
    assert_eq!(model.answer, None);
    model.does(Event::Answered(Err("away".to_owned())));
    assert_eq!((&model.answer, model.notice()), (&None, Some("no answer: away")));
    model.writes("/help");
    assert!(model.answer.as_ref().unwrap().iter().any(|line| line.starts_with("/add USER…")));
}

#[test]
fn what_is_wrong_stays_in_the_line_and_strokes_can_be_sent() {
    let mut model = group_chatting(1);
    assert_eq!(model.writes("/kick bob"), []);
    assert_eq!(model.line.take(), "/kick bob");
    assert!(model.notice().unwrap().starts_with("there is no /kick: /help"));
    assert_eq!(model.writes("//etc"), [Effect::Send(Ticket(0), Box::new(Draft::text(group(), "/etc")))]);
    assert_eq!(model.unsent_text(), "//etc", "as it was typed");
    model.does(Event::NotSent(Ticket(0), "no".to_owned()));
    assert_eq!(model.line.take(), "//etc");
}

#[test]
fn what_was_done_before_is_told_and_an_outcome_may_overtake_its_id() {
    let mut model = group_chatting(1);
    model.writes("/promote bob owner");
    let asked = ChangeAsked::Role { user: user("bob"), role: Role::Owner };
    let Update::Done { asked, mut done } = done(9, Some(asked)) else { panic!() };
    done.repeated = true;
    model.does(update(Update::Done { asked, done }));
    assert_eq!(model.notice(), Some("/promote bob owner: done before, or nothing to change"));
    model.does(Event::Queued(Ticket(0), Counter(9)));
    assert_eq!(model.stages(), []);
}

#[test]
fn what_waits_since_an_earlier_run_is_of_this_group() {
    let mut model = Model::new(user("alice"), group(), TimeZone::UTC, Theme { has_colour: false });
    let change = |id, chat, change| {
        let frame = frames::ChangeFrame { id: Counter(id), to: None, chat: Some(chat), change };
        chasqui_client::Asked::Change(Box::new(frame))
    };
    let other = chasqui_domain::ChatId::group(&user("alice"), &device(), Counter(2));
    let all = vec![change(4, group(), add("dave")), change(5, other, add("dave")), unsent("bob", 6, "for bob")];
    model.does(Event::Opened { device: device(), unsent: all });
    assert_eq!(model.stages(), [(Some(4), "/add dave", Stage::Waiting)]);
}
