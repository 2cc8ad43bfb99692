//! Connections that are no sessions.

use std::{
    collections::BTreeMap,
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::watch;

/// Connections that are no sessions: they have not proven who they are, or ask over HTTP. Beyond their bound the one
/// that was idle longest gives way: who holds many open keeps nobody out, since an honest client needs its place for a
/// moment only.
pub(crate) struct Newcomers {
    waiting: Mutex<Waiting>,
    waiting_max: usize,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    /// In the order in which they came or were busy. Each is told when it has to give way.
    places: BTreeMap<u64, watch::Sender<bool>>,
}

/// A connection among the newcomers, until it is a session's or is dropped.
pub(crate) struct Newcomer {
    newcomers: Arc<Newcomers>,
    place: AtomicU64,
    gives_way: watch::Receiver<bool>,
}

impl Newcomers {
    pub(crate) fn new(waiting_max: usize) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), waiting_max })
    }

    /// Adds a connection.
    pub(crate) fn enter(self: &Arc<Self>) -> Newcomer {
        let (sender, gives_way) = watch::channel(false);
        let mut waiting = self.waiting.lock();
        waiting.last += 1;
        let place = waiting.last;
        waiting.places.insert(place, sender);
        if waiting.places.len() > self.waiting_max
            && let Some((_, longest)) = waiting.places.pop_first()
        {
            longest.send_replace(true);
        }
        Newcomer { newcomers: self.clone(), place: place.into(), gives_way }
    }
}

impl Newcomer {
    /// It is a session's, and gives way to nobody from now on.
    pub(crate) fn is_proven(&self) {
        self.newcomers.waiting.lock().places.remove(&self.place.load(Ordering::Relaxed));
    }

    /// It was answered, and gives way behind all others.
    pub(crate) fn was_busy(&self) {
        let mut waiting = self.newcomers.waiting.lock();
        if let Some(sender) = waiting.places.remove(&self.place.load(Ordering::Relaxed)) {
            waiting.last += 1;
            self.place.store(waiting.last, Ordering::Relaxed);
            let last = waiting.last;
            waiting.places.insert(last, sender);
        }
    }

    /// Waits until it has to give way. Cancel safe.
    pub(crate) async fn gives_way(&self) {
        if self.gives_way.clone().wait_for(|gives_way| *gives_way).await.is_err() {
            // It became a session's meanwhile.
            future::pending::<()>().await;
        }
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        self.is_proven();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn has_to_go(newcomer: &Newcomer) -> bool {
        newcomer.gives_way().now_or_never().is_some()
    }

    #[test]
    fn beyond_the_bound_the_one_that_waits_longest_gives_way() {
        let newcomers = Newcomers::new(2);
        let all: Vec<_> = (0..4).map(|_| newcomers.enter()).collect();
        assert_eq!(all.iter().map(has_to_go).collect::<Vec<_>>(), [true, true, false, false]);
    }

    #[test]
    fn who_is_proven_or_gone_makes_room() {
        let newcomers = Newcomers::new(2);
        let (proven, gone) = (newcomers.enter(), newcomers.enter());
        proven.is_proven();
        drop(gone);
        let both = [newcomers.enter(), newcomers.enter()];
        assert!(!both.iter().any(has_to_go));
        let _one_more = newcomers.enter();
        assert!(!has_to_go(&proven));
        assert!(has_to_go(&both[0]) && !has_to_go(&both[1]));
    }

    #[test]
    fn who_was_answered_gives_way_behind_the_others() {
        let newcomers = Newcomers::new(2);
        let (asks, silent) = (newcomers.enter(), newcomers.enter());
        asks.was_busy();
        let _other = newcomers.enter();
        assert!(!has_to_go(&asks) && has_to_go(&silent));
        // A session doesn't come back among them.
        asks.is_proven();
        asks.was_busy();
        assert_eq!(newcomers.waiting.lock().places.len(), 1);
    }
}
