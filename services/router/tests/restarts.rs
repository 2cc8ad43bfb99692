//! Whatever fails, and wherever a router or a sequencer ends: no inbox has a hole or a repeat.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use chasqui_domain::{Offset, Partition, partition};
use chasqui_log::{Log, Topic};
use chasqui_store::{InboxRow, LogPartition, Store, memory::MemoryStore};
use chasqui_wire::{
    checkpoint::RouterState, gateway_record::GatewayRecord, inbox::InboxRecord, presence::PresenceKind,
};

use chasqui_runtime::Runtime;
use chasqui_testkit::{Clock, Faults, FaultyLog, FaultyStore, MODES, workload};
use support::{LOG, OF, World, inbox, message, reached, receipt, user};

const NAMES: [&str; 2] = ["alice", "bob"];

/// What a sequencer publishes that began again twice: everything from some point on comes again.
fn records() -> Vec<InboxRecord> {
    let record = |offset: u64| match offset % 4 {
        3 => receipt(offset, &NAMES),
        2 => message(offset, &["bob"], "to bob"),
        _ => message(offset, &NAMES, "to both"),
    };
    [0..8, 3..12, 0..12, 10..16].into_iter().flatten().map(record).collect()
}

fn expected() -> Vec<u64> {
    // The places in `records` of the first copy of each that has a row.
    let mut seen = std::collections::BTreeSet::new();
    let first = records().into_iter().enumerate().filter(|(_, record)| seen.insert(record.source.offset.0));
    first.filter(|(_, record)| record.entry.is_kept()).map(|(at, _)| at as u64).collect()
}

/// The records come while a session attaches, repairs and refreshes.
async fn write(world: &World) {
    for (at, record) in records().into_iter().enumerate() {
        match at {
            5 => world.say("bob", 3, 1, 1, PresenceKind::Attach).await,
            11 => world.say("bob", 3, 1, 1, PresenceKind::Refresh).await,
            17 => world.say("bob", 3, 1, 2, PresenceKind::Attach).await,
            _ => {}
        }
        world.append(inbox(), record.encode().unwrap()).await;
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }
}

/// Rows before pushes, and both before the checkpoint.
async fn check_order(world: &World) {
    let rows: Vec<u64> = world.rows("bob").await.iter().map(|row| row.position.offset.0).collect();
    let all = records();
    let told = world.told().await;
    for offset in support::pushed(&told) {
        let kept = all[offset as usize].entry.is_kept();
        assert!(!kept || rows.contains(&offset), "pushed before its row was there");
    }
    let Some(checkpoint) = world.store.checkpoint(OF).await.unwrap() else { return };
    for offset in expected().into_iter().filter(|offset| *offset < checkpoint.inbox.0) {
        assert!(rows.contains(&offset), "the checkpoint was saved before a row");
        let answered = support::answers(&told).first().is_some_and(|(_, up_to)| *up_to <= offset);
        assert!(!answered || support::pushed(&told).contains(&offset), "the checkpoint was saved before a push");
    }
}

/// What bob's session shows in the end: rows up to the answer, then pushes, each offset once and ascending.
async fn shown(world: &World) -> Vec<u64> {
    let rows: Vec<u64> = world.rows("bob").await.iter().map(|row| row.position.offset.0).collect();
    let mut shown: Vec<u64> = Vec::new();
    let (mut attempt, mut next) = (None, 0);
    for record in world.told().await {
        let offsets: Vec<u64> = match record {
            GatewayRecord::Answer { attempt: given, up_to, .. } => {
                attempt = attempt.max(Some(given));
                rows.iter().copied().filter(|offset| (next..up_to.0).contains(offset)).collect()
            }
            GatewayRecord::Push { offset, .. } if attempt.is_some() && offset.0 >= next => vec![offset.0],
            _ => Vec::new(),
        };
        for offset in offsets {
            next = offset + 1;
            shown.push(offset);
        }
    }
    shown
}

#[tokio::test]
async fn a_fault_at_any_call_leaves_no_hole_and_no_repeat() {
    let whole = expected();
    let kept: Vec<bool> = records().iter().map(|record| record.entry.is_kept()).collect();
    for mode in MODES {
        for call in 1.. {
            let world = World::new(Faults::new(call, mode));
            let mut running = world.start();
            {
                let mut writing = std::pin::pin!(write(&world));
                let mut written = false;
                while !written {
                    tokio::select! {
                        () = &mut writing => written = true,
                        () = world.faults.crash() => {
                            running.task.abort();
                            check_order(&world).await;
                            running = world.start();
                        }
                    }
                }
            }
            let end = world.end(&inbox()).await;
            tokio::select! {
                () = reached(running.progress.clone(), end) => {}
                () = world.faults.crash() => {
                    drop(running);
                    check_order(&world).await;
                    running = world.start();
                }
            }
            world.settled(&running).await;
            if !world.faults.happened() {
                assert!(call > 60, "only {call} calls: the test has lost its object");
                break;
            }
            let rows: Vec<u64> = world.rows("bob").await.iter().map(|row| row.position.offset.0).collect();
            assert_eq!(rows, whole, "{mode:?} at call {call}");
            let shown = shown(&world).await;
            assert!(shown.is_sorted_by(|a, b| a < b), "{mode:?} at call {call}: shown twice");
            let shown: Vec<u64> = shown.into_iter().filter(|offset| kept[*offset as usize]).collect();
            assert_eq!(shown, whole, "{mode:?} at call {call}");
            let checkpoint = world.store.checkpoint(OF).await.unwrap().unwrap();
            let placed = RouterState::decode(&checkpoint.state).unwrap().placed;
            assert_eq!(placed, BTreeMap::from([(Partition(0), (Offset(15), 0))]));
        }
    }
}

