//! The conformance suite: one function a property of the contract. An implementation gives a [`Factory`] and runs all of
//! them by [`crate::conformance!`]. Each property opens a store of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a property fails by a panic, like the test that calls it")]
#![allow(clippy::reversed_empty_ranges, reason = "they must be taken for what they are")]

mod bans;
mod chats;
mod devices;
mod inboxes;
mod keys;
mod partitions;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chasqui_domain::{ChatId, LogId, Offset, Partition, Position, Source, TimeMs, UserId, Version};

use crate::{EventRow, InboxRow, KeyTable, LogPartition, Snapshot, Store, Stream, Summary};

pub use bans::*;
pub use chats::*;
pub use devices::*;
pub use inboxes::*;
pub use keys::*;
pub use partitions::*;

/// What is tested: an opened store and the table of keys beside it.
#[derive(Clone)]
pub struct Subject {
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The keys.
    pub keys: Arc<dyn KeyTable>,
}

/// Makes the stores that the suite runs on.
#[async_trait]
pub trait Factory: Send + Sync {
    /// A store without rows.
    async fn open(&self) -> Subject;

    /// Whether inbox rows go by [`Store::expire_inbox`], and not by themselves.
    fn expires_when_told(&self) -> bool {
        true
    }

    /// Closes a store and opens it again with the rows that it had; none for stores that end with their process.
    async fn reopen(&self, subject: Subject) -> Option<Subject> {
        drop(subject);
        None
    }
}

/// Makes a test of every property of [`crate::suite`], for the [`Factory`](crate::suite::Factory) that an expression
/// gives.
#[macro_export]
macro_rules! conformance {
    ($factory:expr) => {
        $crate::conformance! { @ $factory =>
            rows_are_read_back_in_order_both_ways
            a_read_of_events_takes_the_range_and_the_limit
            no_read_gives_more_than_the_most_rows
            loading_gives_the_rows_caused_before_an_offset
            loading_gives_the_newest_snapshot_and_the_rows_above_it
            loading_merges_both_streams_by_version
            loading_counts_rows_of_other_lives_as_before
            loading_answers_in_the_order_asked
            writing_the_same_again_changes_nothing
            a_newer_summary_replaces_an_older_one_and_never_the_reverse
            chats_of_a_user_are_those_of_the_newest_summaries
            chats_of_a_user_are_read_in_pages
            offsets_are_kept_by_partition_and_life
            a_late_commit_moves_nothing_back
            an_older_snapshot_never_replaces_a_newer_one
            events_leave_a_mark_on_their_partition
            the_skip_list_is_kept_by_partition
            checkpoints_are_kept_by_partition
            a_former_owner_moves_no_checkpoint
            an_answered_write_is_seen_by_the_next_read
            inbox_rows_are_read_by_range_and_life
            inboxes_of_users_are_apart
            expiry_removes_whole_days_and_no_more
            expiry_of_many_rows_lets_other_writes_go_on
            devices_of_a_user_are_read_in_pages
            a_newer_row_of_a_device_replaces_an_older_one_and_never_the_reverse
            a_session_keeps_the_time_at_which_it_began
            rows_of_devices_of_other_lives_count_as_before
            a_user_keeps_so_many_devices_and_no_more
            a_ban_that_is_written_again_changes_its_reason_alone
            bans_of_a_user_and_of_their_devices_are_apart
            bans_are_read_in_pages_and_in_order
            a_key_is_created_once
            of_concurrent_creations_one_wins
            what_was_flushed_is_there_after_reopening
            what_is_durable_when_answered_is_there_after_reopening
            nothing_reads_as_nothing
        }
    };
    (@ $factory:expr => $($property:ident)*) => {$(
        #[tokio::test]
        async fn $property() {
            $crate::suite::$property(&$factory).await;
        }
    )*};
}

pub(crate) const LOG: LogId = LogId([1; 16]);
pub(crate) const FORMER_LOG: LogId = LogId([0; 16]);
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn chat(name: &str) -> ChatId {
    ChatId::direct(&user("me"), &user(name))
}

pub(crate) fn of(partition: u32) -> LogPartition {
    LogPartition { log: LOG, partition: Partition(partition) }
}

/// A row of the chat, caused by the command at ten times its version.
pub(crate) fn row(chat: ChatId, stream: Stream, version: u64) -> EventRow {
    EventRow {
        chat,
        stream,
        version: Version(version),
        source: Source { log: LOG, partition: Partition(0), offset: Offset(version * 10), index: 0 },
        envelope: Bytes::from(format!("envelope {version}")),
        // A body that is empty is another thing than none.
        body: match version % 3 {
            0 => None,
            1 => Some(Bytes::from(format!("body {version}"))),
            _ => Some(Bytes::new()),
        },
    }
}

pub(crate) fn content(chat: ChatId, version: u64) -> EventRow {
    row(chat, Stream::Content, version)
}

pub(crate) fn summary(chat: ChatId, version: u64, members: &[&str]) -> Summary {
    Summary {
        chat,
        version: Version(version),
        members: members.iter().map(|name| user(name)).collect(),
        members_changed: true,
        bytes: Bytes::from(format!("summary {version}")),
    }
}

pub(crate) fn snapshot(chat: ChatId, version: u64) -> Snapshot {
    Snapshot { chat, version: Version(version), bytes: Bytes::from(format!("state {version}")) }
}

pub(crate) fn entry(name: &str, log: LogId, offset: u64, time: u64) -> InboxRow {
    InboxRow {
        user: user(name),
        position: Position { log, offset: Offset(offset) },
        time: TimeMs(time),
        entry: Bytes::from(format!("entry {offset}")),
    }
}

pub(crate) fn versions(rows: &[EventRow]) -> Vec<u64> {
    rows.iter().map(|row| row.version.0).collect()
}
