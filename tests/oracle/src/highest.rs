//! The highest that was seen of each of many.

use std::collections::BTreeMap;

/// Numbers that only rise; each begins at 0.
#[derive(Debug)]
pub(crate) struct Highest<K>(BTreeMap<K, u64>);

impl<K: Ord> Highest<K> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn raise(&mut self, of: K, to: u64) {
        let highest = self.0.entry(of).or_default();
        *highest = to.max(*highest);
    }

    pub(crate) fn of(&self, key: &K) -> u64 {
        self.0.get(key).copied().unwrap_or_default()
    }
}
