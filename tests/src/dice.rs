//! Chance that can be repeated: the same seed gives the same plan.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;

/// The variable that names the seed to replay.
pub const SEED_VARIABLE: &str = "CHASQUI_SEED";

/// The variable that asks for the long form of a test.
pub const SOAK_VARIABLE: &str = "CHASQUI_SOAK";

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Other dice, which don't depend on how often these are rolled later.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self(self.roll())
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to `end`, which is not among them; 0 when there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.roll().checked_rem(end).unwrap_or(0)
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these; none when there are none.
    pub fn one_of<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(usize::try_from(self.below(from.len() as u64)).unwrap_or_default())
    }

    /// Brings them into some order.
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).unwrap_or_default();
            all.swap(at, other);
        }
    }
}

/// The seed of this run: the one that is to be replayed, or a new one.
///
/// # Errors
/// When the variable holds no number.
pub fn seed() -> anyhow::Result<u64> {
    match env::var(SEED_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{SEED_VARIABLE} is not a number: {text:?}")),
        Err(_) => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok(Dice::new(u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap_or_default()).roll() >> 16)
        }
    }
}

/// Whether the long form of a test is asked for.
#[must_use]
pub fn is_soak() -> bool {
    env::var_os(SOAK_VARIABLE).is_some_and(|value| !value.is_empty() && value != "0")
}
