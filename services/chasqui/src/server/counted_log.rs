//! The log with what is appended to it counted, by topic.

use std::sync::Arc;

use async_trait::async_trait;
use chasqui_domain::{LogId, Offset};
use chasqui_log::{Append, Bounds, Error, Log, Partitions, Pending, Reader, Topic, TopicPartition};
use chasqui_telemetry::metrics::{Counter, LogMetrics};

/// What the topics are called. Those of gateways go by one name, however many there are.
const NAMES: [&str; 7] = ["commands", "events", "inbox", "presence", "heartbeats", "revocations", "gateway"];

/// Where a topic's name is in [`NAMES`].
fn place(topic: &Topic) -> usize {
    match topic {
        Topic::Commands => 0,
        Topic::Events => 1,
        Topic::Inbox => 2,
        Topic::Presence => 3,
        Topic::Heartbeats => 4,
        Topic::Revocations => 5,
        Topic::Gateway(_) => 6,
    }
}

/// A log whose records are counted as soon as it has taken them.
pub(super) struct CountedLog {
    log: Arc<dyn Log>,
    records: [Counter; NAMES.len()],
}

impl CountedLog {
    pub(super) fn new(log: Arc<dyn Log>, metrics: &LogMetrics) -> Self {
        Self { log, records: NAMES.map(|name| metrics.records(name)) }
    }

    fn count(&self, taken: [u64; NAMES.len()]) {
        for (counter, records) in self.records.iter().zip(taken).filter(|(_, records)| *records > 0) {
            counter.inc_by(records);
        }
    }
}

/// How many records of a batch are for each topic.
fn by_topic(batch: &[Append]) -> [u64; NAMES.len()] {
    let mut records = [0; NAMES.len()];
    batch.iter().for_each(|append| records[place(&append.to.topic)] += 1);
    records
}

/// What is not here comes down to what is.
#[async_trait]
impl Log for CountedLog {
    fn id(&self) -> LogId {
        self.log.id()
    }

