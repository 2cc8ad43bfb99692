//! Whatever fails, and wherever a sequencer ends, the next one makes the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

mod support;

use bytes::Bytes;
use chasqui_domain::{Entry, Event, EventKind, Offset, Refusal, Version};
use chasqui_log::Log;
use chasqui_sequencer::{Options, SNAPSHOT_EVERY};
use chasqui_store::{EventQuery, EventRow, Snapshot, Store, Stream};
use chasqui_wire::{event, inbox::InboxRecord, member, message, snapshot, summary};

use chasqui_testkit::workload::{OF, fill, mixed, send, user};
use chasqui_testkit::{Faults, MODES, workload};
use support::{World, reached, undisturbed};

fn messages(count: u64) -> Vec<Bytes> {
    (1..=count).map(|counter| chasqui_wire::command::encode(&send("alice", "bob", counter)).unwrap()).collect()
}

#[tokio::test]
async fn the_workload_shows_every_sort_of_outcome() {
    let outcome = undisturbed(&mixed()).await;
    let entries: Vec<_> = outcome
        .inbox
        .values()
        .flat_map(|placed| placed.values())
        .map(|(_, value, _)| InboxRecord::decode(value).unwrap().entry)
        .collect();
    assert!(entries.iter().any(|entry| matches!(entry, Entry::Message { .. })));
    assert!(entries.iter().any(|entry| matches!(entry, Entry::Repeated { .. })));
    assert!(entries.iter().any(|entry| matches!(entry, Entry::Receipt { .. })));
    assert!(entries.iter().any(|entry| matches!(entry, Entry::Changed { .. })));
    assert!(entries.iter().any(|entry| matches!(entry, Entry::Done { .. })));
    assert!(entries.iter().any(|entry| matches!(entry, Entry::Counts(_))));
    let acted: Vec<_> = outcome.messages.iter().flat_map(|(messages, _)| messages).collect();
    let states: Vec<_> = acted.iter().map(|row| message::decode(&row.state).unwrap()).collect();
    assert!(states.iter().any(|state| state.deleted.is_some() && state.reactions.is_empty()));
    assert!(states.iter().any(|state| state.edited.is_some() && state.reactions.len() == 2));
    let bodies = outcome.rows.iter().filter(|row| row.stream == Stream::Actions && row.body.is_some()).count();
    assert_eq!(bodies, 5, "of six edits, one is of a message that was deleted");
    for refusal in [Refusal::NotAMember, Refusal::SeqAhead, Refusal::NotPermitted, Refusal::NoSuchMessage] {
        assert!(entries.iter().any(|entry| matches!(entry, Entry::Refused { refusal: it, .. } if *it == refusal)));
    }
    assert_eq!(outcome.skipped.iter().copied().collect::<Vec<_>>(), [Offset(11)]);
    let traced = outcome.events.values().all(|(_, value, headers)| {
        let (_, source) = event::decode(value).unwrap();
        headers[0].value == format!("trace-{}", source.offset)
    });
    assert!(traced, "trace headers are those of the command");
}

#[tokio::test]
async fn a_fault_at_any_call_changes_no_byte() {
    let workload = mixed();
    let whole = undisturbed(&workload).await;
    for mode in MODES {
        for call in 1.. {
            let world = World::new(&workload, Faults::new(call, mode)).await;
            world.run_to_end(Some(&whole)).await.unwrap();
            if !world.faults.happened() {
                assert!(call > 60, "only {call} calls: the test has lost its object");
                break;
            }
            assert_eq!(world.outcome().await, whole, "{mode:?} at call {call}");
        }
    }
}

#[tokio::test]
async fn batches_leave_no_trace() {
    let workload = mixed();
    let whole = undisturbed(&workload).await;
    for batch_commands_max in [1, 2, 7, 100] {
        for cache_bytes_max in [0, usize::MAX] {
            let mut world = World::new(&workload, Faults::none()).await;
            world.options = Options { batch_commands_max, cache_bytes_max, ..Options::default() };
            world.run_to_end(None).await.unwrap();
            assert_eq!(world.outcome().await, whole, "{batch_commands_max} commands, {cache_bytes_max} bytes");
        }
    }
}

#[tokio::test]
async fn the_state_as_of_c_ignores_rows_beyond_c() {
    let workload = mixed();
    let whole = undisturbed(&workload).await;
    for committed in 0..workload.len() as u64 {
        let world = World::new(&workload, Faults::none()).await;
        world.run_to_end(None).await.unwrap();
        // All rows are there; if they counted, messages would be decided as repeats.
        world.store.commit(OF, Offset(committed), Vec::new()).await.unwrap();
        world.run_to_end(None).await.unwrap();
        assert_eq!(world.outcome().await, whole, "again from {committed}");
    }
}

