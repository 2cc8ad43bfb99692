//! Pauses that grow to a bound, and chance in them, so that clients that failed together don't return together.

use std::time::Duration;

/// Deterministic chance (SplitMix64): the same seed gives the same pauses, which is what tests want.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The first pause is at most this long.
const FIRST: Duration = Duration::from_millis(250);
/// No pause is longer.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

/// The pause behind the failure number `failures`, from 1: between a half and the whole of a span that doubles.
pub(crate) fn pause(failures: u32, dice: &mut Dice) -> Duration {
    let factor = 1 << failures.saturating_sub(1).min(16);
    let half = FIRST.saturating_mul(factor).min(LONGEST) / 2;
    let half_ms = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    half + Duration::from_millis(dice.roll() % (half_ms + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_differ() {
        let (mut dice, mut other) = (Dice::new(1), Dice::new(2));
        for failures in 1..100 {
            let span = FIRST.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST);
            let pause = pause(failures, &mut dice);
            assert!(pause >= span / 2 && pause <= span, "{failures}: {pause:?}");
        }
        assert_ne!(pause(50, &mut dice), pause(50, &mut other));
    }
}
