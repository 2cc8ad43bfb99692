//! A session and the router's answer to its attach: late, twice, or never; and two sessions of a device.

use std::{sync::atomic::Ordering, time::Duration};

use chasqui_domain::{Offset, Partition, Seq, Term};
use chasqui_log::Topic;
use chasqui_wire::{
    frames::ServerFrame,
    gateway_record::GatewayRecord,
    presence::{Presence, PresenceKind},
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    bench::{Bench, user},
    client::{Client, live, welcomed},
    messages::{decided, send},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// The attaches of a user's sessions, once there are so many.
async fn attaches(bench: &Bench, name: &str, count: usize) -> Vec<Presence> {
    let mut reader = bench.log.reader(&Topic::Presence.partition(Partition(0)), Offset(0)).await.unwrap();
    let mut found = Vec::new();
    while found.len() < count {
        let records = timeout(PATIENCE, reader.next(1 << 20)).await.expect("an attach in time").unwrap();
        let read = records.iter().map(|record| Presence::decode(&record.value).unwrap());
        found.extend(read.filter(|it| it.kind == PresenceKind::Attach && it.user == user(name)));
    }
    found
}

async fn answer(bench: &Bench, attach: &Presence, up_to: Offset) {
    let Presence { user, incarnation, session, attempt, .. } = attach.clone();
    bench.tell(GatewayRecord::Answer { term: Term(0), incarnation, session, user, attempt, up_to }).await;
}

async fn messages(client: &mut Client, seqs: std::ops::RangeInclusive<u64>) {
    for seq in seqs {
        assert_eq!(client.message_frame().await.seq, Seq(seq));
    }
}

#[tokio::test]
async fn a_session_that_the_router_has_forgotten_attaches_again_and_misses_nothing() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    let attach = attaches(&bench, "bob", 1).await.remove(0);
    bench.place_silently(&["bob"], &decided(1, body.clone())).await;
    let Presence { user, incarnation, session, .. } = attach;
    bench.tell(GatewayRecord::Forgotten { term: Term(0), incarnation, session, user }).await;
    bench.place(&["bob"], &decided(2, body)).await;
    messages(&mut bobs, 1..=1).await;
    assert_eq!(attaches(&bench, "bob", 2).await[1].attempt, attach.attempt + 1);
}

#[tokio::test]
async fn what_comes_before_a_late_answer_comes_once_and_in_order() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let (mut bobs, _) = welcomed(&bench, "bob", "phone", None).await;
    let cursor = bobs.caught_up().await;
    drop(bobs);
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.answers.store(0, Ordering::SeqCst);
    bench.place(&["bob"], &decided(1, body.clone())).await;

    let (mut bobs, welcome) = welcomed(&bench, "bob", "phone", Some(&cursor)).await;
    assert!(welcome.resumed);
    let attach = attaches(&bench, "bob", 2).await.pop().unwrap();
    bench.place(&["bob"], &decided(2, body.clone())).await;
    let up_to = bench.inbox_end().await;
    // The router answers and goes on; what the session is told of late lies behind the answer.
    answer(&bench, &attach, up_to).await;
    bench.place(&["bob"], &decided(3, body)).await;
    messages(&mut bobs, 1..=2).await;
    bobs.caught_up().await;
    messages(&mut bobs, 3..=3).await;
    bobs.nothing_waits().await;
}

#[tokio::test]
async fn an_answer_that_comes_twice_changes_nothing() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.answers.store(2, Ordering::SeqCst);
    let mut bobs = live(&bench, "bob", "phone").await;
    bench.place(&["bob"], &decided(1, body.clone())).await;
    messages(&mut bobs, 1..=1).await;
    // A third that comes late, and says no more than what was seen.
    let attach = attaches(&bench, "bob", 1).await.pop().unwrap();
    answer(&bench, &attach, bench.inbox_end().await).await;
    bench.place(&["bob"], &decided(2, body)).await;
    messages(&mut bobs, 2..=2).await;
    bobs.nothing_waits().await;
}

#[tokio::test]
async fn an_attach_without_an_answer_is_repeated_until_there_is_one() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.answers.store(0, Ordering::SeqCst);
    let (mut bobs, _) = welcomed(&bench, "bob", "phone", None).await;
    let repeated = attaches(&bench, "bob", 2).await;
    assert_eq!(repeated[0], repeated[1], "the same attempt: a late answer counts, too");
    // It isn't live yet, and still answers.
    bobs.nothing_waits().await;
    answer(&bench, &repeated[0], bench.inbox_end().await).await;
    bobs.caught_up().await;
    bench.place(&["bob"], &decided(1, body)).await;
    messages(&mut bobs, 1..=1).await;
}

#[tokio::test]
async fn of_two_sessions_of_a_device_the_older_is_replaced_and_the_newer_misses_nothing() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut laptop = live(&bench, "bob", "laptop").await;
    let (mut older, _) = welcomed(&bench, "bob", "phone", None).await;
    let cursor = older.caught_up().await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.place(&["bob"], &decided(1, body.clone())).await;
    messages(&mut older, 1..=1).await;
    // This one is on its way to the older when the newer comes.
    bench.place(&["bob"], &decided(2, body.clone())).await;
    let (mut newer, welcome) = welcomed(&bench, "bob", "phone", Some(&cursor)).await;
    assert!(welcome.resumed);
    bench.place(&["bob"], &decided(3, body.clone())).await;
    let mut seqs = Vec::new();
    while seqs.last() != Some(&Seq(3)) {
        match newer.next().await {
            ServerFrame::Message(message) => seqs.push(message.seq),
            ServerFrame::CaughtUp(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seqs, [Seq(1), Seq(2), Seq(3)], "the first was not acknowledged");
    let end = loop {
        match older.next().await {
            ServerFrame::Message(_) => {}
            ServerFrame::Error(failure) => break older.closed_with(failure).await,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end, ("replaced".to_owned(), 4502));
    messages(&mut laptop, 1..=3).await;
    laptop.nothing_waits().await;
    newer.say(json!({"type": "read", "chat": crate::bench::chat().to_string(), "seq": 3})).await;
    assert_eq!(bench.command().await.0.sender, user("bob"), "the newer goes on");
}
