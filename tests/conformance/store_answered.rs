//! What an answer says while nothing is flushed: whoever reads later sees it, whoever writes and reads beside.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use bytes::Bytes;
use chasqui_domain::{LogId, Offset, Partition, Position, Source, Term, TimeMs, Version};
use chasqui_store::{
    ChatUpdate, Checkpoint, EventQuery, EventRow, InboxRow, LogPartition, MemberState, MemberUpdate, Store, Stream,
};
use chasqui_store_embedded::{EmbeddedStore, Options};
use chasqui_testkit::CrashDisk;
use tokio::task::{JoinSet, yield_now};

use crate::store_script::{Dice, chat, user};

const LOG: LogId = LogId([7; 16]);
const WRITERS: u64 = 4;
const READERS: u64 = 6;
const WRITES: u64 = 300;

/// What the writer `of` has begun and what was answered, as numbers of its writes.
#[derive(Debug, Default)]
struct Told {
    begun: AtomicU64,
    answered: AtomicU64,
}

fn partition(of: u64) -> LogPartition {
    LogPartition { log: LOG, partition: Partition(of as u32) }
}

/// The write number `n` of a writer: every kind that is answered before it is done, one after the other.
async fn write(store: &EmbeddedStore, of: u64, n: u64) {
    let (chat, of_partition, bytes) = (chat(of), partition(of), Bytes::from(vec![0; (n % 700) as usize]));
    match n % 4 {
        0 => {
            let source = Source { log: LOG, partition: of_partition.partition, offset: Offset(n), index: 0 };
            let (envelope, body, stream) = (bytes.clone(), None, Stream::Content);
            let row = EventRow { chat, stream, version: Version(n), source, envelope, body };
            let state = MemberState::Joined(Bytes::copy_from_slice(&n.to_be_bytes()));
            let members = vec![MemberUpdate { user: user(of), state }];
            // A chat's versions count from 1.
            let update =
                ChatUpdate { chat, version: Version(n + 1), summary: Some(bytes), members, messages: Vec::new() };
            store.write_events(of_partition, vec![row], vec![update]).await.unwrap();
        }
        1 => store.commit(of_partition, Offset(n), vec![]).await.unwrap(),
        2 => {
            let position = Position { log: LOG, offset: Offset(n) };
            store
                .write_inbox(vec![InboxRow { user: user(of), position, time: TimeMs(n), entry: bytes }])
                .await
                .unwrap();
        }
        _ => {
            let checkpoint = Checkpoint { term: Term(1), inbox: Offset(n), presence: Offset(n), state: bytes };
            store.save_checkpoint(of_partition, checkpoint).await.unwrap();
        }
    }
}

/// The number of the newest write of a kind that can be read.
async fn newest(store: &EmbeddedStore, of: u64, kind: u64) -> Option<u64> {
    match kind {
        0 => {
            let versions = Version(0)..Version(u64::MAX);
            let query = EventQuery { chat: chat(of), stream: Stream::Content, versions, descending: true, rows_max: 1 };
            store.events(&query).await.unwrap().first().map(|row| row.version.0)
        }
        1 => store.committed(partition(of)).await.unwrap().map(|next| next.0),
        2 => {
            let rows = store.inbox(&user(of), LOG, Offset(0)..Offset(u64::MAX), 1000).await.unwrap();
            rows.last().map(|row| row.position.offset.0)
        }
        3 => store.checkpoint(partition(of)).await.unwrap().map(|checkpoint| checkpoint.inbox.0),
        _ => {
            let found = store.members(chat(of), None, 1).await.unwrap().pop();
            found.map(|row| u64::from_be_bytes(row.state[..].try_into().unwrap()))
        }
    }
}

/// The newest write of a kind (a member comes with an event) among the first `count`.
fn newest_of(kind: u64, count: u64) -> Option<u64> {
    (0..count).rev().find(|n| n % 4 == kind % 4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_see_what_was_answered_before_they_began_and_nothing_that_was_not_begun() {
    // A transaction that is committed all the time, one that is now and then, and one that only reads and flushes end.
    for transaction_bytes_max in [0, 20_000, usize::MAX] {
        let options = Options { transaction_bytes_max, ..Options::default() };
        let store = EmbeddedStore::open(Arc::new(CrashDisk::new()), "/data".into(), options).unwrap();
        let told: Arc<Vec<Told>> = Arc::new((0..WRITERS).map(|_| Told::default()).collect());
        let is_over = Arc::new(AtomicBool::new(false));
        let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
        for of in 0..WRITERS {
            let (store, told) = (store.clone(), told.clone());
            writers.spawn(async move {
                for n in 0..WRITES {
                    told[of as usize].begun.store(n + 1, Ordering::SeqCst);
                    write(&store, of, n).await;
                    told[of as usize].answered.store(n + 1, Ordering::SeqCst);
                    // Or a writer would be through before the first reader.
                    yield_now().await;
                }
            });
        }
        for reader in 0..READERS {
            let (store, told, is_over) = (store.clone(), told.clone(), is_over.clone());
            readers.spawn(async move {
                let mut dice = Dice(reader);
                let mut reads = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let (of, kind) = (dice.below(WRITERS), dice.below(5));
                    let told = &told[of as usize];
                    let least = newest_of(kind, told.answered.load(Ordering::SeqCst));
                    let found = newest(&store, of, kind).await;
                    let most = newest_of(kind, told.begun.load(Ordering::SeqCst));
                    assert!(least <= found && found <= most, "kind {kind}: {least:?} <= {found:?} <= {most:?}");
                    if dice.below(100) == 0 {
                        store.flush().await.unwrap();
                    }
                    reads += 1;
                }
                reads
            });
        }
        writers.join_all().await;
        is_over.store(true, Ordering::SeqCst);
        assert!(readers.join_all().await.into_iter().sum::<u64>() > 0);
        for (of, kind) in (0..WRITERS).flat_map(|of| (0..5).map(move |kind| (of, kind))) {
            assert_eq!(newest(&store, of, kind).await, newest_of(kind, WRITES));
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn writes_that_were_answered_and_not_flushed_are_gone_together_after_a_crash() {
    for transaction_bytes_max in [0, 20_000, usize::MAX] {
        let disk = CrashDisk::new();
        let open = || {
            let options = Options { transaction_bytes_max, ..Options::default() };
            EmbeddedStore::open(Arc::new(disk.clone()), "/data".into(), options).unwrap()
        };
        let store = open();
        for n in 0..41 {
            write(&store, 0, n).await;
        }
        store.flush().await.unwrap();
        for n in 41..WRITES {
            write(&store, 0, n).await;
            if n % 50 == 0 {
                newest(&store, 0, n % 5).await;
            }
        }
        disk.crash(0);
        drop(store);
        let store = open();
        for kind in 0..5 {
            assert_eq!(newest(&store, 0, kind).await, newest_of(kind, 41), "kind {kind}");
        }
    }
}
