//! Numbers of ours in columns, which are signed.

use std::ops::Range;

use chasqui_store::Error;

/// A version or an offset as a column by which rows sort, or as the timestamp of what is written.
///
/// # Errors
/// When it is above 2^63 - 1. A row that another number replaced would be lost, so it isn't written at all; no log gets there.
pub(crate) fn bigint(number: u64) -> Result<i64, Error> {
    i64::try_from(number)
        .map_err(|_| Error::Corrupt { why: format!("{number} is no number of a version or an offset") })
}

/// The first and the last number of a range, as such columns; none when it is empty, or beyond all that there can be.
pub(crate) fn ends(range: &Range<u64>) -> Option<(i64, i64)> {
    let first = i64::try_from(range.start).ok()?;
    let last = i64::try_from(range.end.checked_sub(1)?).unwrap_or(i64::MAX);
    (first <= last).then_some((first, last))
}

/// The number in a column by which rows sort.
///
/// # Errors
/// When it is negative.
pub(crate) fn number(bigint: i64) -> Result<u64, Error> {
    u64::try_from(bigint).map_err(|_| Error::Corrupt { why: format!("a row has the number {bigint}") })
}

/// At most so many rows.
pub(crate) fn limit(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_or_refused_and_never_changed() {
        for taken in [0, 1, i64::MAX as u64] {
            assert_eq!(number(bigint(taken).unwrap()).unwrap(), taken);
        }
        for refused in [i64::MAX as u64 + 1, u64::MAX] {
            assert!(bigint(refused).is_err());
        }
        assert!(number(-1).is_err());
    }

    #[test]
    #[allow(clippy::reversed_empty_ranges, reason = "they must be taken for what they are")]
    fn a_range_ends_before_its_end() {
        assert_eq!(ends(&(0..1)), Some((0, 0)));
        assert_eq!(ends(&(3..8)), Some((3, 7)));
        assert_eq!(ends(&(3..u64::MAX)), Some((3, i64::MAX)));
        for nothing in [0..0, 5..5, 9..5, u64::MAX - 1..u64::MAX] {
            assert_eq!(ends(&nothing), None);
        }
        assert_eq!(limit(usize::MAX), i32::MAX);
    }
}
