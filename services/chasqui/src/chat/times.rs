//! Times as people read them.

use chasqui_domain::TimeMs;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The day of a time in a zone; none for one beyond the calendar.
pub(super) fn day(time: TimeMs, zone: &TimeZone) -> Option<Date> {
    Some(zoned(time, zone)?.date())
}

/// Such as `12:03`.
pub(super) fn clock(time: TimeMs, zone: &TimeZone) -> String {
    zoned(time, zone).map_or_else(|| "--:--".to_owned(), |zoned| zoned.strftime("%H:%M").to_string())
}

/// Such as `Tuesday, 24 November 2026`.
pub(super) fn day_name(day: Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}

fn zoned(time: TimeMs, zone: &TimeZone) -> Option<jiff::Zoned> {
    let timestamp = Timestamp::from_millisecond(i64::try_from(time.0).ok()?).ok()?;
    Some(timestamp.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_zone() {
        let time = TimeMs(1_795_500_000_000);
        let ahead = TimeZone::fixed(jiff::tz::offset(7));
        assert_eq!((clock(time, &TimeZone::UTC), clock(time, &ahead)), ("06:00".to_owned(), "13:00".to_owned()));
        assert_eq!(day_name(day(time, &TimeZone::UTC).unwrap()), "Tuesday, 24 November 2026");
        assert_eq!((day(TimeMs(u64::MAX), &ahead), clock(TimeMs(u64::MAX), &ahead)), (None, "--:--".to_owned()));
    }
}
