//! What is refused, and what a sequencer stops at rather than go on wrongly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

mod support;

use std::num::NonZeroU32;

use bytes::Bytes;
use chasqui_domain::{Action, Entry, Offset, Partition, Refusal, UserId, partition};
use chasqui_log::{Header, Log};
use chasqui_sequencer::Error;
use chasqui_store::Store;
use chasqui_wire::{command, inbox::InboxRecord};

use chasqui_testkit::workload::{OF, append, mixed, send, user, with_rules};
use chasqui_testkit::{Faults, workload};
use support::World;

fn encoded(command: &chasqui_domain::Command) -> Bytes {
    command::encode(command).unwrap()
}

async fn run(workload: &[Bytes]) -> (World, Result<(), Error>) {
    let world = World::new(workload, Faults::none()).await;
    let result = world.run_to_end(None).await;
    (world, result)
}

/// The entries that a user gets, with the offsets of the commands.
async fn entries(world: &World, name: &str) -> Vec<(Offset, Entry)> {
    let outcome = world.outcome().await;
    let at = partition::of_user(&user(name), world.log.partitions().users);
    let records = outcome.inbox[&at].values().map(|(_, value, _)| InboxRecord::decode(value).unwrap());
    let own = records.filter(|record| record.recipients.contains(&user(name)));
    own.map(|record| (record.source.offset, record.entry)).collect()
}

#[tokio::test]
async fn what_is_no_command_is_put_on_the_skip_list_and_passed_over() {
    let garbage = [&b""[..], b"\xC3\x01", b"{\"type\":\"send\"}", &encoded(&send("alice", "bob", 1))[..20]];
    let mut workload: Vec<_> = garbage.iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect();
    workload.push(encoded(&send("alice", "bob", 2)));
    let (world, result) = run(&workload).await;
    result.unwrap();
    assert_eq!(world.store.skipped(OF).await.unwrap().len(), 4);
    let got = entries(&world, "bob").await;
    assert!(matches!(&got[..], [(Offset(4), Entry::Message { .. })]));
}

#[tokio::test]
async fn a_command_on_the_skip_list_is_refused() {
    let world =
        World::new(&[encoded(&send("alice", "bob", 1)), encoded(&send("alice", "bob", 2))], Faults::none()).await;
    world.store.skip(OF, Offset(0)).await.unwrap();
    world.run_to_end(None).await.unwrap();
    let got = entries(&world, "alice").await;
    assert!(matches!(
        &got[..],
        [(Offset(0), Entry::Refused { refusal: Refusal::Poison, .. }), (Offset(1), Entry::Message { .. })]
    ));
    assert_eq!(entries(&world, "bob").await.len(), 1);
}

#[tokio::test]
async fn a_command_whose_outputs_the_log_would_not_take_is_refused() {
    let mut large = send("alice", "bob", 1);
    large.rules.body_bytes_max = u32::MAX;
    let Action::Send(send_large) = &mut large.action else { unreachable!("it sends") };
    // The command itself fits; with its source beside it, the inbox record doesn't.
    let room = chasqui_log::RECORD_BYTES_MAX - encoded(&send("alice", "bob", 1)).len();
    send_large.body.bytes = Bytes::from(vec![0; room - 20]);
    let (world, result) = run(&[encoded(&large), encoded(&send("alice", "bob", 2))]).await;
    result.unwrap();
    let got = entries(&world, "alice").await;
    assert!(matches!(
        &got[..],
        [(Offset(0), Entry::Refused { refusal: Refusal::Poison, .. }), (Offset(1), Entry::Message { .. })]
    ));
}

#[tokio::test]
async fn a_refusal_that_the_log_would_not_take_gives_up_its_headers() {
    let world = World::new(&[], Faults::none()).await;
    // As many headers as fit count for their least size each, and the refusal of the same command is no smaller.
    let mut large = append(encoded(&send("alice", "bob", 1)), 0);
    let value = Bytes::from(vec![0; chasqui_log::RECORD_BYTES_MAX - large.bytes() - 10]);
    large.headers.push(Header { name: "tracestate".into(), value });
    world.log.append(vec![large]).await.unwrap();
    world.run_to_end(None).await.unwrap();
    assert_eq!(world.store.skipped(OF).await.unwrap().len(), 1);
    let got = entries(&world, "alice").await;
    assert!(matches!(&got[..], [(Offset(0), Entry::Refused { refusal: Refusal::Poison, .. })]));
}

