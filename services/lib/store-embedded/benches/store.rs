//! What a message costs in the store, as the sequencer and the router write it, on a real disk.
//!
//! Each measure ends with a read, so that what was answered is written as well; flushes come as often as in a server.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by a panic")]

use std::{
    ops::Range,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use chasqui_disk::RealDisk;
use chasqui_domain::{ChatId, LogId, Offset, Partition, Position, Source, Term, TimeMs, UserId, Version};
use chasqui_store::{
    ChatUpdate, Checkpoint, EventQuery, EventRow, InboxRow, LogPartition, MemberState, MemberUpdate, Store, Stream,
};
use chasqui_store_embedded::{EmbeddedStore, Options};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const LOG: LogId = LogId([1; 16]);
const OF: LogPartition = LogPartition { log: LOG, partition: Partition(0) };
const CHATS: u64 = 50;
const ENVELOPE_BYTES: usize = 50;
const BODY_BYTES: usize = 200;
const ENTRY_BYTES: usize = 60;
const SUMMARY_BYTES: usize = 60;
const MEMBER_BYTES: usize = 24;
const STATE_BYTES: usize = 200;
const FLUSH_EVERY: Duration = Duration::from_secs(1);

struct Bench {
    store: Arc<EmbeddedStore>,
    /// How many messages were written; each has a version and an offset of its own.
    written: AtomicU64,
    _folder: tempfile::TempDir,
}

fn user(chat: u64, side: u64) -> UserId {
    UserId::new(format!("user-{chat:04}-{side}")).unwrap()
}

fn chat(n: u64) -> ChatId {
    ChatId::direct(&user(n, 0), &user(n, 1))
}

fn zeroes(bytes: usize) -> Bytes {
    vec![0; bytes].into()
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = PathBuf::from(folder.path());
        let store = EmbeddedStore::open(Arc::new(RealDisk), path, Options::default()).unwrap();
        Self { store, written: AtomicU64::new(0), _folder: folder }
    }

    fn take(&self, messages: u64) -> Range<u64> {
        let first = self.written.fetch_add(messages, Ordering::Relaxed);
        first..first + messages
    }

    /// What the sequencer writes for a batch: rows and what is shown, then the offset.
    async fn sequence(&self, messages: Range<u64>) {
        let row = |n: u64| EventRow {
            chat: chat(n % CHATS),
            stream: Stream::Content,
            version: Version(n),
            source: Source { log: LOG, partition: OF.partition, offset: Offset(n), index: 0 },
            envelope: zeroes(ENVELOPE_BYTES),
            body: Some(zeroes(BODY_BYTES)),
        };
        let sender =
            |n: u64| MemberUpdate { user: user(n % CHATS, 0), state: MemberState::Stays(zeroes(MEMBER_BYTES)) };
        let update = |n: u64| ChatUpdate {
            chat: chat(n % CHATS),
            version: Version(n + 1),
            summary: Some(zeroes(SUMMARY_BYTES)),
            members: vec![sender(n)],
            messages: Vec::new(),
        };
        let next = Offset(messages.end);
        let (rows, updates) = (messages.clone().map(row).collect(), messages.map(update).collect());
        self.store.write_events(OF, rows, updates).await.unwrap();
        self.store.commit(OF, next, Vec::new()).await.unwrap();
    }

    /// What the router writes for it: a row for each side, then its checkpoint.
    async fn route(&self, messages: Range<u64>) {
        let row = |n: u64, side: u64| InboxRow {
            user: user(n % CHATS, side),
            position: Position { log: LOG, offset: Offset(n) },
            time: TimeMs(n),
            entry: zeroes(ENTRY_BYTES),
        };
        let (inbox, presence) = (Offset(messages.end), Offset(0));
        let rows = messages.flat_map(|n| [row(n, 0), row(n, 1)]).collect();
        self.store.write_inbox(rows).await.unwrap();
        let checkpoint = Checkpoint { term: Term(1), inbox, presence, state: zeroes(STATE_BYTES) };
        self.store.save_checkpoint(OF, checkpoint).await.unwrap();
    }

    async fn batches(&self, count: u64, messages: u64, read_each: bool) -> Duration {
        let began = Instant::now();
        let mut flushed = began;
        for _ in 0..count {
            let batch = self.take(messages);
            self.sequence(batch.clone()).await;
            self.route(batch).await;
            if read_each {
                self.store.committed(OF).await.unwrap();
            }
            if flushed.elapsed() >= FLUSH_EVERY {
                self.store.flush().await.unwrap();
                flushed = Instant::now();
            }
        }
        self.store.committed(OF).await.unwrap();
        began.elapsed()
    }

    async fn page(&self) {
        let versions = Version(0)..Version(u64::MAX);
        let query = EventQuery { chat: chat(7), stream: Stream::Content, versions, descending: true, rows_max: 50 };
        assert_eq!(self.store.events(&query).await.unwrap().len(), 50);
    }
}

fn messages(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("messages");
    for (name, messages, read_each) in
        [("batch of 1", 1, false), ("batch of 50", 50, false), ("batch of 1, each then read", 1, true)]
    {
        let bench = Bench::new();
        group.throughput(Throughput::Elements(messages));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| runtime.block_on(bench.batches(count, messages, read_each)));
        });
    }
    group.finish();
}

fn history(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let bench = Bench::new();
    runtime.block_on(bench.batches(200, CHATS, false));
    criterion.bench_function("a page of 50 rows", |bencher| bencher.iter(|| runtime.block_on(bench.page())));
}

criterion_group!(benches, messages, history);
criterion_main!(benches);
