//! How many may log in in a time, and when those come back who are too many. Each gateway counts for itself.

use std::{num::NonZeroU32, time::Duration};

use chasqui_runtime::Runtime;
use parking_lot::Mutex;

use crate::{limits::LOGIN_WAIT_MAX, quota::TooMuch};

/// Lets so many log in in a second, and as many at once. Each one beyond is told a turn of its own, one behind the other,
/// so that they come back as fast as they are let in and not all together.
///
/// This is GCRA, as in `governor`, and a second number beside: `governor` tells all the same time, since it remembers
/// nothing of whom it refuses.
///
/// A turn is nobody's own. To keep it for somebody one would have to know them, which nobody does before their token is
/// read; and who took many turns and never came would keep everybody out. So a stranger may come between, and whoever
/// finds their turn taken is told another. A turn that nobody uses stays open to others for a second.
pub(crate) struct Logins {
    /// None is no limit.
    pace: Option<Pace>,
    book: Mutex<Book>,
    runtime: Runtime,
}

struct Pace {
    /// From one log-in to the next.
    every: Duration,
    /// How far those that are let in may be ahead of that.
    ahead_max: Duration,
}

/// Times by the runtime's monotonic clock.
#[derive(Default)]
struct Book {
    /// The end of what was let in, were it one after the other.
    taken_until: Duration,
    /// When all room was last seen to be free.
    free_at: Duration,
    /// The first turn that nobody was told.
    turn: Duration,
}

/// Somebody who was let in. It doesn't count when it is dropped before [`Login::counts`].
pub(crate) struct Login<'a>(Option<(&'a Logins, Duration)>);

impl Logins {
    pub(crate) fn new(per_second: u32, runtime: &Runtime) -> Self {
        let pace = NonZeroU32::new(per_second).map(|per_second| {
            let every = Duration::from_secs(1) / per_second.get();
            Pace { every, ahead_max: every * (per_second.get() - 1) }
        });
        Self { pace, book: Mutex::default(), runtime: runtime.clone() }
    }

    /// Lets one in.
    ///
    /// # Errors
    /// When to come back, if there are too many.
    pub(crate) fn enter(&self) -> Result<Login<'_>, TooMuch> {
        let Some(pace) = &self.pace else { return Ok(Login(None)) };
        let now = self.runtime.monotonic();
        let mut book = self.book.lock();
        if book.taken_until <= now {
            (book.taken_until, book.free_at) = (now, now);
        }
        let room_at = book.taken_until.saturating_sub(pace.ahead_max);
        if room_at <= now {
            book.taken_until += pace.every;
            return Ok(Login(Some((self, now))));
        }
        let turn = book.turn.max(room_at);
        let wait = turn.saturating_sub(now);
        if wait > LOGIN_WAIT_MAX {
            // The nearer half is left to those who have their turns in it.
            let random = u32::from_be_bytes(self.runtime.random());
            return Err(TooMuch { retry_in: LOGIN_WAIT_MAX - share(LOGIN_WAIT_MAX / 2, random) });
        }
        book.turn = turn + pace.every;
        Err(TooMuch { retry_in: wait })
    }

    fn give_back(&self, taken_at: Duration) {
        let Some(pace) = &self.pace else { return };
        let mut book = self.book.lock();
        // Else its room has come back by itself, and would be there twice.
        if taken_at >= book.free_at {
            book.taken_until = book.taken_until.saturating_sub(pace.every);
        }
    }
}

impl Login<'_> {
    /// It is a log-in.
    pub(crate) fn counts(mut self) {
        self.0 = None;
    }
}

impl Drop for Login<'_> {
    fn drop(&mut self) {
        if let Some((logins, taken_at)) = self.0.take() {
            logins.give_back(taken_at);
        }
    }
}

/// So many 2^32ths of a span, in whole milliseconds.
fn share(of: Duration, random: u32) -> Duration {
    let millis = u64::try_from(of.as_millis()).unwrap_or(u64::from(u32::MAX));
    Duration::from_millis((millis * u64::from(random)) >> 32)
}

