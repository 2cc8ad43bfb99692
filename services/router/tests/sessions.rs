//! Whom a router answers, pushes to, suspends and forgets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

mod support;

use bytes::Bytes;
use chasqui_domain::{Incarnation, LogId, Offset, Partition, SessionId, Term};
use chasqui_log::{Log, Topic};
use chasqui_router::{Error, SESSION_TTL};
use chasqui_store::{Checkpoint, Store};
use chasqui_wire::{
    checkpoint::RouterState,
    gateway_record::GatewayRecord,
    presence::PresenceKind::{Attach, Detach, Refresh},
};

use chasqui_testkit::Faults;
use support::{OF, World, answers, inbox, message, pushed, receipt, repairs};

fn world() -> World {
    World::new(Faults::none())
}

async fn suspended(world: &World) -> usize {
    let checkpoint = world.store.checkpoint(OF).await.unwrap().unwrap();
    RouterState::decode(&checkpoint.state).unwrap().suspended.len()
}

async fn presence_from(world: &World) -> Offset {
    let checkpoint = world.store.checkpoint(OF).await.unwrap().unwrap();
    RouterState::decode(&checkpoint.state).unwrap().presence_from
}

#[tokio::test]
async fn rows_are_for_all_and_pushes_for_those_who_are_there() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    world.say("alice", 3, 2, 1, Attach).await;
    world.message(0, &["alice", "bob"]).await;
    world.append(inbox(), receipt(1, &["alice", "bob"]).encode().unwrap()).await;
    world.message(2, &["bob"]).await;
    let running = world.start();
    world.settled(&running).await;
    assert_eq!(world.rows("alice").await.len(), 1, "a receipt has no row");
    assert_eq!(world.rows("bob").await.iter().map(|row| row.position.offset.0).collect::<Vec<_>>(), [0, 2]);
    let told = world.told().await;
    assert_eq!(answers(&told), [(1, 0), (1, 0)], "the table is read to its end before anything is pushed");
    assert_eq!(pushed(&told), [0, 1], "one push for both sessions");
    let GatewayRecord::Push { recipients, incarnation, entry, .. } = &told[2] else { panic!("no push") };
    assert_eq!((recipients.len(), *incarnation), (1, Incarnation(3)));
    assert_eq!(*entry, world.rows("alice").await[0].entry, "the same bytes");
}

#[tokio::test]
async fn an_answer_names_where_pushes_begin() {
    let world = world();
    let running = world.start();
    for source in 0..3 {
        world.message(source, &["alice"]).await;
    }
    world.settled(&running).await;
    world.say("alice", 3, 1, 1, Attach).await;
    world.settled(&running).await;
    world.message(3, &["alice"]).await;
    world.settled(&running).await;
    world.say("alice", 3, 1, 2, Attach).await;
    world.settled(&running).await;
    let told = world.told().await;
    assert_eq!((answers(&told), pushed(&told)), (vec![(1, 3), (2, 4)], vec![3]));
}

#[tokio::test]
async fn a_refresh_is_answered_only_if_the_session_or_its_attempt_is_not_known() {
    let world = world();
    let running = world.start();
    for (attempt, kind) in
        [(1, Refresh), (1, Refresh), (2, Refresh), (2, Attach), (2, Refresh), (2, Detach), (2, Refresh)]
    {
        world.say("alice", 3, 1, attempt, kind).await;
        world.settled(&running).await;
    }
    let attempts: Vec<_> = answers(&world.told().await).into_iter().map(|(attempt, _)| attempt).collect();
    assert_eq!(attempts, [1, 2, 2, 2]);
}

#[tokio::test]
async fn whoever_left_gets_nothing() {
    let world = world();
    let running = world.start();
    world.say("alice", 3, 1, 1, Attach).await;
    world.settled(&running).await;
    world.say("alice", 3, 1, 1, Detach).await;
    world.settled(&running).await;
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
    assert!(pushed(&world.told().await).is_empty());
    drop(running);
    // Who came and went while no router was there is not answered.
    world.say("bob", 3, 2, 1, Attach).await;
    world.say("bob", 3, 2, 1, Detach).await;
    let running = world.start();
    world.settled(&running).await;
    assert_eq!(answers(&world.told().await).len(), 1);
}

