//! Connections that are no sessions.

use std::{
    collections::BTreeMap,
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chasqui_runtime::Runtime;
use parking_lot::Mutex;
use tokio::{
    select,
    sync::{Notify, watch},
};

/// Connections that are no sessions: they have not proven who they are, or ask over HTTP. Beyond their bound the one
/// that was idle longest gives way: who holds many open keeps nobody out, since an honest client needs its place for a
/// moment only. That moment everybody has: when all come at once, those who come last wait for it.
pub(crate) struct Newcomers {
    waiting: Mutex<Waiting>,
    waiting_max: usize,
    /// How long each may be idle before it gives way.
    time: Duration,
    left: Notify,
    runtime: Runtime,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    /// In the order in which they came or were busy.
    places: BTreeMap<u64, Place>,
}

struct Place {
    /// Whoever is there is told when it has to give way.
    gives_way: watch::Sender<bool>,
    idle_since: Duration,
}

/// A connection among the newcomers, until it is a session's or is dropped.
pub(crate) struct Newcomer {
    newcomers: Arc<Newcomers>,
    place: AtomicU64,
    gives_way: watch::Receiver<bool>,
}

impl Newcomers {
    pub(crate) fn new(waiting_max: usize, time: Duration, runtime: Runtime) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::default(), waiting_max, time, left: Notify::new(), runtime })
    }

    /// Waits until one more has room, or takes the place of one that had its time. For one that waits at a time. Cancel safe.
    pub(crate) async fn room(&self) {
        while let Some(wait) = self.wait() {
            select! {
                () = self.left.notified() => {}
                () = self.runtime.sleep(wait) => {}
            }
        }
    }

    /// How long it is at most until there is room; none when there is.
    fn wait(&self) -> Option<Duration> {
        let waiting = self.waiting.lock();
        if waiting.places.len() < self.waiting_max {
            return None;
        }
        let (_, longest) = waiting.places.first_key_value()?;
        let had_its_time = longest.idle_since + self.time;
        Some(had_its_time.saturating_sub(self.runtime.monotonic())).filter(|wait| !wait.is_zero())
    }

    /// Adds a connection.
    pub(crate) fn enter(self: &Arc<Self>) -> Newcomer {
        let (sender, gives_way) = watch::channel(false);
        let idle_since = self.runtime.monotonic();
        let mut waiting = self.waiting.lock();
        waiting.last += 1;
        let place = waiting.last;
        waiting.places.insert(place, Place { gives_way: sender, idle_since });
        if waiting.places.len() > self.waiting_max
            && let Some((_, longest)) = waiting.places.pop_first()
        {
            longest.gives_way.send_replace(true);
        }
        Newcomer { newcomers: self.clone(), place: place.into(), gives_way }
    }
}

impl Newcomer {
    /// It is a session's, and gives way to nobody from now on.
    pub(crate) fn is_proven(&self) {
        if self.newcomers.waiting.lock().places.remove(&self.place.load(Ordering::Relaxed)).is_some() {
            self.newcomers.left.notify_one();
        }
    }

    /// It was answered, and gives way behind all others.
    pub(crate) fn was_busy(&self) {
        let idle_since = self.newcomers.runtime.monotonic();
        let mut waiting = self.newcomers.waiting.lock();
        if let Some(place) = waiting.places.remove(&self.place.load(Ordering::Relaxed)) {
            waiting.last += 1;
            self.place.store(waiting.last, Ordering::Relaxed);
            let last = waiting.last;
            waiting.places.insert(last, Place { idle_since, ..place });
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
    use chasqui_testkit::Clock;
    use futures::FutureExt;

    use super::*;

    /// With places for so many, and the clock that they go by.
    fn newcomers(waiting_max: usize) -> (Arc<Newcomers>, Clock) {
        let clock = Clock::default();
        (Newcomers::new(waiting_max, Duration::from_secs(1), Runtime::new(clock.clone())), clock)
    }

    fn has_to_go(newcomer: &Newcomer) -> bool {
        newcomer.gives_way().now_or_never().is_some()
    }

    #[test]
    fn beyond_the_bound_the_one_that_waits_longest_gives_way() {
        let (newcomers, _) = newcomers(2);
        let all: Vec<_> = (0..4).map(|_| newcomers.enter()).collect();
        assert_eq!(all.iter().map(has_to_go).collect::<Vec<_>>(), [true, true, false, false]);
    }

    #[test]
    fn who_is_proven_or_gone_makes_room() {
        let (newcomers, _) = newcomers(2);
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
        let (newcomers, _) = newcomers(2);
        let (asks, silent) = (newcomers.enter(), newcomers.enter());
        asks.was_busy();
        let _other = newcomers.enter();
        assert!(!has_to_go(&asks) && has_to_go(&silent));
        // A session doesn't come back among them.
        asks.is_proven();
        asks.was_busy();
        assert_eq!(newcomers.waiting.lock().places.len(), 1);
    }

    #[test]
    fn whoever_comes_waits_until_one_leaves_or_had_its_time() {
        let (newcomers, clock) = newcomers(2);
        let first = newcomers.enter();
        assert!(newcomers.room().now_or_never().is_some());
        let second = newcomers.enter();
        let mut room = Box::pin(newcomers.room());
        assert!(room.as_mut().now_or_never().is_none(), "both had no time yet");
        drop(second);
        assert!(room.as_mut().now_or_never().is_some());

        let second = newcomers.enter();
        assert!(newcomers.room().now_or_never().is_none());
        clock.advance(1);
        assert!(newcomers.room().now_or_never().is_some());
        assert!(!has_to_go(&first), "until somebody comes");
        // Who was answered has time again.
        first.was_busy();
        second.was_busy();
        assert!(newcomers.room().now_or_never().is_none());
    }
}
