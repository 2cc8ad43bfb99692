//! A log that doesn't take commands.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use chasqui_domain::{Action, Counter, LogId, Offset, Seq};
use chasqui_log::{Append, Bounds, Error, Log, Partitions, Pending, Reader, Topic, TopicPartition};
use chasqui_wire::{Code, frames::ServerFrame};
use futures::{FutureExt, future};
use serde_json::json;

use crate::{
    bench::{Bench, chat, memory_log, options, until},
    client::live,
    messages::{decided, send, unsealed},
};

/// Refuses what goes to a topic while it is full.
pub(crate) struct FullLog {
    pub(crate) inner: Arc<dyn Log>,
    pub(crate) topic: Topic,
    pub(crate) is_full: AtomicBool,
    pub(crate) refused: AtomicU64,
}

impl FullLog {
    pub(crate) fn new(topic: Topic) -> Arc<Self> {
        let (is_full, refused) = (AtomicBool::new(true), AtomicU64::new(0));
        Arc::new(Self { inner: memory_log(), topic, is_full, refused })
    }
}

#[async_trait]
impl Log for FullLog {
    fn id(&self) -> LogId {
        self.inner.id()
    }

    fn partitions(&self) -> Partitions {
        self.inner.partitions()
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error> {
        if self.is_full.load(Ordering::SeqCst) && batch.iter().any(|append| append.to.topic == self.topic) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Ok(future::ready(Err(Error::Full { place: "/data".to_owned() })).boxed());
        }
        self.inner.enqueue(batch).await
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        self.inner.reader(at, from).await
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        self.inner.bounds(at).await
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error> {
        self.inner.release(at, below).await
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_appended_fails_at_once_and_receipts_wait() {
    let log = FullLog::new(Topic::Commands);
    let mut options = options();
    options.outstanding_max = 1;
    let mut bench = Bench::on(log.clone(), options).await;
    let mut phone = live(&bench, "alice", "phone").await;
    for _ in 0..2 {
        phone.say(json!({"type": "send", "id": "1", "to": "bob", "text": "hi"})).await;
        let ServerFrame::Failed(failed) = phone.next().await else { panic!("not failed") };
        assert_eq!((failed.id, failed.code, failed.retry), (Some(Counter(1)), Code::DiskFull, true));
        assert_eq!(failed.to.unwrap().as_str(), "bob");
    }
    // Watermarks that were refused wait, merge with later ones, and go when there is room.
    let read = |seq: u64| json!({"type": "read", "chat": chat().to_string(), "seq": seq});
    phone.say(read(2)).await;
    until(async || log.refused.load(Ordering::SeqCst) >= 3).await;
    phone.say(read(1)).await;
    log.is_full.store(false, Ordering::SeqCst);
    assert_eq!(bench.command().await.0.action, Action::Read { seq: Seq(2) });
    send(&mut bench, &mut phone, 1, "hi").await;
}

#[tokio::test]
async fn a_damaged_body_shows_that_there_is_a_message() {
    let mut bench = Bench::new().await;
    let mut phone = live(&bench, "alice", "phone").await;
    let mut bobs = live(&bench, "bob", "phone").await;
    let body = send(&mut bench, &mut phone, 1, "hi").await;
    bench.place(&["bob"], &decided(1, unsealed())).await;
    bench.place(&["bob"], &decided(2, body)).await;
    for (seq, text) in [(1, None), (2, Some("hi"))] {
        let ServerFrame::Message(message) = bobs.next().await else { panic!("no message") };
        assert_eq!((message.seq, message.text.as_deref()), (Seq(seq), text));
    }
}