#[tokio::test]
async fn a_higher_life_ends_the_sessions_of_the_lower_one() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    world.heartbeat(9).await;
    world.settled(&running).await;
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
    assert!(pushed(&world.told().await).is_empty());
    world.say("alice", 3, 1, 1, Refresh).await;
    world.heartbeat(3).await;
    world.heartbeat(9).await;
    world.settled(&running).await;
    let told = world.told().await;
    assert_eq!(told[1..], [GatewayRecord::Superseded { incarnation: Incarnation(9) }], "the earlier life is told");
    world.say("alice", 9, 1, 1, Attach).await;
    world.settled(&running).await;
    world.message(1, &["alice"]).await;
    world.settled(&running).await;
    let told = world.told().await;
    assert_eq!(answers(&told).len(), 2);
    assert!(matches!(told.last(), Some(GatewayRecord::Push { incarnation: Incarnation(9), .. })));
}

#[tokio::test]
async fn a_lapse_suspends_until_a_heartbeat_and_then_the_repair_comes_first() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
    world.clock.advance(11);
    world.message(1, &["alice"]).await;
    world.settled(&running).await;
    assert_eq!(pushed(&world.told().await), [0]);
    assert_eq!(world.rows("alice").await.len(), 2, "rows are written all the same");
    assert_eq!(suspended(&world).await, 1);
    drop(running);

    // The successor knows who is suspended, and that nothing was pushed.
    let running = world.start();
    world.message(2, &["alice"]).await;
    world.settled(&running).await;
    assert_eq!(pushed(&world.told().await), [0]);
    world.heartbeat(3).await;
    world.settled(&running).await;
    world.message(3, &["alice"]).await;
    world.settled(&running).await;
    let told = world.told().await;
    assert_eq!((pushed(&told), repairs(&told)), (vec![0, 3], vec![3]));
    assert!(matches!(&told[told.len() - 2..], [GatewayRecord::Repair { .. }, GatewayRecord::Push { .. }]));
    assert_eq!(suspended(&world).await, 0);
}

#[tokio::test]
async fn a_lapse_is_kept_though_nothing_is_placed() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    world.clock.advance(11);
    world.settled(&running).await;
    assert_eq!(suspended(&world).await, 1);
}

#[tokio::test]
async fn a_lease_is_judged_only_once_all_heartbeats_are_read() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    for source in 0..20 {
        // The router was held up: the lease is long over, but the heartbeat is there to be read.
        world.clock.advance(60);
        world.heartbeat(3).await;
        world.say("alice", 3, 1, 1, Refresh).await;
        world.message(source, &["alice"]).await;
        world.settled(&running).await;
    }
    let told = world.told().await;
    assert_eq!((pushed(&told).len(), repairs(&told).len(), answers(&told).len()), (20, 0, 1));
}

#[tokio::test]
async fn a_lease_is_not_judged_between_two_reads_of_heartbeats() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    world.clock.advance(60);
    for _ in 0..10_000 {
        world.heartbeat(2).await;
    }
    world.heartbeat(3).await;
    world.settled(&running).await;
    assert!(repairs(&world.told().await).is_empty(), "its heartbeat was there, behind those of a former life");
}

#[tokio::test]
async fn a_session_that_is_forgotten_is_told_before_anything_is_pushed_to_its_user() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    world.say("alice", 2, 9, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    for _ in 0..SESSION_TTL.as_secs() / 5 {
        world.heartbeat(3).await;
        world.clock.advance(5);
        world.settled(&running).await;
    }
    // Another session of hers on the same gateway: what is pushed to it reaches both.
    world.say("alice", 3, 2, 1, Attach).await;
    world.heartbeat(3).await;
    world.settled(&running).await;
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
    let told = world.told().await;
    let forgotten = told.iter().position(|record| {
        matches!(record, GatewayRecord::Forgotten { incarnation: Incarnation(3), session: SessionId(1), .. })
    });
    let push = told.iter().position(|record| matches!(record, GatewayRecord::Push { .. }));
    assert!(forgotten.is_some() && forgotten < push, "{told:?}");
    let count = told.iter().filter(|record| matches!(record, GatewayRecord::Forgotten { .. })).count();
    assert_eq!(count, 1, "a life that has ended holds nobody");
}

