//! The conformance suite: one function a property of the contract. An implementation gives a [`Factory`] and runs all of
//! them by [`crate::conformance!`]. Each property opens a store of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a property fails by a panic, like the test that calls it")]
#![allow(clippy::reversed_empty_ranges, reason = "they must be taken for what they are")]

mod bans;
mod chats;
mod devices;
mod inboxes;
mod keys;
mod messages;
mod partitions;
pub mod rows;

use std::sync::Arc;

use async_trait::async_trait;
use rows::{DAY_MS, FORMER_LOG, LOG, chat, content, entry, of, row, snapshot, update, user, versions};

use crate::{KeyTable, Store};

pub use bans::*;
pub use chats::*;
pub use devices::*;
pub use inboxes::*;
pub use keys::*;
pub use messages::*;
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
            loading_merges_all_streams_by_version
            loading_counts_rows_of_other_lives_as_before
            loading_answers_in_the_order_asked
            writing_the_same_again_changes_nothing
            what_is_newer_of_a_chat_replaces_what_is_older_and_never_the_reverse
            a_chat_is_found_by_its_members_alone
            what_changes_of_one_member_leaves_the_rest_as_it_is
            chats_of_a_user_are_those_that_they_are_in
            members_are_read_in_pages
            chats_of_a_user_are_read_in_pages
            what_was_done_to_a_message_is_found_by_it
            what_was_done_to_a_message_is_read_in_pages
            loading_gives_each_event_once
            what_is_newer_of_a_message_replaces_what_is_older_and_never_the_reverse
            messages_are_read_by_range
            a_read_of_messages_gives_all_of_them
            an_erased_body_stays_away_though_its_row_is_written_again
            a_body_that_comes_with_its_erasure_is_never_seen
            an_older_update_erases_no_less
            what_becomes_of_a_message_is_seen_by_the_next_read
            what_was_erased_is_gone_after_reopening
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
