//! What one user, and one session, may do in a time, and all users together. Each gateway counts for itself.

use std::{num::NonZeroU32, time::Duration};

use chasqui_domain::UserId;
use chasqui_runtime::Runtime;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use crate::logins::Logins;

/// How many seconds' worth may come at once.
const BURST_SECONDS: u32 = 10;

/// What may be done in a time; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// The most frames of a session in a second; it may be ten times as many at once.
    pub frames_per_second: u32,
    /// The most messages of a user in a second; it may be ten times as many at once.
    pub sends_per_second: u32,
    /// The most requests over HTTP and new sessions of a user in a second; it may be ten times as many at once.
    pub requests_per_second: u32,
    /// The most chats that a user may open at once, and then in an hour.
    pub chats_opened_per_hour: u32,
    /// The most log-ins of all users in a second; it may be as many at once. Those beyond are told when to come back.
    pub logins_per_second: u32,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            frames_per_second: 500,
            sends_per_second: 100,
            requests_per_second: 50,
            chats_opened_per_hour: 500,
            logins_per_second: 500,
        }
    }
}

/// More than is allowed; it is again in a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much in too short a time, again in {retry_in:?}")]
pub(crate) struct TooMuch {
    pub(crate) retry_in: Duration,
}

impl TooMuch {
    /// In milliseconds, not a moment too early and never 0.
    pub(crate) fn retry_in_ms(self) -> u32 {
        u32::try_from(self.retry_in.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX).max(1)
    }
}

/// The runtime's clock.
struct Ticks(Runtime);

impl Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

/// Counts something of every user. Keeps only those who have done it lately.
pub(crate) struct PerUser(Option<RateLimiter<UserId, HashMapStateStore<UserId>, Ticks, NoOpMiddleware<Duration>>>);

impl PerUser {
    fn new(quota: Option<Quota>, runtime: &Runtime) -> Self {
        Self(quota.map(|quota| RateLimiter::hashmap_with_clock(quota, Ticks(runtime.clone()))))
    }

    /// Counts one.
    pub(crate) fn take(&self, user: &UserId) -> Result<(), TooMuch> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check_key(user).map_err(|until| TooMuch { retry_in: until.wait_time_from(limiter.clock().now()) })
    }

    fn forget(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
        }
    }

    #[cfg(test)]
    fn users(&self) -> usize {
        self.0.as_ref().map_or(0, RateLimiter::len)
    }
}

/// Counts the frames of one session.
pub(crate) struct Frames(Option<RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>>);

impl Frames {
    /// Counts one; false when it is too many.
    pub(crate) fn take(&self) -> bool {
        self.0.as_ref().is_none_or(|limiter| limiter.check().is_ok())
    }
}

/// What is counted.
pub(crate) struct Quotas {
    pub(crate) sends: PerUser,
    pub(crate) requests: PerUser,
    pub(crate) chats: PerUser,
    /// Of all users.
    pub(crate) logins: Logins,
    frames: Option<Quota>,
}

impl Quotas {
    pub(crate) fn new(rates: &Rates, runtime: &Runtime) -> Self {
        Self {
            sends: PerUser::new(per_second(rates.sends_per_second), runtime),
            requests: PerUser::new(per_second(rates.requests_per_second), runtime),
            chats: PerUser::new(NonZeroU32::new(rates.chats_opened_per_hour).map(Quota::per_hour), runtime),
            logins: Logins::new(rates.logins_per_second, runtime),
            frames: per_second(rates.frames_per_second),
        }
    }

    /// The count of a new session.
    pub(crate) fn frames(&self, runtime: &Runtime) -> Frames {
        Frames(self.frames.map(|quota| RateLimiter::direct_with_clock(quota, Ticks(runtime.clone()))))
    }

    /// Forgets users who may do as much again as those who were never here.
    pub(crate) fn forget(&self) {
        for quota in [&self.sends, &self.requests, &self.chats] {
            quota.forget();
        }
    }
}

fn per_second(number: u32) -> Option<Quota> {
    let burst = NonZeroU32::new(number.saturating_mul(BURST_SECONDS))?;
    NonZeroU32::new(number).map(|number| Quota::per_second(number).allow_burst(burst))
}

#[cfg(test)]
mod tests {
    use chasqui_testkit::Clock as Stopped;

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn quotas(rates: Rates) -> (Quotas, Stopped, Runtime) {
        let clock = Stopped::default();
        let runtime = Runtime::new(clock.clone());
        (Quotas::new(&rates, &runtime), clock, runtime)
    }

    fn taken(quota: &PerUser, name: &str) -> usize {
        std::iter::repeat_with(|| quota.take(&user(name))).take(10_000).take_while(Result::is_ok).count()
    }

    #[test]
    fn each_user_may_do_ten_seconds_worth_at_once_and_then_so_much_a_second() {
        let (quotas, clock, _) = quotas(Rates { sends_per_second: 2, ..Rates::default() });
        assert_eq!(taken(&quotas.sends, "alice"), 20);
        let retry_in = quotas.sends.take(&user("alice")).unwrap_err().retry_in;
        assert_eq!(retry_in, Duration::from_millis(500));
        assert_eq!(taken(&quotas.sends, "bob"), 20);
        clock.advance(3);
        assert_eq!(taken(&quotas.sends, "alice"), 6);
        clock.advance(1_000);
        assert_eq!(taken(&quotas.sends, "alice"), 20);
    }

    #[test]
    fn chats_count_by_the_hour() {
        let (quotas, clock, _) = quotas(Rates { chats_opened_per_hour: 4, ..Rates::default() });
        assert_eq!(taken(&quotas.chats, "alice"), 4);
        assert_eq!(quotas.chats.take(&user("alice")).unwrap_err().retry_in_ms(), 900_000);
        clock.advance(1_800);
        assert_eq!(taken(&quotas.chats, "alice"), 2);
    }

    #[test]
    fn each_session_counts_its_own_frames() {
        let (quotas, clock, runtime) = quotas(Rates { frames_per_second: 1, ..Rates::default() });
        let (one, other) = (quotas.frames(&runtime), quotas.frames(&runtime));
        let count =
            |frames: &Frames| std::iter::repeat_with(|| frames.take()).take(50).take_while(|took| *took).count();
        assert_eq!((count(&one), count(&other)), (10, 10));
        clock.advance(2);
        assert_eq!(count(&one), 2);
    }

    #[test]
    fn zero_is_no_limit() {
        let rates = Rates {
            frames_per_second: 0,
            sends_per_second: 0,
            requests_per_second: 0,
            chats_opened_per_hour: 0,
            logins_per_second: 0,
        };
        let (quotas, _, runtime) = quotas(rates);
        let frames = quotas.frames(&runtime);
        for _ in 0..100_000 {
            assert!(frames.take());
            quotas.logins.enter().unwrap().counts();
            for quota in [&quotas.sends, &quotas.requests, &quotas.chats] {
                assert_eq!(quota.take(&user("alice")), Ok(()));
            }
        }
    }

    #[test]
    fn who_has_done_nothing_lately_is_forgotten() {
        let (quotas, clock, _) = quotas(Rates { sends_per_second: 1, ..Rates::default() });
        for number in 0..100 {
            quotas.sends.take(&user(&format!("user-{number}"))).unwrap();
        }
        clock.advance(5);
        assert_eq!(taken(&quotas.sends, "busy"), 10);
        clock.advance(6);
        quotas.forget();
        assert_eq!(quotas.sends.users(), 1);
        assert_eq!(taken(&quotas.sends, "busy"), 6, "what is kept still counts");
    }
}