#[tokio::test]
async fn snapshots_come_when_due_and_never_speak_of_what_is_not_committed() {
    let world = {
        let mut world = World::new(&messages(SNAPSHOT_EVERY * 3), Faults::none()).await;
        world.options = Options { batch_commands_max: 100, ..Options::default() };
        world
    };
    world.run_to_end(None).await.unwrap();
    let commits = world.faulty_store.commits.lock().clone();
    let chat = send("alice", "bob", 1).chat;
    let rows = world.store.inner_rows(chat).await;
    let mut made = 0;
    for (next, snapshots) in commits {
        for row in snapshots {
            made += 1;
            let last = rows.iter().find(|event| event.version == row.version).unwrap();
            assert!(last.source.offset < next, "the snapshot speaks of a command at or beyond {next}");
            assert_eq!(snapshot::decode(&row.bytes).unwrap(), folded(&rows, row.version));
        }
    }
    assert_eq!(made, 2, "769 events, a snapshot at the first batch's end that is 256 or more behind the last");
}

#[tokio::test]
async fn a_restart_behind_a_snapshot_changes_no_byte() {
    let workload = messages(SNAPSHOT_EVERY + 50);
    let whole = undisturbed(&workload).await;
    let world = World::new(&workload[..SNAPSHOT_EVERY as usize + 20], Faults::none()).await;
    world.run_to_end(None).await.unwrap();
    let chat = send("alice", "bob", 1).chat;
    let loaded = world.store.load_chats(&[chat], OF.log, world.end().await).await.unwrap();
    assert!(loaded[0].snapshot.is_some() && loaded[0].rows.len() < 30);
    fill(world.log.as_ref(), &workload[SNAPSHOT_EVERY as usize + 20..]).await;
    world.run_to_end(None).await.unwrap();
    assert_eq!(world.outcome().await, whole);
}

#[tokio::test]
async fn what_is_shown_behind_a_snapshot_is_what_it_would_have_been() {
    // The last events before the restart are receipts, so that no row above the snapshot is a message.
    let world = World::new(&messages(10), Faults::none()).await;
    world.run_to_end(None).await.unwrap();
    let chat = send("alice", "bob", 1).chat;
    let rows = world.store.inner_rows(chat).await;
    let (version, bytes) = (Version(11), snapshot::encode(&folded(&rows, Version(11))).unwrap());
    world.store.commit(OF, Offset(10), vec![Snapshot { chat, version, bytes }]).await.unwrap();
    fill(world.log.as_ref(), &[chasqui_wire::command::encode(&workload::read("bob", "alice", 3)).unwrap()]).await;
    world.run_to_end(None).await.unwrap();
    let found = world.store.chats(&[chat], &user("bob")).await.unwrap().remove(0).unwrap();
    let summary = summary::decode(&found.summary).unwrap();
    assert_eq!((summary.version, summary.last_message), (Version(11), Version(11)), "a receipt is the member's own");
    let bob = found.members.iter().find(|member| member.user == user("bob")).unwrap();
    assert_eq!(summary.unread(&member::decode(&bob.state).unwrap()), 7);
}

#[tokio::test]
async fn a_snapshot_of_another_owner_is_not_decided_on() {
    let workload = messages(SNAPSHOT_EVERY + 10);
    let other = World::new(&workload, Faults::none()).await;
    other.run_to_end(None).await.unwrap();
    let chat = send("alice", "bob", 1).chat;
    let done = other.store.load_chats(&[chat], OF.log, Offset(u64::MAX)).await.unwrap().remove(0);

    let world = World::new(&[], Faults::none()).await;
    let sequencer = world.sequencer();
    let progress = sequencer.progress();
    let running = tokio::spawn(sequencer.run());
    while world.store.committed(OF).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    // Another owner, who is ahead, does all that there is while this one still believes that nothing is done.
    world.store.write_events(OF, other.store.inner_rows(chat).await, Vec::new()).await.unwrap();
    world.store.commit(OF, other.end().await, done.snapshot.into_iter().collect()).await.unwrap();
    fill(world.log.as_ref(), &workload).await;
    reached(progress, other.end().await).await;
    running.abort();
    assert!(world.outcome().await.inbox.values().all(|placed| placed.is_empty()), "repeats were decided");
}

#[tokio::test]
async fn what_is_committed_is_not_needed() {
    let world = World::new(&messages(1500), Faults::none()).await;
    world.run_to_end(None).await.unwrap();
    world.log.release(&workload::commands(), Offset(1500)).await.unwrap();
    world.log.trim();
    assert_eq!(world.log.bounds(&workload::commands()).await.unwrap().start, Offset(1500));
    let before = world.outcome().await;
    world.run_to_end(None).await.unwrap();
    assert_eq!(world.outcome().await, before);
}

fn folded(rows: &[EventRow], up_to: Version) -> chasqui_domain::Chat {
    let mut chat = chasqui_domain::Chat::new(rows[0].chat);
    for row in rows.iter().filter(|row| row.version <= up_to) {
        let (event, _): (Event, _) = event::decode_row(&row.envelope, row.body.as_ref()).unwrap();
        assert!(!matches!(event.kind, EventKind::Read { .. }));
        chat.apply(&event).unwrap();
    }
    chat
}

trait InnerRows {
    async fn inner_rows(&self, chat: chasqui_domain::ChatId) -> Vec<EventRow>;
}

impl InnerRows for chasqui_store::memory::MemoryStore {
    async fn inner_rows(&self, chat: chasqui_domain::ChatId) -> Vec<EventRow> {
        let versions = Version(0)..Version(u64::MAX);
        let query = EventQuery { chat, stream: Stream::Content, versions, descending: false, rows_max: usize::MAX };
        self.events(&query).await.unwrap()
    }
}