#[cfg(test)]
mod tests {
    use chasqui_testkit::Clock;

    use super::*;
    use crate::Rates;

    fn logins(per_second: u32) -> (Logins, Clock) {
        let clock = Clock::default();
        (Logins::new(per_second, &Runtime::new(clock.clone())), clock)
    }

    /// Whether one is let in.
    fn is_in(logins: &Logins) -> bool {
        logins.enter().map(Login::counts).is_ok()
    }

    fn wait(logins: &Logins) -> Duration {
        logins.enter().err().unwrap().retry_in
    }

    #[test]
    fn a_seconds_worth_is_let_in_at_once_and_then_each_has_a_turn_behind_the_other() {
        let (logins, clock) = logins(4);
        for round in 0..3 {
            let let_in = (0..4).filter(|_| is_in(&logins)).count();
            assert_eq!(let_in, 4, "round {round}");
            for turn in 1..=20 {
                assert_eq!(wait(&logins), Duration::from_millis(250) * turn);
            }
            // Nobody comes at their turns, and no more than a second's worth is kept for anybody.
            clock.advance(60);
        }
    }

    #[test]
    fn who_comes_at_their_turn_is_let_in() {
        let (logins, clock) = logins(1);
        assert!(is_in(&logins));
        for turn in 1..=120 {
            assert_eq!(wait(&logins), Duration::from_secs(turn));
        }
        for turn in 1..=120 {
            clock.advance(1);
            assert!(is_in(&logins), "turn {turn}");
        }
    }

    #[test]
    fn who_finds_their_turn_taken_is_told_another_and_those_behind_keep_theirs() {
        let (logins, clock) = logins(1);
        assert!(is_in(&logins));
        let waits: Vec<_> = (0..3).map(|_| wait(&logins).as_secs()).collect();
        assert_eq!(waits, [1, 2, 3]);
        clock.advance(1);
        assert!(is_in(&logins), "a stranger");
        assert_eq!(wait(&logins), Duration::from_secs(3), "behind those that were told");
        for _ in 0..3 {
            clock.advance(1);
            assert!(is_in(&logins));
        }
    }

    #[test]
    fn beyond_the_longest_wait_the_farther_half_of_it_is_shared_by_chance() {
        let (logins, _) = logins(1);
        assert!(is_in(&logins));
        let waits: Vec<_> = (0..1_000).map(|_| wait(&logins)).collect();
        assert!(waits.is_sorted() && waits.iter().all(|wait| *wait <= LOGIN_WAIT_MAX));
        // The test's clock has no chance in it.
        assert_eq!((waits[119], waits[120]), (LOGIN_WAIT_MAX, LOGIN_WAIT_MAX));
        let half = LOGIN_WAIT_MAX / 2;
        assert_eq!((share(half, 0), share(half, 1 << 31)), (Duration::ZERO, half / 2));
        assert!(share(half, u32::MAX) < half);
    }

    #[test]
    fn who_proves_to_be_none_does_not_count_and_makes_no_room_that_was_not_there() {
        let (logins, clock) = logins(2);
        for _ in 0..100 {
            drop(logins.enter().unwrap());
        }
        let unproven = [logins.enter().unwrap(), logins.enter().unwrap()];
        assert_eq!(wait(&logins), Duration::from_millis(500));
        // Meanwhile their room has come back by itself.
        clock.advance(5);
        assert!(is_in(&logins) && is_in(&logins));
        drop(unproven);
        assert!(!is_in(&logins));
    }

    #[test]
    fn at_the_defaults_all_sessions_of_a_gateway_have_a_turn() {
        let options = crate::Options::new(chasqui_domain::GatewayId::new("gateway-0").unwrap());
        let in_time = u64::from(Rates::default().logins_per_second) * LOGIN_WAIT_MAX.as_secs();
        assert!(options.sessions_max as u64 <= in_time);
    }
}
