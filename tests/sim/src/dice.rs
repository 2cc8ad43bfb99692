//! Chance that comes from a seed.

use std::{hash::Hasher, ops::Range, time::Duration};

use rand::{Rng, RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Chance that comes from a seed. A generator whose numbers stay the same over versions, since seeds are kept.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Pcg64Mcg);

impl Dice {
    /// The dice of one part of a run. Each part has dice of its own, so that what is taken out of a plan changes as
    /// little as can be of all else.
    #[must_use]
    pub(crate) fn new(seed: u64, part: &str) -> Self {
        let mut hasher = Fnv(seed ^ 0xcbf2_9ce4_8422_2325);
        hasher.write(part.as_bytes());
        Self(Pcg64Mcg::seed_from_u64(hasher.finish()))
    }

    /// Whether something happens that happens so many times in a thousand.
    pub(crate) fn in_a_thousand(&mut self, times: u32) -> bool {
        times > 0 && self.0.random_range(0..1_000) < times
    }

    /// One of `0..below`; `below` is not 0.
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0.random_range(0..below)
    }

    /// A time in a range of milliseconds.
    pub(crate) fn ms(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.0.random_range(range))
    }

    /// Any bytes.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }
}

/// FNV-1a: the same on all machines and in all versions, which the standard library's doesn't promise.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
