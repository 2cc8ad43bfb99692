//! Every number that is chosen, in one place.

use std::time::Duration;

/// The versions of a chat whose events lie in one partition. It is part of the rows' keys, so it never changes.
pub(crate) const EVENTS_OF_BUCKET: u64 = 1024;

/// The messages of a chat whose states lie in one partition. It is part of the rows' keys, so it never changes. What is
/// read at a time is a page of messages, and the state of one can have a few KiB.
pub(crate) const MESSAGES_OF_BUCKET: u64 = 256;

/// The offsets of a partition of `inbox` whose entries for one user lie in one partition. It is part of the rows' keys, so it
/// never changes. Most records of so many are for others: what one user gets of them is little.
pub(crate) const OFFSETS_OF_BUCKET: u64 = 1 << 20;

/// The partitions over which bans are spread. It is part of the rows' keys, so it never changes.
pub(crate) const BAN_BUCKETS: i8 = 16;

/// The most rows that one statement writes.
pub(crate) const BATCH_ROWS_MAX: usize = 128;

/// The most bytes that one statement writes, unless they are of one row. Servers take 16 MiB.
pub(crate) const BATCH_BYTES_MAX: usize = 256 * 1024;

/// The most rows that a server gives at once. One with a body can have a MiB.
pub(crate) const PAGE_ROWS: i32 = 250;

/// The most buckets that are listed at once.
pub(crate) const BUCKETS_LISTED_MAX: usize = 256;

/// The most buckets that are read at a time.
pub(crate) const BUCKETS_AHEAD_MAX: usize = 8;

/// The buckets of a range that are so few are read without asking which of them there are.
pub(crate) const BUCKETS_UNLISTED_MAX: u64 = 2;

/// The most buckets of chats, and of inboxes, that are known to be listed. Each takes about 100 bytes; one that was forgotten
/// costs a statement when it is written to.
pub(crate) const BUCKETS_REMEMBERED: usize = 100_000;

/// The bucket of an inbox that is written to is listed again after so long.
pub(crate) const RELIST_AFTER: Duration = Duration::from_secs(12 * 60 * 60);

/// How much longer than they are promised for inbox rows stay. A cursor knows their time by the day.
pub(crate) const INBOX_SPARE_DAYS: u32 = 1;

/// How much longer than inbox rows the list of their buckets stays.
pub(crate) const LIST_SPARE_DAYS: u32 = 1;

/// The most days for which inbox rows can be kept.
pub(crate) const INBOX_RETENTION_DAYS_MAX: u32 = 3650;

/// A connection on which nothing was said for so long is asked whether somebody is still there, and has as long to answer. Then
/// statements go to other nodes.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(5);

/// How long a change of the schema may take, for which every node has to agree.
pub(crate) const CHANGE_TIMEOUT: Duration = Duration::from_secs(60);

/// The most characters of what the driver says that an error repeats.
pub(crate) const WHY_CHARS_MAX: usize = 300;

pub(crate) const DAY_SECONDS: u32 = 24 * 60 * 60;

/// The longest TTL that servers take: 20 years.
const TTL_SECONDS_MAX: u32 = 630_720_000;

// A bucket is listed again well before its place on the list could go before a row that was written meanwhile.
const _: () = assert!(RELIST_AFTER.as_secs() * 2 <= (LIST_SPARE_DAYS * DAY_SECONDS) as u64);
const _: () = assert!(INBOX_RETENTION_DAYS_MAX + INBOX_SPARE_DAYS + LIST_SPARE_DAYS <= TTL_SECONDS_MAX / DAY_SECONDS);
// One list is worth as many reads at a time as there are.
const _: () = assert!(BUCKETS_AHEAD_MAX <= BUCKETS_LISTED_MAX);
