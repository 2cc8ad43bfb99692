//! A process that ends at any statement of a call. What it leaves is a prefix of each chat, of each inbox; nothing is there
//! without what it speaks of; and doing the call again, by another process, makes it whole.

use std::{collections::BTreeSet, future::Future, sync::Arc};

use bytes::Bytes;
use chasqui_cluster_tests::{cut::Way, keyspace::Keyspace};
use chasqui_domain::{ChatId, Offset, Term, Version};
use chasqui_store::{Checkpoint, Error, EventQuery, EventRow, MemberState, Store, Stream};
use chasqui_store_cql::{CqlStore, Options};

use crate::rows::{LOG, chat, chat_row, device, entry, event, member_update, of, snapshot, update, user};

/// Far more than any of these calls has.
const STATEMENTS_MAX: u32 = 200;

/// Does a call for ever more statements, until it comes to its end. Each time it gets a number of its own, a process that
/// survives it, and one that is cut.
async fn at_every_statement<F>(keyspace: &Keyspace, call: impl Fn(u32, Arc<CqlStore>, Arc<CqlStore>) -> F)
where
    F: Future<Output = Result<(), Error>>,
{
    let survivor = keyspace.open().await;
    for statements in 0..STATEMENTS_MAX {
        let way = Way::open().await;
        let contact_points = vec![way.address().to_owned()];
        let doomed = CqlStore::open(Options { contact_points, ..keyspace.options() }).await.unwrap();
        way.cut_after(statements);
        let result = call(statements, survivor.clone(), doomed).await;
        assert_eq!(result.is_err(), way.is_cut(), "{result:?} after {statements} statements");
        if result.is_ok() {
            assert!(statements > 0, "a call sends something");
            return;
        }
    }
    panic!("the call never ends");
}

async fn read(store: &CqlStore, chat: ChatId, stream: Stream, end: u64) -> Vec<EventRow> {
    let versions = Version(0)..Version(end);
    store.events(&EventQuery { chat, stream, versions, descending: false, rows_max: 999 }).await.unwrap()
}

/// All streams of a chat, in order of version.
async fn all(store: &CqlStore, chat: ChatId) -> Vec<EventRow> {
    store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap().remove(0).rows
}

async fn has_chat(store: &CqlStore, name: &str, chat: ChatId) -> bool {
    store.chats_of(&user(name), None, 99).await.unwrap().contains(&chat)
}

#[tokio::test]
async fn events_are_a_prefix_and_what_is_shown_comes_last() {
    let keyspace = Keyspace::empty().await;
    at_every_statement(&keyspace, async |n, survivor: Arc<CqlStore>, doomed: Arc<CqlStore>| {
        let (left, came) = (format!("left-{n}"), format!("came-{n}"));
        let chats = [chat(&format!("one-{n}")), chat(&format!("other-{n}"))];
        for chat in chats {
            survivor.write_events(of(n), vec![], vec![update(chat, 1, &["me", &left])]).await.unwrap();
        }
        // Over buckets and streams, some of them next to each other.
        let stream = |version| if version % 4 == 2 { Stream::Receipts } else { Stream::Content };
        let numbers = [1020, 1021, 1023, 1024, 1026, 1028, 3072];
        let rows: Vec<_> =
            chats.iter().flat_map(|&chat| numbers.map(|version| event(chat, stream(version), version))).collect();
        let backwards: Vec<_> = rows.iter().rev().cloned().collect();
        let shown = |chat| {
            let mut shown = update(chat, 3072, &["me", &came]);
            shown.members.extend(member_update(chat, 3072, &[(&left, MemberState::Gone)]).members);
            shown
        };
        let updates: Vec<_> = chats.into_iter().map(shown).collect();
        let result = doomed.write_events(of(n), backwards, updates.clone()).await;

        // What is written last is read first, since a statement that was under way may still arrive.
        let stand = survivor.chats(&chats, &user("me")).await.unwrap();
        for (chat, stands) in chats.into_iter().zip(stand) {
            let whole: Vec<_> = rows.iter().filter(|row| row.chat == chat).cloned().collect();
            if stands.is_some_and(|stands| stands.summary == "summary 3072") {
                assert_eq!(all(&survivor, chat).await, whole, "the summary speaks of all, after {n}");
                assert!(has_chat(&survivor, &came, chat).await && !has_chat(&survivor, &left, chat).await, "after {n}");
            }
            // Few buckets are read without their list, all of them by it.
            let few = read(&survivor, chat, Stream::Content, 2048).await;
            let found = all(&survivor, chat).await;
            assert!(few.iter().all(|row| found.contains(row)), "what is there is on the list, after {n}");
            assert_eq!(found, whole[..found.len()], "a prefix, after {n}");
            assert!(found.is_empty() || survivor.has_events(of(n)).await.unwrap(), "after {n}");
        }
        survivor.write_events(of(n), rows.clone(), updates.clone()).await.unwrap();
        for chat in chats {
            assert_eq!(all(&survivor, chat).await.len(), numbers.len());
            assert!(has_chat(&survivor, &came, chat).await && !has_chat(&survivor, &left, chat).await, "after {n}");
        }
        let stand = survivor.chats(&chats, &user("me")).await.unwrap();
        let whole = chats.map(|chat| Some(chat_row(chat, 3072, &[(came.as_str(), 3072), ("me", 3072)])));
        assert_eq!(stand, whole);
        result
    })
    .await;
}