    fn partitions(&self) -> Partitions {
        self.log.partitions()
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, Error> {
        let records = by_topic(&batch);
        let pending = self.log.enqueue(batch).await?;
        self.count(records);
        Ok(pending)
    }

    async fn append_ahead(&self, batch: Vec<Append>) -> Result<(), Error> {
        let records = by_topic(&batch);
        self.log.append_ahead(batch).await?;
        self.count(records);
        Ok(())
    }

    async fn settle(&self) -> Result<(), Error> {
        self.log.settle().await
    }

    async fn reader_ahead(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        self.log.reader_ahead(at, from).await
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, Error> {
        self.log.reader(at, from).await
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, Error> {
        self.log.bounds(at).await
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), Error> {
        self.log.release(at, below).await
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, path::PathBuf};

    use bytes::Bytes;
    use chasqui_domain::{GatewayId, Partition};
    use chasqui_log::{
        MemoryLog, RECORD_BYTES_MAX,
        suite::{Factory, PARTITIONS, Retention, Subject, commands},
    };
    use chasqui_log_embedded::EmbeddedLog;
    use chasqui_runtime::Runtime;
    use chasqui_testkit::{Brake, CountedDisk, CrashDisk};
    use futures::FutureExt;

    use super::*;

    struct Memory;

    #[async_trait]
    impl Factory for Memory {
        async fn create(&self, _: Retention) -> Box<dyn Subject> {
            Box::new(Memories(memory()))
        }
    }

    struct Memories(Arc<MemoryLog>);

    #[async_trait]
    impl Subject for Memories {
        fn log(&self) -> Arc<dyn Log> {
            Arc::new(CountedLog::new(self.0.clone(), &LogMetrics::default()))
        }

        async fn expire(&mut self) -> bool {
            self.0.trim();
            true
        }

        async fn reopen(&mut self) -> bool {
            false
        }
    }

    mod is_a_log_like_any_other {
        chasqui_log::conformance!(super::Memory);
    }

    fn memory() -> Arc<MemoryLog> {
        Arc::new(MemoryLog::new(LogId([1; 16]), PARTITIONS, Runtime::real()))
    }

    fn record(topic: Topic) -> Append {
        let (key, value) = (Bytes::from_static(b"key"), Bytes::from_static(b"value"));
        Append { to: topic.partition(Partition(0)), key, value, headers: Vec::new() }
    }

    fn gateway(id: &str) -> Topic {
        Topic::Gateway(GatewayId::new(id).unwrap())
    }

    fn counted(metrics: &LogMetrics) -> [u64; NAMES.len()] {
        NAMES.map(|name| metrics.records(name).get())
    }

    #[tokio::test]
    async fn what_is_appended_counts_by_its_topic_however_it_is_appended() {
        let (log, metrics) = (memory(), LogMetrics::default());
        let counting = CountedLog::new(log.clone(), &metrics);
        counting.append_one(record(Topic::Commands)).await.unwrap();
        drop(counting.enqueue(vec![record(Topic::Commands), record(Topic::Presence)]).await.unwrap());
        counting.append_ahead([Topic::Events, Topic::Inbox, Topic::Inbox].map(record).to_vec()).await.unwrap();
        counting.append(["gateway-0", "gateway-1"].map(|id| record(gateway(id))).to_vec()).await.unwrap();
        counting.append([Topic::Heartbeats, Topic::Revocations].map(record).to_vec()).await.unwrap();
        assert_eq!(counted(&metrics), [2, 1, 2, 1, 1, 1, 2], "{NAMES:?}");
        for (topic, end) in [(Topic::Commands, 2), (Topic::Inbox, 2), (gateway("gateway-1"), 1)] {
            assert_eq!(log.bounds(&topic.partition(Partition(0))).await.unwrap().end, Offset(end));
        }
    }

    #[tokio::test]
    async fn what_the_log_does_not_take_does_not_count() {
        let metrics = LogMetrics::default();
        let counting = CountedLog::new(memory(), &metrics);
        let large = Append { value: vec![0; RECORD_BYTES_MAX + 1].into(), ..record(Topic::Commands) };
        assert!(counting.append(vec![record(Topic::Commands), large.clone()]).await.is_err());
        assert!(counting.append_ahead(vec![large]).await.is_err());
        assert_eq!(counted(&metrics), [0; NAMES.len()]);
    }

    /// What a log does better than the contract's defaults must not be lost on the way.
    #[tokio::test]
    async fn a_log_that_is_ahead_of_its_disk_still_is() {
        let brake = Arc::new(Brake::default());
        let held_up = brake.clone();
        let disk = CountedDisk::new(CrashDisk::new().mount(), move |_, _| held_up.pass());
        let partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN };
        let options = chasqui_log_embedded::Options::new(partitions);
        let log = EmbeddedLog::open(Arc::new(disk), PathBuf::from("/log"), options, Runtime::real()).unwrap();
        let counting = CountedLog::new(log, &LogMetrics::default());
        counting.append(vec![record(Topic::Commands)]).await.unwrap();
        let mut ahead = counting.reader_ahead(&commands(0), Offset(1)).await.unwrap();
        let pulled = brake.pull();
        assert!(counting.append_ahead(vec![record(Topic::Commands)]).now_or_never().is_some(), "it waits for the disk");
        assert_eq!(ahead.next(usize::MAX).await.unwrap().len(), 1);
        let mut settles = counting.settle();
        assert!((&mut settles).now_or_never().is_none(), "a crash can still take it back");
        drop(pulled);
        settles.await.unwrap();
    }

    #[test]
    fn names_are_those_of_the_topics() {
        let topics = [
            Topic::Commands,
            Topic::Events,
            Topic::Inbox,
            Topic::Presence,
            Topic::Heartbeats,
            Topic::Revocations,
            gateway("gateway-0"),
        ];
        for topic in topics {
            // Behind the dot is which gateway.
            assert_eq!(topic.to_string().split('.').next(), Some(NAMES[place(&topic)]));
        }
    }
}
