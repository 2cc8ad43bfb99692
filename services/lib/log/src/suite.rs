//! What every implementation of the log must pass. Each property is a function over a [`Factory`]; the macro
//! [`conformance`](crate::conformance) makes a test of each.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these functions are tests")]

mod failing;
mod order;
mod reading;
mod retention;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chasqui_domain::{GatewayId, Offset, Partition};

use crate::{Append, Appended, Log, Partitions, Reader, Record, Topic, TopicPartition};

pub use failing::*;
pub use order::*;
pub use reading::*;
pub use retention::*;

/// The partition counts of the logs under test.
pub const PARTITIONS: Partitions =
    Partitions { chats: NonZeroU32::new(4).unwrap(), users: NonZeroU32::new(3).unwrap() };

/// How long a property may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(120);

const READ_BYTES_MAX: usize = 64 * 1024;

/// What retention a property needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// Nothing is removed.
    Long,
    /// Everything that may be removed is, as soon as the implementation gets to it.
    None,
}

/// Makes logs of one implementation.
#[async_trait]
pub trait Factory: Send + Sync {
    /// A log with [`PARTITIONS`] that has no records.
    async fn create(&self, retention: Retention) -> Box<dyn Subject>;
}

/// A log under test.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The log.
    fn log(&self) -> Arc<dyn Log>;

    /// Makes retention remove what it may; false where that can't be brought about.
    async fn expire(&mut self) -> bool;

    /// Closes the log and opens it again; false for one that keeps nothing. The caller holds no handle.
    async fn reopen(&mut self) -> bool;
}

/// Makes a tokio test of every property: `conformance!(factory_expression);`, in a module of its own.
#[macro_export]
macro_rules! conformance {
    ($factory:expr) => {
        $crate::conformance! { @each $factory;
            offsets_are_dense_and_start_at_zero,
            what_is_confirmed_can_be_read,
            records_come_back_as_they_were_given,
            a_batch_has_neighbours_in_each_partition,
            unawaited_batches_keep_their_order,
            an_answer_nobody_waits_for_loses_nothing,
            concurrent_writers_get_a_place_each,
            time_never_goes_back,
            an_empty_batch_is_confirmed,
            a_reader_waits_at_the_end,
            a_reader_beyond_the_end_waits_for_its_offset,
            many_readers_see_the_same,
            a_dropped_read_has_read_nothing,
            a_read_keeps_to_its_bytes,
            a_large_record_comes_back,
            partitions_are_apart,
            a_gateway_topic_is_there_before_it_is_used,
            too_large_appends_nothing,
            no_such_partition_appends_nothing,
            no_such_partition_everywhere,
            a_dropped_enqueue_appends_nothing,
            bounds_follow_the_records,
            what_is_not_released_stays,
            what_is_gone_is_reported,
            offsets_are_never_used_again,
            all_is_there_after_reopening,
            the_end_is_kept_when_all_is_gone,
        }
    };
    (@each $factory:expr; $($property:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $property() {
                let factory = $factory;
                let run = $crate::suite::$property(&factory);
                tokio::time::timeout($crate::suite::PATIENCE, run).await.expect("the property hangs");
            }
        )*
    };
}

/// A partition of `commands`.
#[must_use]
pub fn commands(partition: u32) -> TopicPartition {
    Topic::Commands.partition(Partition(partition))
}

/// A partition of `events`.
#[must_use]
pub fn events(partition: u32) -> TopicPartition {
    Topic::Events.partition(Partition(partition))
}

/// A partition of `inbox`.
#[must_use]
pub fn inbox(partition: u32) -> TopicPartition {
    Topic::Inbox.partition(Partition(partition))
}

/// The partition of a gateway's topic.
#[must_use]
pub fn gateway(name: &str) -> TopicPartition {
    Topic::Gateway(GatewayId::new(name).expect("a gateway id")).partition(Partition(0))
}

/// A record with a text as its value.
#[must_use]
pub fn record(to: &TopicPartition, value: impl Into<String>) -> Append {
    Append { to: to.clone(), key: Bytes::from_static(b"key"), value: Bytes::from(value.into()), headers: Vec::new() }
}

/// Reads `count` records from `from` on, and checks that their offsets have no hole.
pub async fn read(log: &Arc<dyn Log>, at: &TopicPartition, from: u64, count: usize) -> Vec<Record> {
    let mut reader = log.reader(at, Offset(from)).await.expect("a reader");
    let records = read_on(reader.as_mut(), count).await;
    assert_dense(&records, from);
    records
}

/// Reads exactly `count` records on.
async fn read_on(reader: &mut dyn Reader, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(reader.next(READ_BYTES_MAX).await.expect("records"));
    }
    assert_eq!(records.len(), count, "more records than were appended");
    records
}

fn assert_dense(records: &[Record], from: u64) {
    for (record, offset) in records.iter().zip(from..) {
        assert_eq!(record.offset, Offset(offset), "offsets have no hole and no repeat");
    }
}

fn offsets(appended: &[Appended]) -> Vec<u64> {
    appended.iter().map(|appended| appended.offset.0).collect()
}

fn values(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.value).into_owned()).collect()
}
