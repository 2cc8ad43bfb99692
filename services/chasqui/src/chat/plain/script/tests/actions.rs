//! What is done to messages.

use chasqui_wire::frames::ChangeMade;

use super::{
    super::super::super::{
        model::Event,
        testing::{acted, done_with, edit, reaction},
    },
    *,
};

fn act(number: u64, minute: u64, by: &str, change: ChangeMade) -> Update {
    let Event::Update(update) = acted(number, minute, by, change) else { panic!() };
    *update
}

fn liked(seq: u64) -> ChangeMade {
    ChangeMade::React { seq: Seq(seq), reaction: Some("👍".to_owned()) }
}

#[test]
fn each_is_a_line_and_no_message() {
    let mut script = script();
    for (change, line) in [
        (edit(3, "hi\nthere"), "06:09 * bob edited #3: hi⏎there"),
        (ChangeMade::Delete { seq: Seq(3) }, "06:09 * bob deleted #3"),
        (liked(4), "06:09 * bob reacted 👍 to #4"),
        (ChangeMade::React { seq: Seq(4), reaction: None }, "06:09 * bob took their reaction to #4 back"),
        (ChangeMade::Pin { seq: Seq(4) }, "06:09 * bob pinned #4"),
        (ChangeMade::Unpin { seq: Seq(4) }, "06:09 * bob unpinned #4"),
    ] {
        let number = line.len() as u64;
        assert_eq!(script.update(act(number, 9, "bob", change.clone())), [Effect::Print(line.to_owned())]);
        assert_eq!(script.update(act(number, 9, "bob", change)), [], "it was told");
    }
}

#[test]
fn what_this_device_asked_for_has_an_outcome() {
    let mut script = script();
    script.queued(Counter(4));
    let delete = chasqui_client::ChangeAsked::Delete { seq: Seq(2) };
    assert_eq!(printed(script.update(done_with(4, delete.clone(), 5))), ["✓ 4"]);
    assert_eq!(script.update(done_with(4, delete, 5)), []);
    script.queued(Counter(5));
    let why = Code::TooLate.meaning();
    let failed = super::super::super::super::testing::failed(5, Code::TooLate);
    assert_eq!(printed(script.update(Update::Failed(failed))), [format!("✗ 5 too_late: {why}")]);
}

#[test]
fn a_message_says_what_it_replies_to_and_the_history_what_became_of_it() {
    let mut script = script();
    let reply = Message { reply_to: Some(Seq(1)), ..message(3, "bob", "yes") };
    assert_eq!(printed(script.message(reply)), ["06:03 #3 ↳ #1 bob: yes"]);
    let time = Some(TimeMs(1));
    let reactions = vec![reaction("👍", 2, true), reaction("❤", 1, false)];
    let edited = Message { edited: time, reactions, ..message(4, "bob", "hi") };
    assert_eq!(printed(script.message(edited)), ["06:04 #4 (edited) bob: hi", "06:04 * reactions to #4: [👍 2] ❤ 1"]);
    let deleted = Message { deleted: time, text: None, ..message(5, "bob", "") };
    assert_eq!(printed(script.message(deleted)), ["06:05 #5 (deleted) bob"]);
}

#[test]
fn what_the_history_shows_already_is_not_told_by_the_inbox() {
    let mut script = script();
    script.update(connected(true));
    for (number, seq) in [(1, 3), (2, 5)] {
        assert_eq!(script.update(act(number, 6, "bob", edit(seq, "new"))), []);
    }
    assert!(script.update(Update::CaughtUp).contains(&Effect::ReadMissed));
    script.missed_changes(Seq(4), Vec::new());
    let edited = Message { edited: Some(TimeMs(1)), ..message(5, "bob", "new") };
    assert_eq!(printed(script.message(edited)), ["06:06 * bob edited #3: new", "06:05 #5 (edited) bob: new"]);
    assert_eq!(script.missed_all(), []);
    assert_eq!(printed(script.update(act(3, 7, "bob", liked(5)))), ["06:07 * bob reacted 👍 to #5"], "it is live");
}

#[test]
fn who_writes_can_be_mentioned() {
    let direct = script();
    assert_eq!(direct.mentions("@bob @carol"), [user("bob")]);
    let group = super::super::super::super::testing::group();
    let mut script = Script::new(user("alice"), group, device(), TimeZone::UTC);
    script.message(Message { chat: group, ..message(1, "carol", "hi") });
    assert_eq!(script.mentions("@bob @carol"), [user("carol")]);
}
