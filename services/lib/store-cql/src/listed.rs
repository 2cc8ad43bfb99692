//! What this process knows to be on a list already, so that it needn't be written there again.

use std::{
    collections::HashSet,
    hash::Hash,
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use lru::LruCache;
use parking_lot::Mutex;

use crate::limits::BUCKETS_REMEMBERED;

/// The buckets that were listed, and when: as many of them as are used most.
#[derive(Debug)]
pub(crate) struct Listed<K: Hash + Eq> {
    known: Mutex<LruCache<K, Instant>>,
    good_for: Option<Duration>,
}

impl<K: Hash + Eq> Listed<K> {
    /// What is listed once and for all.
    pub(crate) fn for_ever() -> Self {
        Self { known: Mutex::new(LruCache::new(REMEMBERED)), good_for: None }
    }

    /// What has to be listed again after a while.
    pub(crate) fn good_for(time: Duration) -> Self {
        Self { good_for: Some(time), ..Self::for_ever() }
    }

    /// Whether it needn't be listed.
    pub(crate) fn has(&self, key: &K) -> bool {
        let mut known = self.known.lock();
        let listed = known.get(key);
        listed.is_some_and(|listed| self.good_for.is_none_or(|time| listed.elapsed() < time))
    }

    /// It is listed since a time before that was asked for.
    pub(crate) fn put(&self, key: K, since: Instant) {
        self.known.lock().put(key, since);
    }
}

const REMEMBERED: NonZeroUsize = match NonZeroUsize::new(BUCKETS_REMEMBERED) {
    Some(count) => count,
    None => NonZeroUsize::MIN,
};

/// The same of what is few.
#[derive(Debug)]
pub(crate) struct Marked<K>(Mutex<HashSet<K>>);

impl<K: Hash + Eq> Marked<K> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashSet::new()))
    }

    pub(crate) fn has(&self, key: &K) -> bool {
        self.0.lock().contains(key)
    }

    pub(crate) fn put(&self, key: K) {
        self.0.lock().insert(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_for_a_while_is_forgotten_and_the_rest_is_not() {
        let (now, long_ago) = (Instant::now(), Instant::now() - Duration::from_secs(100));
        let listed = Listed::good_for(Duration::from_secs(100));
        listed.put("new", now);
        listed.put("old", long_ago);
        assert!(listed.has(&"new") && !listed.has(&"old") && !listed.has(&"other"));
        let listed = Listed::for_ever();
        listed.put("old", long_ago);
        assert!(listed.has(&"old"));
    }
}
