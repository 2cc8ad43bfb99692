//! Incarnations.

use chasqui_domain::{Incarnation, Offset, Partition, Seq, Term};
use chasqui_gateway::Error;
use chasqui_log::Topic;
use chasqui_wire::{
    Code, entry,
    frames::ServerFrame,
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    presence::{Presence, PresenceKind},
};

use futures::future;

use crate::{
    bench::{Bench, options, start, user},
    client::{Client, live, try_connect},
    messages::{decided, send},
};

#[tokio::test]
async fn a_later_life_takes_over() {
    let bench = Bench::new().await;
    let mut client = live(&bench, "alice", "phone").await;
    let later = start(bench.log.clone(), bench.store.clone(), options()).await;
    assert!(later.incarnation() > bench.gateway.incarnation());
    let why = bench.gateway.stopped().await;
    assert!(matches!(why, Error::Superseded { by } if by == later.incarnation()), "{why}");
    assert!(!why.is_retryable());
    assert_eq!(client.end().await.0, "draining");
}

#[tokio::test]
async fn a_router_tells_of_a_later_life_whose_beginning_is_gone() {
    let bench = Bench::new().await;
    let own = bench.gateway.incarnation();
    let later = Incarnation(own.0 + 9);
    for incarnation in [Incarnation(own.0), later] {
        bench.tell(GatewayRecord::Superseded { incarnation }).await;
    }
    let why = bench.gateway.stopped().await;
    assert!(matches!(why, Error::Superseded { by } if by == later), "{why}");
}

#[tokio::test]
async fn who_never_said_hello_does_not_hold_up_a_drain() {
    let bench = Bench::new().await;
    let mut silent = try_connect(&bench).await.unwrap();
    let (_, end) = tokio::join!(bench.gateway.drain(), silent.end());
    assert_eq!(end.0, "draining");
}

#[tokio::test]
async fn each_is_given_a_time_of_its_own_to_come_back() {
    let mut options = options();
    options.reconnect_ms = 1_000_000;
    let bench = Bench::with(options).await;
    let mut clients = Vec::new();
    for number in 0..20 {
        clients.push(live(&bench, &format!("user-{number}"), "phone").await);
    }
    let words = future::join_all(clients.iter_mut().map(Client::error));
    let ((), words) = tokio::join!(bench.gateway.drain(), words);
    let mut waits = Vec::new();
    for failure in words {
        assert_eq!((failure.code, failure.retry), (Code::Draining, true));
        waits.extend(failure.retry_in_ms);
    }
    waits.sort_unstable();
    assert!(waits.len() == 20 && waits.iter().all(|wait| *wait < 1_000_000), "{waits:?}");
    // By chance 20 of a million lie within a tenth of it once in 10^19.
    assert!(waits[19] - waits[0] > 100_000, "{waits:?}");
    waits.dedup();
    assert!(waits.len() > 15, "{waits:?}");
}

#[tokio::test]
async fn what_is_for_another_life_is_dropped() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    let former = GatewayRecord::Push {
        term: Term(0),
        incarnation: Incarnation(bench.gateway.incarnation().0 + 1),
        partition: Partition(0),
        offset: Offset(0),
        recipients: vec![user("bob")],
        entry: entry::encode(&decided(9, body.clone())).unwrap(),
    };
    bench.tell(former).await;
    bench.place(&["bob"], &decided(1, body)).await;
    let ServerFrame::Message(message) = bobs.next().await else { panic!("no message") };
    assert_eq!(message.seq, Seq(1));
}

#[tokio::test]
async fn what_a_former_router_says_behind_a_later_one_is_dropped() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    let (incarnation, partition) = (bench.gateway.incarnation(), Partition(0));
    let push = |term, offset, seq| GatewayRecord::Push {
        term: Term(term),
        incarnation,
        partition,
        offset: Offset(offset),
        recipients: vec![user("bob")],
        entry: entry::encode(&decided(seq, body.clone())).unwrap(),
    };
    // The later one stands behind the former one, and says something of the partition before it pushes to anybody here.
    let later = GatewayRecord::Push {
        term: Term(5),
        incarnation,
        partition,
        offset: Offset(0),
        recipients: vec![user("nobody")],
        entry: entry::encode(&decided(1, body.clone())).unwrap(),
    };
    for record in [later, push(4, 7, 8), push(5, 1, 2), push(4, 8, 9), push(5, 2, 3), push(6, 3, 4)] {
        bench.tell(record).await;
    }
    for seq in [2, 3, 4] {
        let ServerFrame::Message(message) = bobs.next().await else { panic!("no message") };
        assert_eq!(message.seq, Seq(seq));
    }
}

#[tokio::test]
async fn it_says_that_it_lives_and_who_is_here() {
    let mut options = options();
    options.heartbeat_ms = 20;
    let bench = Bench::with(options).await;
    let incarnation = bench.gateway.incarnation();

    let mut heartbeats = bench.log.reader(&Topic::Heartbeats.partition(Partition(0)), Offset(0)).await.unwrap();
    let mut beats = Vec::new();
    while beats.len() < 3 {
        beats.extend(heartbeats.next(1 << 20).await.unwrap());
    }
    for record in beats {
        let heartbeat = Heartbeat::decode(&record.value).unwrap();
        assert_eq!((heartbeat.gateway.as_str(), heartbeat.incarnation), ("gateway-0", incarnation));
    }

    drop(live(&bench, "alice", "phone").await);
    let mut presence = bench.log.reader(&Topic::Presence.partition(Partition(0)), Offset(0)).await.unwrap();
    let mut records = Vec::new();
    while records.len() < 2 {
        records.extend(presence.next(1 << 20).await.unwrap());
    }
    assert_eq!(records[0].key, records[1].key, "compaction keeps the last word about a session");
    for (record, kind) in records.iter().zip([PresenceKind::Attach, PresenceKind::Detach]) {
        let presence = Presence::decode(&record.value).unwrap();
        assert_eq!((presence.kind, presence.user, presence.incarnation), (kind, user("alice"), incarnation));
    }
}
