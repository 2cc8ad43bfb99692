use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chasqui_domain::{TimeMs, UserId};
use chasqui_runtime::Driver;
use chasqui_store::{Error as StoreError, WrappedKey, memory::MemoryStore};
use futures::{FutureExt, future::BoxFuture};

use super::*;

/// A clock that a test moves, and randomness that counts.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicU64>, Arc<AtomicU64>);

impl Clock {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Driver for Clock {
    fn now(&self) -> TimeMs {
        TimeMs(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        futures::future::pending().boxed()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        bytes.fill(u8::try_from(self.1.fetch_add(1, Ordering::SeqCst)).unwrap());
    }

    fn spawn(&self, _: &'static str, _: BoxFuture<'static, ()>) {}
}

/// A table whose reads take ten seconds.
struct SlowTable {
    rows: MemoryStore,
    clock: Clock,
    reads: AtomicU64,
}

#[async_trait]
impl KeyTable for SlowTable {
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let row = self.rows.key(chat, epoch).await;
        self.clock.pass(10);
        row
    }

    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, StoreError> {
        self.rows.create_key(chat, epoch, wrapped).await
    }
}

fn bench() -> (Arc<SlowTable>, Clock, impl Fn() -> Keys) {
    let clock = Clock::default();
    let table = Arc::new(SlowTable { rows: MemoryStore::new(), clock: clock.clone(), reads: AtomicU64::new(0) });
    let master = Arc::new(MasterKey::from_base64(&"A".repeat(43)).unwrap());
    let parts = (table.clone(), clock.clone());
    let keys = move || Keys::new(table.clone(), master.clone(), Runtime::new(clock.clone()));
    (parts.0, parts.1, keys)
}

fn chat() -> ChatId {
    ChatId::direct(&UserId::new("alice").unwrap(), &UserId::new("bob").unwrap())
}

/// Tells keys apart by what they seal.
fn mark(key: &DataKey) -> bytes::Bytes {
    let (chat, sender) = (chat(), UserId::new("alice").unwrap());
    key.seal(b"mark", &chasqui_seal::Context { chat: &chat, sender: &sender, epoch: Epoch::FIRST }, [0; 24])
}

#[tokio::test]
async fn a_key_is_kept_for_sixty_seconds_from_the_start_of_its_read() {
    let (table, clock, keys) = bench();
    keys().for_sealing(chat(), Epoch::FIRST, || Ok(())).await.unwrap();
    let keys = keys();
    let reads = || table.reads.load(Ordering::SeqCst);
    let before = reads();
    keys.existing(chat(), Epoch::FIRST).await.unwrap();
    clock.pass(49);
    keys.existing(chat(), Epoch::FIRST).await.unwrap();
    assert_eq!(reads(), before + 1);
    clock.pass(1);
    keys.existing(chat(), Epoch::FIRST).await.unwrap();
    assert_eq!(reads(), before + 2);
}

#[tokio::test]
async fn the_first_to_create_a_key_is_the_one_whose_key_counts() {
    let (_, _, keys) = bench();
    let (one, other) = (keys(), keys());
    assert!(matches!(*one.existing(chat(), Epoch::FIRST).await.unwrap_err(), Error::Absent));
    let (one, other) = tokio::join!(
        one.for_sealing(chat(), Epoch::FIRST, || Ok(())),
        other.for_sealing(chat(), Epoch::FIRST, || Ok(()))
    );
    assert_eq!(mark(&one.unwrap()), mark(&other.unwrap()));
    let read = keys().existing(chat(), Epoch::FIRST).await.unwrap();
    assert_eq!(mark(&read), mark(&keys().for_sealing(chat(), Epoch::FIRST, || Ok(())).await.unwrap()));
}

#[tokio::test]
async fn reads_of_one_key_at_a_time_are_one() {
    let (table, _, keys) = bench();
    keys().for_sealing(chat(), Epoch::FIRST, || Ok(())).await.unwrap();
    let keys = keys();
    let before = table.reads.load(Ordering::SeqCst);
    let read = || keys.existing(chat(), Epoch::FIRST);
    futures::future::try_join_all([read(), read(), read()]).await.unwrap();
    assert_eq!(table.reads.load(Ordering::SeqCst), before + 1);
}

/// A table whose reads are answered late.
#[derive(Default)]
struct LateTable {
    rows: MemoryStore,
    answers: tokio::sync::watch::Sender<bool>,
}

#[async_trait]
impl KeyTable for LateTable {
    async fn key(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, StoreError> {
        let row = self.rows.key(chat, epoch).await;
        // The sender is here, so it doesn't go away meanwhile.
        let _ = self.answers.subscribe().wait_for(|answers| *answers).await;
        row
    }

    async fn create_key(&self, chat: ChatId, epoch: Epoch, wrapped: WrappedKey) -> Result<WrappedKey, StoreError> {
        self.rows.create_key(chat, epoch, wrapped).await
    }
}

/// Nobody waits for it any more when it fails, or when it is done at last.
#[tokio::test]
async fn a_read_that_was_given_up_is_no_answer_for_others() {
    let table = Arc::new(LateTable::default());
    let master = Arc::new(MasterKey::from_base64(&"A".repeat(43)).unwrap());
    let clock = Clock::default();
    let keys = Keys::new(table.clone(), master.clone(), Runtime::new(clock.clone()));
    let elsewhere = Keys::new(Arc::new(MemoryStore::new()), master, Runtime::new(clock.clone()));
    for is_made in [false, true] {
        let mut given_up = Box::pin(keys.existing(chat(), Epoch::FIRST));
        let read = keys.read(chat(), Epoch::FIRST);
        assert!(futures::poll!(&mut given_up).is_pending());
        drop(given_up);
        table.answers.send_replace(true);
        assert_eq!(read.await.is_ok(), is_made);
        clock.pass(if is_made { 60 } else { 0 });
        let key = elsewhere.for_sealing(chat(), Epoch::FIRST, || Ok(())).await.unwrap();
        let wrapped = elsewhere.table.key(chat(), Epoch::FIRST).await.unwrap().unwrap();
        table.create_key(chat(), Epoch::FIRST, wrapped).await.unwrap();
        assert_eq!(mark(&keys.existing(chat(), Epoch::FIRST).await.unwrap()), mark(&key));
        keys.reads.invalidate(&(chat(), Epoch::FIRST));
        table.answers.send_replace(false);
    }
}

#[tokio::test]
async fn a_key_that_was_made_while_others_looked_for_it_is_found() {
    let table = Arc::new(LateTable::default());
    let master = Arc::new(MasterKey::from_base64(&"A".repeat(43)).unwrap());
    let here = Keys::new(table.clone(), master.clone(), Runtime::new(Clock::default()));
    let elsewhere = Keys::new(table.clone(), master, Runtime::new(Clock::default()));
    let mut looking = std::pin::pin!(here.existing(chat(), Epoch::FIRST));
    assert!(futures::poll!(&mut looking).is_pending());
    elsewhere.create(chat(), Epoch::FIRST).await.unwrap();
    let mut opening = std::pin::pin!(here.for_opening(chat(), Epoch::FIRST));
    assert!(futures::poll!(&mut opening).is_pending());
    table.answers.send_replace(true);
    let (looked, opened) = futures::join!(looking, opening);
    assert!(matches!(*looked.unwrap_err(), Error::Absent), "it began too early");
    opened.unwrap();
}