#[tokio::test]
async fn no_snapshot_is_there_before_its_offset() {
    let keyspace = Keyspace::empty().await;
    at_every_statement(&keyspace, async |n, survivor: Arc<CqlStore>, doomed: Arc<CqlStore>| {
        let chats = [chat(&format!("one-{n}")), chat(&format!("other-{n}"))];
        let snapshots = chats.map(|chat| snapshot(chat, 9)).to_vec();
        let result = doomed.commit(of(n), Offset(90), snapshots.clone()).await;
        let loaded = survivor.load_chats(&chats, LOG, Offset(90)).await.unwrap();
        let some = loaded.iter().any(|log| log.snapshot.is_some());
        assert!(!some || survivor.committed(of(n)).await.unwrap() == Some(Offset(90)), "after {n}");
        survivor.commit(of(n), Offset(90), snapshots).await.unwrap();
        result
    })
    .await;
}

#[tokio::test]
async fn entries_are_a_prefix_of_each_inbox() {
    let keyspace = Keyspace::empty().await;
    at_every_statement(&keyspace, async |n, survivor: Arc<CqlStore>, doomed: Arc<CqlStore>| {
        let names = [format!("alice-{n}"), format!("bob-{n}")];
        // More than one statement, and more than one bucket.
        let offsets: Vec<u64> = ((1 << 20) - 200..(1 << 20) + 100).collect();
        let rows: Vec<_> = names.iter().flat_map(|name| offsets.iter().map(|&offset| entry(name, offset))).collect();
        let result = doomed.write_inbox(rows.clone()).await;
        let read = async |name: &str, end| {
            let rows = survivor.inbox(&user(name), LOG, Offset(0)..Offset(end), 999).await.unwrap();
            rows.iter().map(|row| row.position.offset.0).collect::<Vec<_>>()
        };
        for name in &names {
            let few = read(name, 1 << 20).await;
            let found = read(name, u64::MAX).await;
            assert!(found.starts_with(&few), "what is there is on the list, after {n}");
            assert_eq!(found, offsets[..found.len()], "a prefix, after {n}");
        }
        survivor.write_inbox(rows.clone()).await.unwrap();
        for name in &names {
            assert_eq!(read(name, u64::MAX).await, offsets);
        }
        result
    })
    .await;
}

#[tokio::test]
async fn there_is_a_checkpoint_at_every_moment() {
    let keyspace = Keyspace::empty().await;
    at_every_statement(&keyspace, async |n, survivor: Arc<CqlStore>, doomed: Arc<CqlStore>| {
        let checkpoint = |term: u64, inbox: u64| Checkpoint {
            term: Term(term),
            inbox: Offset(inbox),
            presence: Offset(term),
            state: Bytes::from_static(b"state"),
        };
        survivor.save_checkpoint(of(n), checkpoint(3, 9)).await.unwrap();
        let result = doomed.save_checkpoint(of(n), checkpoint(4, 9)).await;
        let stands = survivor.checkpoint(of(n)).await.unwrap();
        assert!(stands == Some(checkpoint(3, 9)) || stands == Some(checkpoint(4, 9)), "{stands:?} after {n}");
        survivor.save_checkpoint(of(n), checkpoint(5, 9)).await.unwrap();
        assert_eq!(survivor.checkpoint(of(n)).await.unwrap(), Some(checkpoint(5, 9)));
        result
    })
    .await;
}

/// A device that gave way is gone in the end, and none is lost but that.
#[tokio::test]
async fn devices_are_as_many_as_they_should_be_in_the_end() {
    let keyspace = Keyspace::empty().await;
    at_every_statement(&keyspace, async |n, survivor: Arc<CqlStore>, doomed: Arc<CqlStore>| {
        let name = format!("alice-{n}");
        let row = |at: u64| device(&name, &format!("{at:03}"), LOG, at);
        survivor.write_devices(of(0), (0..64).map(row).collect()).await.unwrap();
        let result = doomed.write_devices(of(0), vec![row(64), row(65)]).await;
        survivor.write_devices(of(0), vec![row(64), row(65), row(66)]).await.unwrap();
        let devices: BTreeSet<_> =
            survivor.devices_of(&user(&name), None, 999).await.unwrap().into_iter().map(|row| row.device).collect();
        assert_eq!(devices, (3..67).map(|at| row(at).device).collect(), "after {n}");
        result
    })
    .await;
}
