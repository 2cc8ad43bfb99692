//! Entries of inboxes, which go by themselves.

use std::{collections::BTreeMap, ops::Range, time::Instant};

use chasqui_domain::{LogId, Offset, Position, TimeMs, UserId};
use chasqui_store::{Error, InboxRow, READ_ROWS_MAX};

use crate::{
    CqlStore,
    buckets::{self, Bucketed, Order, Span},
    cluster::Sized,
    limits::{BUCKETS_LISTED_MAX, DAY_SECONDS, INBOX_SPARE_DAYS, LIST_SPARE_DAYS, OFFSETS_OF_BUCKET},
    numbers::{bigint, ends, limit, number},
};

/// The bucket of an inbox.
pub(crate) type InboxBucket = (UserId, LogId, i64);

/// How long rows stay, in seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    entries: i32,
    buckets: i32,
}

impl Lifetimes {
    /// Of rows that are promised for so many days, which are not too many.
    pub(crate) fn of(retention_days: u32) -> Self {
        let seconds = |days: u32| i32::try_from(days.saturating_mul(DAY_SECONDS)).unwrap_or(i32::MAX);
        let entry_days = retention_days + INBOX_SPARE_DAYS;
        Self { entries: seconds(entry_days), buckets: seconds(entry_days + LIST_SPARE_DAYS) }
    }
}

impl CqlStore {
    /// Rows of one inbox go in the order given, inboxes beside each other.
    pub(crate) async fn put_inbox(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        let mut inboxes: BTreeMap<(UserId, LogId), Vec<InboxRow>> = BTreeMap::new();
        for row in rows {
            inboxes.entry((row.user.clone(), row.position.log)).or_default().push(row);
        }
        self.cluster.all(inboxes.into_values().map(|rows| self.put_entries(rows))).await?;
        Ok(())
    }

    async fn put_entries(&self, rows: Vec<InboxRow>) -> Result<(), Error> {
        for together in rows.chunk_by(|one, next| bucket_of(one) == bucket_of(next)) {
            let Some(first) = together.first() else { continue };
            self.list_bucket((first.user.clone(), first.position.log, bucket_of(first))).await?;
            let entries = together.iter().map(|row| sized(row, self.lifetimes)).collect::<Result<Vec<_>, _>>()?;
            self.cluster.write_in_order(&self.statements.put_entry, entries).await?;
        }
        Ok(())
    }

    /// Before the first row, or nobody who reads a wide range would find it; and again, before its place on the list goes.
    async fn list_bucket(&self, at: InboxBucket) -> Result<(), Error> {
        if !self.inbox_buckets.has(&at) {
            let since = Instant::now();
            let values = (at.0.as_str(), at.1.0, at.2, self.lifetimes.buckets);
            self.cluster.write(&self.statements.list_inbox_bucket, values).await?;
            self.inbox_buckets.put(at, since);
        }
        Ok(())
    }

    pub(crate) async fn read_inbox(
        &self,
        user: &UserId,
        log: LogId,
        offsets: Range<Offset>,
        rows_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        let Some((first, last)) = ends(&(offsets.start.0..offsets.end.0)) else { return Ok(Vec::new()) };
        let (entries, span) = (Entries { store: self, user, log, first, last }, (first, last));
        buckets::read(&entries, Span::of(span, OFFSETS_OF_BUCKET), Order::Up, rows_max.min(READ_ROWS_MAX)).await
    }
}

/// Those of a range of an inbox.
struct Entries<'a> {
    store: &'a CqlStore,
    user: &'a UserId,
    log: LogId,
    first: i64,
    last: i64,
}

impl Bucketed for Entries<'_> {
    type Row = InboxRow;

    async fn list(&self, span: Span) -> Result<Vec<i64>, Error> {
        let values = (self.user.as_str(), self.log.0, span.first, span.last, limit(BUCKETS_LISTED_MAX));
        let statement = &self.store.statements.inbox_buckets;
        let rows: Vec<(i64,)> = self.store.cluster.rows("inbox_buckets", statement, values).await?;
        Ok(rows.into_iter().map(|(bucket,)| bucket).collect())
    }

    async fn read(&self, bucket: i64, rows_max: usize) -> Result<Vec<InboxRow>, Error> {
        let values = (self.user.as_str(), self.log.0, bucket, self.first, self.last, limit(rows_max));
        let rows: Vec<(i64, i64, Vec<u8>)> =
            self.store.cluster.rows("inbox", &self.store.statements.entries, values).await?;
        let row = |(offset, time, entry): (i64, i64, Vec<u8>)| {
            Ok(InboxRow {
                user: self.user.clone(),
                position: Position { log: self.log, offset: Offset(number(offset)?) },
                time: TimeMs(time.cast_unsigned()),
                entry: entry.into(),
            })
        };
        rows.into_iter().map(row).collect()
    }
}

fn bucket_of(row: &InboxRow) -> i64 {
    buckets::bucket(row.position.offset.0, OFFSETS_OF_BUCKET)
}

/// What is written of an entry, and how long it stays.
type Values<'a> = (&'a str, [u8; 16], i64, i64, i64, &'a [u8], i32);

fn sized(row: &InboxRow, lifetimes: Lifetimes) -> Result<Sized<Values<'_>>, Error> {
    Ok(Sized {
        bytes: row.entry.len(),
        values: (
            row.user.as_str(),
            row.position.log.0,
            bucket_of(row),
            bigint(row.position.offset.0)?,
            row.time.0.cast_signed(),
            &row.entry,
            lifetimes.entries,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_longer_than_promised_and_their_list_longer_than_they() {
        let day = 24 * 60 * 60;
        let Lifetimes { entries, buckets } = Lifetimes::of(30);
        assert_eq!((entries, buckets), (31 * day, 32 * day));
    }
}
