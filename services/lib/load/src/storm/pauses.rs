//! How long a session waits before it comes back, as the protocol asks of clients.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);

const LONGEST: Duration = Duration::from_secs(30);

/// The answer whose time to come back is one's own: no pause comes behind it, and it is no failure.
const TURN: &str = "too_many_logins";

/// The pauses of one session.
pub(super) struct Pauses {
    session: u64,
    /// How often it failed in a row.
    failures: u32,
}

impl Pauses {
    pub(super) fn new(session: u64) -> Self {
        Self { session, failures: 0 }
    }

    /// How long to wait behind an answer: what the server says, and but for a turn a pause of one's own that grows.
    pub(super) fn before_next(&mut self, code: &str, retry_in: Option<Duration>) -> Duration {
        match retry_in {
            Some(turn) if code == TURN => turn,
            _ => {
                self.failures += 1;
                retry_in.unwrap_or_default() + self.pause()
            }
        }
    }

    /// Between half of the whole and the whole. The same of the same session, so that a run can be repeated, and spread
    /// over sessions as by chance.
    fn pause(&self) -> Duration {
        let whole = LONGEST.min(FIRST * 2u32.saturating_pow(self.failures.saturating_sub(1).min(16)));
        let half = whole / 2;
        half + half.mul_f64(scatter(self.session << 32 | u64::from(self.failures)))
    }
}

/// From 0 to 1, by SplitMix64 (Steele, Lea and Flood, 2014).
fn scatter(seed: u64) -> f64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_spread() {
        for (failures, whole_ms) in [(1, 250), (2, 500), (3, 1_000), (8, 30_000), (u32::MAX, 30_000)] {
            let whole = Duration::from_millis(whole_ms);
            let pauses: Vec<Duration> =
                (0..1_000).map(|session| Pauses { session, failures: failures - 1 }.before_next("", None)).collect();
            assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)));
            let late = pauses.iter().filter(|pause| **pause > whole * 3 / 4).count();
            assert!((400..600).contains(&late), "{late} of 1,000 in the later half after {failures}");
        }
    }

    #[test]
    fn a_turn_is_taken_as_it_is_told_and_no_failure() {
        let (mut pauses, told) = (Pauses::new(7), Duration::from_millis(1_234));
        for _ in 0..3 {
            assert_eq!(pauses.before_next(TURN, Some(told)), told);
        }
        let wait = pauses.before_next("draining", Some(told));
        assert!((told + FIRST / 2..=told + FIRST).contains(&wait), "{wait:?}");
        assert!(pauses.before_next(TURN, None) >= FIRST, "a turn without a time is none");
    }
}