#[tokio::test]
async fn rules_and_schemas_of_a_later_build_stop_it_before_anything_is_written() {
    let (world, result) =
        run(&[encoded(&send("alice", "bob", 1)), encoded(&with_rules(send("alice", "bob", 2), 99))]).await;
    assert!(matches!(result, Err(Error::Rules { offset: Offset(1), .. })));
    assert!(world.store.skipped(OF).await.unwrap().is_empty());
    assert!(world.outcome().await.rows.is_empty(), "the batch is decided as a whole or not at all");

    let mut later = encoded(&send("alice", "bob", 1)).to_vec();
    later[5] ^= 0xFF;
    let (world, result) = run(&[later.into()]).await;
    assert!(matches!(result, Err(Error::Schema { offset: Offset(0) })));
    assert!(world.store.skipped(OF).await.unwrap().is_empty());
}

#[tokio::test]
async fn rows_without_an_offset_stop_it() {
    let (world, result) = run(&mixed()).await;
    result.unwrap();
    let restored = World::new(&mixed(), Faults::none()).await;
    restored.store.write_events(OF, world.outcome().await.rows, Vec::new()).await.unwrap();
    assert!(matches!(restored.run_to_end(None).await, Err(Error::OffsetLost)));
    assert_eq!(restored.store.committed(OF).await.unwrap(), None);
}

#[tokio::test]
async fn a_released_log_without_an_offset_stops_it() {
    let world = World::new(&mixed(), Faults::none()).await;
    world.log.release(&workload::commands(), Offset(5)).await.unwrap();
    world.log.trim();
    assert!(matches!(world.run_to_end(None).await, Err(Error::OffsetLost)));
}

#[tokio::test]
async fn a_committed_offset_whose_commands_are_gone_stops_it() {
    let world = World::new(&mixed(), Faults::none()).await;
    world.store.commit(OF, Offset(2), Vec::new()).await.unwrap();
    world.log.release(&workload::commands(), Offset(5)).await.unwrap();
    world.log.trim();
    let gone = world.run_to_end(None).await;
    assert!(matches!(gone, Err(Error::Log(chasqui_log::Error::Trimmed { start: Offset(5) }))));
}

#[tokio::test]
async fn a_log_that_ends_before_the_committed_offset_stops_it() {
    let world = World::new(&mixed()[..4], Faults::none()).await;
    world.store.commit(OF, Offset(6), Vec::new()).await.unwrap();
    let behind = world.run_to_end(None).await;
    assert!(matches!(behind, Err(Error::LogBehind { committed: Offset(6), end: Offset(4) })), "{behind:?}");
}

#[tokio::test]
async fn a_chat_of_another_partition_is_not_touched() {
    let two = NonZeroU32::new(2).unwrap();
    let names: Vec<UserId> = (0..40).map(|number| user(&format!("user-{number}"))).collect();
    let strays = names.windows(2).filter(|pair| {
        let chat = chasqui_domain::ChatId::direct(&pair[0], &pair[1]);
        partition::of_chat(&chat, two) == Partition(1)
    });
    let mut workload: Vec<_> = strays.map(|pair| encoded(&send(pair[0].as_str(), pair[1].as_str(), 1))).collect();
    workload.truncate(3);
    let partitions = chasqui_log::Partitions { chats: two, users: NonZeroU32::MIN };
    let log = std::sync::Arc::new(chasqui_log::MemoryLog::new(OF.log, partitions, workload::runtime()));
    workload::fill(log.as_ref(), &workload).await;
    let store = std::sync::Arc::new(chasqui_store::memory::MemoryStore::new());
    let deps = chasqui_sequencer::Deps { log: log.clone(), store: store.clone(), runtime: workload::runtime() };
    let sequencer = chasqui_sequencer::Sequencer::new(deps, OF.partition, chasqui_sequencer::Options::default());
    let progress = sequencer.progress();
    let running = tokio::spawn(sequencer.run());
    support::reached(progress, Offset(3)).await;
    running.abort();
    assert_eq!(store.skipped(OF).await.unwrap().len(), 3);
    assert!(!store.has_events(OF).await.unwrap());
}
