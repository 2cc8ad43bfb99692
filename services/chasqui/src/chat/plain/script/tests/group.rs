//! In a group.

use chasqui_client::ChangeAsked;
use chasqui_wire::frames::{self, ChangeMade, Changed};

use super::{
    super::super::super::testing::{changed, counts, done, failed, group, group_message},
    *,
};

fn group_script() -> Script {
    Script::new(user("alice"), group(), device(), TimeZone::UTC)
}

fn sent_here(id: u64, seq: u64) -> Update {
    let Update::Sent { mut sent, .. } = sent(id, seq) else { panic!() };
    sent.chat = group();
    Update::Sent { to: Some(group().into()), sent }
}

fn added(number: u64, after: u64) -> Changed {
    changed(number, after, "bob", ChangeMade::Add { users: vec![user("dave")] })
}

fn came(changed: Changed) -> Update {
    Update::Changed(Box::new(changed))
}

#[test]
fn messages_have_numbers_and_changes_stars() {
    let mut script = group_script();
    assert_eq!(printed(script.update(Update::Message(Box::new(group_message(4, "bob", "hi"))))), ["06:04 #4 bob: hi"]);
    assert_eq!(printed(script.update(came(added(1, 4)))), ["06:04 * bob added dave"]);
    assert_eq!(script.update(came(added(1, 4))), [], "it was printed");
    let mut own = added(2, 4);
    (own.by, own.device) = (user("alice"), device());
    assert_eq!(script.update(came(own)), [], "of that it is told that it is done");
}

#[test]
fn what_is_asked_has_the_outcomes_of_messages() {
    let mut script = group_script();
    for id in 1..=3 {
        script.queued(Counter(id));
    }
    let add = ChangeAsked::Add { users: vec![user("dave")] };
    assert_eq!(printed(script.update(done(1, Some(add)))), ["✓ 1"]);
    assert_eq!(printed(script.update(sent_here(2, 9))), ["✓ 2 #9"]);
    assert_eq!(script.last_own(), Some(Seq(9)));
    let mut refused = failed(3, Code::LastOwner);
    (refused.chat, refused.to) = (Some(group()), None);
    let why = Code::LastOwner.meaning();
    assert_eq!(printed(script.update(Update::Failed(refused))), [format!("✗ 3 last_owner: {why}")]);
    assert_eq!((script.unsent(), script.refused(), script.update(done(1, None))), (0, 1, vec![]));
}

#[test]
fn counts_are_told_as_they_rise_and_then_that_it_is_all() {
    let mut script = group_script();
    script.queued(Counter(1));
    script.update(sent_here(1, 5));
    for (told, lines) in [
        (counts((3, 4, 4), &[(5, 1, 0)]), vec!["✓ 1 delivered 1/3"]),
        (counts((3, 4, 4), &[(5, 1, 0)]), vec![]),
        (counts((3, 4, 4), &[(5, 2, 1)]), vec!["✓ 1 delivered 2/3", "✓ 1 read 1/3"]),
        (counts((3, 5, 4), &[(5, 3, 2)]), vec!["✓ 1 read 2/3", "✓✓ 1 delivered"]),
        (counts((3, 5, 5), &[(5, 3, 3)]), vec!["✓✓ 1 read"]),
        (counts((3, 5, 5), &[(5, 3, 3)]), vec![]),
    ] {
        assert_eq!(printed(script.update(told)), lines);
    }
    script.queued(Counter(2));
    script.update(sent_here(2, 6));
    let others = Some(frames::OthersReceipt { count: 3, delivered: Seq(6), read: Seq(5) });
    let (chat, last_seq) = (group(), Seq(6));
    let receipts = frames::ChatReceipts { chat, last_seq, unread: 0, members: vec![], others };
    assert_eq!(printed(script.update(Update::Receipts(receipts))), ["✓✓ 2 delivered"]);
}

#[test]
fn missed_changes_stand_between_missed_messages() {
    let mut script = group_script();
    assert!(script.update(connected(false)).contains(&Effect::ReadMissed));
    script.missed_changes(Seq(4), vec![added(1, 4), added(2, 5), added(3, 6)]);
    let printed_with = |script: &mut Script, seq| printed(script.message(group_message(seq, "bob", "hi")));
    assert_eq!(printed_with(&mut script, 5), ["06:04 * bob added dave", "06:05 #5 bob: hi"]);
    assert_eq!(printed_with(&mut script, 6), ["06:05 * bob added dave", "06:06 #6 bob: hi"]);
    assert_eq!(printed(script.missed_all()), ["06:06 * bob added dave"]);
    assert_eq!(printed(script.update(came(added(2, 5)))), [""; 0], "what the inbox tells is not told twice");
}

#[test]
fn a_session_that_goes_on_knows_by_its_inbox_what_was_missed() {
    let mut script = group_script();
    assert!(!script.update(connected(true)).contains(&Effect::ReadMissed));
    assert_eq!(script.update(Update::Message(Box::new(group_message(5, "bob", "hi")))), []);
    assert_eq!(script.update(came(added(2, 4))), []);
    assert_eq!(script.update(Update::CaughtUp), [Effect::Progress, Effect::ReadMissed]);
    assert_eq!(script.update(Update::CaughtUp), [Effect::Progress]);
    script.missed_changes(Seq(4), vec![added(1, 4), added(2, 4), added(3, 5)]);
    let lines = printed(script.message(group_message(5, "bob", "hi")));
    assert_eq!(lines, ["06:04 * bob added dave", "06:05 #5 bob: hi"], "one was told in an earlier run");
    assert_eq!(printed(script.missed_all()), ["06:05 * bob added dave"]);
    assert_eq!(printed(script.update(came(added(4, 5)))), ["06:05 * bob added dave"], "from here on it is live");
}

#[test]
fn who_leaves_waits_for_it_and_is_done() {
    let mut script = group_script();
    script.leaves(Counter(1));
    assert!(script.is_leaving() && script.over().is_none());
    let mut refused = failed(1, Code::Poison);
    (refused.chat, refused.to) = (Some(group()), None);
    script.update(Update::Failed(refused));
    assert!(!script.is_leaving(), "it goes on");
    script.leaves(Counter(2));
    assert_eq!(printed(script.update(done(2, Some(ChangeAsked::Leave {})))), ["✓ 2"]);
    assert!(script.over().unwrap().is_wanted);
}

#[test]
fn who_is_removed_is_told_by_whom() {
    let mut script = group_script();
    let removed = changed(7, 2, "bob", ChangeMade::Remove { user: user("alice") });
    assert_eq!(printed(script.update(came(removed))), ["06:02 * bob removed alice"]);
    let over = script.over().unwrap();
    assert_eq!((&*over.why, over.is_wanted), ("bob removed you from this group", false));
    script.comes_back();
    assert_eq!(script.over(), None);
    assert_eq!(script.missed_after(None), None);
    assert_eq!(script.over().unwrap().why, "you are not in this group");
    let mut direct = super::script();
    assert_eq!(direct.missed_after(None), None);
    assert_eq!(direct.over(), None, "it has no messages yet");
}