#[tokio::test]
async fn each_ownership_has_a_term_and_the_former_one_gives_way() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let former = world.start();
    world.settled(&former).await;
    let later = world.start();
    world.settled(&later).await;
    world.message(0, &["alice"]).await;
    world.settled(&later).await;
    let terms = |told: &[GatewayRecord]| -> Vec<u64> {
        let term = |record: &GatewayRecord| match record {
            GatewayRecord::Answer { term, .. } | GatewayRecord::Push { term, .. } => Some(term.0),
            _ => None,
        };
        told.iter().filter_map(term).collect()
    };
    let told = world.told().await;
    let terms = terms(&told);
    assert!(terms.is_sorted() && terms.first() == Some(&1) && *terms.last().unwrap() > 1, "{told:?}");
    let checkpoint = world.store.checkpoint(OF).await.unwrap().unwrap();
    assert!(checkpoint.term > Term(1) && checkpoint.inbox == Offset(1));
    let waiting = former.progress.borrow().waiting.clone();
    assert!(waiting.is_some_and(|why| why == Error::Overtaken.to_string()), "it has given way");
}

#[tokio::test]
async fn whoever_may_have_missed_a_session_tells_gateways_to_repair_first() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    drop(running);
    // What told of her session is gone.
    world.log.trim_all(&Topic::Presence.partition(Partition(0)));
    let running = world.start();
    world.settled(&running).await;
    world.say("alice", 3, 2, 1, Attach).await;
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
    assert!(pushed(&world.told().await).is_empty(), "the first session would take it for all there is");
    world.heartbeat(3).await;
    world.message(1, &["alice"]).await;
    world.settled(&running).await;
    let told = world.told().await;
    assert!(matches!(&told[told.len() - 2..], [GatewayRecord::Repair { .. }, GatewayRecord::Push { .. }]), "{told:?}");
}

#[tokio::test]
async fn a_session_that_is_not_refreshed_is_forgotten_and_its_refresh_is_an_attach() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    for _ in 0..36 {
        world.heartbeat(3).await;
        world.clock.advance(5);
        world.settled(&running).await;
    }
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
    assert!(pushed(&world.told().await).is_empty());
    world.say("alice", 3, 1, 1, Refresh).await;
    world.settled(&running).await;
    assert_eq!(answers(&world.told().await), [(1, 0), (1, 1)]);
}

#[tokio::test]
async fn what_was_answered_is_not_answered_again_and_what_was_not_is() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let running = world.start();
    world.message(0, &["bob"]).await;
    world.settled(&running).await;
    drop(running);
    world.say("alice", 3, 1, 1, Refresh).await;
    world.say("bob", 3, 2, 1, Attach).await;
    let running = world.start();
    world.settled(&running).await;
    assert_eq!(answers(&world.told().await), [(1, 0), (1, 1)]);
    world.message(1, &["alice", "bob"]).await;
    world.settled(&running).await;
    let told = world.told().await;
    let Some(GatewayRecord::Push { recipients, .. }) = told.last() else { panic!("no push") };
    assert_eq!(recipients.len(), 2);
}

#[tokio::test]
async fn a_push_that_does_not_fit_becomes_a_repair() {
    let world = world();
    world.say("alice", 3, 1, 1, Attach).await;
    let overhead = message(0, &["alice"], "").encode().unwrap().len();
    let text = "x".repeat(chasqui_log::RECORD_BYTES_MAX - overhead - 3);
    let large = message(0, &["alice"], &text).encode().unwrap();
    assert!((chasqui_log::RECORD_BYTES_MAX - 4..=chasqui_log::RECORD_BYTES_MAX).contains(&large.len()));
    world.append(inbox(), large).await;
    world.message(1, &["alice"]).await;
    let running = world.start();
    world.settled(&running).await;
    let told = world.told().await;
    assert_eq!((repairs(&told), pushed(&told)), (vec![1], vec![1]));
    assert_eq!(world.rows("alice").await.len(), 2);
}

