//! Rows that are spread over partitions by their number: a bucket has so many numbers, and which buckets have rows is listed.
//!
//! A range over few buckets is read as it is. Of a wider one the buckets that exist are looked up first, so that a range may be
//! as wide as numbers go, and what is seldom written to is read as fast as the rest.

use chasqui_store::Error;
use futures::future::try_join_all;

use crate::limits::{BUCKETS_AHEAD_MAX, BUCKETS_LISTED_MAX, BUCKETS_UNLISTED_MAX};

/// From where a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// From the lowest number on.
    Up,
    /// From the highest number on.
    Down,
}

/// Buckets from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// The bucket of a number. With more than one number a bucket, it always fits.
pub(crate) fn bucket(number: u64, bucket_numbers: u64) -> i64 {
    (number / bucket_numbers).cast_signed()
}

impl Span {
    /// The buckets from that of one number to that of another.
    pub(crate) fn of((first, last): (i64, i64), bucket_numbers: u64) -> Self {
        let of = |number: i64| bucket(number.cast_unsigned(), bucket_numbers);
        Self { first: of(first), last: of(last) }
    }

    /// All of them, if they are few.
    fn unlisted(self, order: Order) -> Option<Vec<i64>> {
        if self.first.abs_diff(self.last) >= BUCKETS_UNLISTED_MAX {
            return None;
        }
        Some(match order {
            Order::Up => (self.first..=self.last).collect(),
            Order::Down => (self.first..=self.last).rev().collect(),
        })
    }

    /// What is left behind a bucket.
    fn behind(self, bucket: i64, order: Order) -> Self {
        match order {
            Order::Up => Self { first: bucket.saturating_add(1), ..self },
            Order::Down => Self { last: bucket.saturating_sub(1), ..self },
        }
    }
}

/// Rows that are spread so.
pub(crate) trait Bucketed: Sync {
    /// A row.
    type Row: Send;

    /// The buckets on the list, in the order of reading, at most [`BUCKETS_LISTED_MAX`].
    fn list(&self, span: Span) -> impl Future<Output = Result<Vec<i64>, Error>> + Send;

    /// The rows in one bucket, in the order of reading.
    fn read(&self, bucket: i64, rows_max: usize) -> impl Future<Output = Result<Vec<Self::Row>, Error>> + Send;
}

/// Reads the rows in these buckets, in order, at most `rows_max`.
pub(crate) async fn read<B: Bucketed>(
    from: &B,
    span: Span,
    order: Order,
    rows_max: usize,
) -> Result<Vec<B::Row>, Error> {
    if let Some(buckets) = span.unlisted(order) {
        return read_listed(from, &buckets, rows_max).await;
    }
    let (mut rows, mut rest) = (Vec::new(), span);
    while rest.first <= rest.last && rows.len() < rows_max {
        let buckets = from.list(rest).await?;
        let Some(&last) = buckets.last() else { break };
        rows.extend(read_listed(from, &buckets, rows_max - rows.len()).await?);
        if buckets.len() < BUCKETS_LISTED_MAX {
            break;
        }
        rest = rest.behind(last, order);
    }
    Ok(rows)
}

/// The first bucket mostly has enough, so it is read alone; the more of them had too little, the more are read at a time.
async fn read_listed<B: Bucketed>(from: &B, buckets: &[i64], rows_max: usize) -> Result<Vec<B::Row>, Error> {
    let (mut rows, mut waiting, mut ahead) = (Vec::new(), buckets, 1);
    while !waiting.is_empty() && rows.len() < rows_max {
        let (now, later) = waiting.split_at(ahead.min(waiting.len()));
        let wanted = rows_max - rows.len();
        let read = try_join_all(now.iter().map(|&bucket| from.read(bucket, wanted))).await?;
        rows.extend(read.into_iter().flatten());
        waiting = later;
        ahead = (ahead * 2).min(BUCKETS_AHEAD_MAX);
    }
    rows.truncate(rows_max);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Numbers in buckets of ten, and which buckets were asked for.
    struct Numbers {
        numbers: Vec<u64>,
        order: Order,
        lists: Mutex<usize>,
        reads: Mutex<Vec<i64>>,
    }

    impl Numbers {
        fn new(numbers: impl IntoIterator<Item = u64>, order: Order) -> Self {
            let mut numbers: Vec<_> = numbers.into_iter().collect();
            if order == Order::Down {
                numbers.reverse();
            }
            Self { numbers, order, lists: Mutex::default(), reads: Mutex::default() }
        }

        async fn up_to(&self, last: i64, rows_max: usize) -> Vec<u64> {
            read(self, Span::of((0, last), 10), self.order, rows_max).await.unwrap()
        }
    }

    impl Bucketed for Numbers {
        type Row = u64;

        async fn list(&self, span: Span) -> Result<Vec<i64>, Error> {
            *self.lists.lock().unwrap() += 1;
            let mut buckets: Vec<_> = self.numbers.iter().map(|&number| bucket(number, 10)).collect();
            buckets.dedup();
            buckets.retain(|bucket| (span.first..=span.last).contains(bucket));
            buckets.truncate(BUCKETS_LISTED_MAX);
            Ok(buckets)
        }

        async fn read(&self, at: i64, rows_max: usize) -> Result<Vec<u64>, Error> {
            self.reads.lock().unwrap().push(at);
            let there = self.numbers.iter().copied().filter(|&number| bucket(number, 10) == at);
            Ok(there.take(rows_max).collect())
        }
    }

    #[test]
    fn a_range_lies_in_the_buckets_of_its_first_and_its_last_number() {
        let span = |first, last| {
            let span = Span::of((first, last), 1024);
            (span.first, span.last)
        };
        assert_eq!(span(0, 0), (0, 0));
        assert_eq!(span(0, 1023), (0, 0));
        assert_eq!(span(1023, 1024), (0, 1));
        assert_eq!(span(5, i64::MAX), (0, i64::MAX / 1024));
    }

    #[tokio::test]
    async fn a_narrow_range_is_read_unlisted_and_a_wide_one_only_where_there_is_something() {
        let all = Numbers::new([1, 12, 13, 500_000], Order::Up);
        assert_eq!(all.up_to(19, 9).await, [1, 12, 13]);
        assert_eq!(*all.lists.lock().unwrap(), 0);
        assert_eq!(all.up_to(i64::MAX, 9).await, [1, 12, 13, 500_000]);
        assert_eq!(*all.lists.lock().unwrap(), 1);
        assert_eq!(*all.reads.lock().unwrap(), [0, 1, 0, 1, 50_000]);
    }

    #[tokio::test]
    async fn no_more_buckets_are_read_than_are_needed() {
        for order in [Order::Up, Order::Down] {
            let all = Numbers::new((0..100).map(|n| n * 5), order);
            let read = all.up_to(i64::MAX, 2).await;
            assert_eq!(read, all.numbers[..2]);
            assert_eq!(all.reads.lock().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn more_buckets_than_one_list_has_are_read_to_the_end() {
        for order in [Order::Up, Order::Down] {
            let all = Numbers::new((1..=BUCKETS_LISTED_MAX as u64 * 2).map(|n| n * 10), order);
            assert_eq!(all.up_to(i64::MAX, usize::MAX).await, all.numbers);
            assert_eq!(*all.lists.lock().unwrap(), 3);
        }
    }
}