async fn pass_time(clock: &Clock) {
    loop {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        clock.advance(1);
    }
}

/// The entries of every inbox after the whole pipeline has run.
async fn pipeline(workload: &[Bytes], faults: Arc<Faults>) -> BTreeMap<&'static str, Vec<Bytes>> {
    let inner = workload::memory_log();
    workload::fill(inner.as_ref(), workload).await;
    let memory = Arc::new(MemoryStore::new());
    let log: Arc<dyn Log> = Arc::new(FaultyLog { inner: inner.clone(), faults: faults.clone() });
    let store = FaultyStore::new(memory.clone(), faults.clone());
    let clock = Clock::default();
    let options = chasqui_sequencer::Options { batch_commands_max: 3, ..chasqui_sequencer::Options::default() };
    loop {
        let deps = chasqui_sequencer::Deps { log: log.clone(), store: store.clone(), runtime: workload::runtime() };
        let sequencer = chasqui_sequencer::Sequencer::new(deps, Partition(0), options.clone());
        let mut progress = sequencer.progress();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move { panic!("the sequencer stopped: {}", sequencer.run().await) });
        let mut routers = Vec::new();
        for partition in (0..3).map(Partition) {
            let runtime = Runtime::new(clock.clone());
            let deps = chasqui_router::Deps { log: log.clone(), store: store.clone(), runtime };
            let router = chasqui_router::Router::new(deps, partition, chasqui_router::Options::default());
            routers.push((partition, router.progress()));
            tasks.spawn(async move { panic!("a router stopped: {}", router.run().await) });
        }
        let done = async {
            let end = Offset(workload.len() as u64);
            progress.wait_for(|it| it.caught_up_to == Some(end) && it.waiting.is_none()).await.unwrap();
            for (partition, progress) in routers {
                let end = inner.bounds(&Topic::Inbox.partition(partition)).await.unwrap().end;
                reached(progress, end).await;
            }
        };
        tokio::select! {
            biased;
            () = faults.crash() => continue,
            ended = tasks.join_next() => ended.unwrap().unwrap(),
            () = done => break,
            // What is gathered is told when its time has come.
            () = pass_time(&clock) => {}
        }
    }
    let mut inboxes = BTreeMap::new();
    for name in workload::USERS {
        let rows = memory.inbox(&user(name), LOG, Offset(0)..Offset(u64::MAX), usize::MAX).await.unwrap();
        inboxes.insert(name, rows.into_iter().map(|InboxRow { entry, .. }| entry).collect());
    }
    inboxes
}

#[tokio::test]
async fn the_whole_pipeline_places_every_entry_once_whatever_fails() {
    let workload = workload::mixed();
    let whole = pipeline(&workload, Faults::none()).await;
    assert!(whole.values().all(|entries| entries.len() > 7));
    for mode in MODES {
        for call in 1.. {
            let faults = Faults::new(call, mode);
            let inboxes = pipeline(&workload, faults.clone()).await;
            if !faults.happened() {
                assert!(call > 80, "only {call} calls: the test has lost its object");
                break;
            }
            assert_eq!(inboxes, whole, "{mode:?} at call {call}");
        }
    }
}

#[tokio::test]
async fn what_the_checkpoint_covers_is_not_needed() {
    let world = World::new(Faults::none());
    for source in 0..1500 {
        world.message(source, &["alice"]).await;
    }
    let running = world.start();
    world.settled(&running).await;
    drop(running);
    world.log.release(&inbox(), Offset(1500)).await.unwrap();
    world.log.trim();
    assert_eq!(world.log.bounds(&inbox()).await.unwrap().start, Offset(1500));
    let running = world.start();
    world.message(1500, &["alice"]).await;
    world.settled(&running).await;
    assert_eq!(world.store.committed(LogPartition { log: LOG, partition: Partition(0) }).await.unwrap(), None);
    let at = partition::of_user(&user("alice"), std::num::NonZeroU32::MIN);
    assert_eq!((at, world.rows("alice").await.len()), (Partition(0), 1000), "a read gives so many at most");
}