#[tokio::test]
async fn what_is_no_presence_is_passed_over() {
    let world = world();
    for topic in [Topic::Presence, Topic::Heartbeats] {
        for value in [&b""[..], b"nonsense"] {
            world.append(topic.clone().partition(Partition(0)), Bytes::from_static(value)).await;
        }
    }
    let running = world.start();
    world.settled(&running).await;
    world.append(Topic::Heartbeats.partition(Partition(0)), Bytes::from_static(b"nonsense")).await;
    world.say("alice", 3, 1, 1, Attach).await;
    world.settled(&running).await;
    assert_eq!(answers(&world.told().await).len(), 1);
}

#[tokio::test]
async fn only_sessions_that_may_live_are_read_again() {
    let world = world();
    let running = world.start();
    world.say("alice", 3, 1, 1, Attach).await;
    world.say("bob", 3, 2, 1, Attach).await;
    for _ in 0..3 {
        world.say("alice", 3, 1, 1, Refresh).await;
    }
    world.settled(&running).await;
    assert_eq!(presence_from(&world).await, Offset(1), "bob was heard of at 1 for the last time");
    world.say("bob", 3, 2, 1, Detach).await;
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
    assert_eq!(presence_from(&world).await, Offset(4), "and alice at 4");
    drop(running);
    let running = world.start();
    world.message(1, &["alice", "bob"]).await;
    world.settled(&running).await;
    assert_eq!((answers(&world.told().await).len(), pushed(&world.told().await)), (2, vec![0, 1]));
}

#[tokio::test]
async fn it_stops_at_what_it_must_not_pass_over() {
    let world = world();
    world.append(inbox(), Bytes::from_static(b"nonsense")).await;
    assert!(matches!(world.refusal().await, Error::Wire(_)));

    let world = self::world();
    let mut other = message(0, &["alice"], "hello");
    other.source.log = LogId([8; 16]);
    world.append(inbox(), other.encode().unwrap()).await;
    assert!(matches!(world.refusal().await, Error::OtherLog { offset: Offset(0), .. }));

    let world = self::world();
    world.message(0, &["alice"]).await;
    world.log.release(&inbox(), Offset(1)).await.unwrap();
    world.log.trim();
    assert!(matches!(world.refusal().await, Error::CheckpointLost));

    let world = self::world();
    let state = RouterState::default().encode().unwrap();
    let checkpoint = Checkpoint { term: Term(0), inbox: Offset(3), presence: Offset(0), state };
    world.store.save_checkpoint(OF, checkpoint).await.unwrap();
    world.message(0, &["alice"]).await;
    world.append(Topic::Presence.partition(Partition(0)), Bytes::new()).await;
    let behind = world.refusal().await;
    assert!(
        matches!(&behind, Error::LogBehind { at, known: Offset(3), end: Offset(1) } if *at == inbox()),
        "{behind:?}"
    );

    // Records of presence are missing: the one with which the checkpoint's term began, or answered ones. Attempts don't
    // fill up their places.
    let state = RouterState::default().encode().unwrap();
    let presence = Topic::Presence.partition(Partition(0));
    let save = async |world: &World, term, answered| {
        let (term, presence) = (Term(term), Offset(answered));
        let checkpoint = Checkpoint { term, inbox: Offset(0), presence, state: state.clone() };
        world.store.save_checkpoint(OF, checkpoint).await.unwrap();
    };
    for (term, answered, expected) in [(2, 0, 3), (0, 3, 3), (2, 9, 9)] {
        let world = self::world();
        save(&world, term, answered).await;
        for _ in 0..2 {
            world.append(presence.clone(), Bytes::new()).await;
        }
        for _ in 0..3 {
            let behind = world.refusal().await;
            let Error::LogBehind { at, known, end } = &behind else { panic!("{behind:?}") };
            assert_eq!((at, *known, *end), (&presence, Offset(expected), Offset(2)));
        }
    }

    // Before there were terms, nobody may have been heard of.
    let world = self::world();
    save(&world, 0, 0).await;
    let running = world.start();
    world.message(0, &["alice"]).await;
    world.settled(&running).await;
}
