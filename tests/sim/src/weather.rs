//! What goes wrong with log and store, for whom and how long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::process::Process;

/// How long what was given up may still take to happen.
const LATE_MS_MAX: u64 = 20_000;

/// What may always go wrong, in a thousand calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// A call fails, and may have been done.
    pub fails: u32,
    /// A call is slow.
    pub slow: u32,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// The log can't be reached.
    LogAway,
    /// Every third call of the log fails, done or not.
    LogFlaky,
    /// The log takes seconds.
    LogSlow,
    /// The store can't be reached.
    StoreAway,
    /// Every third call of the store fails, done or not.
    StoreFlaky,
    /// The store takes seconds.
    StoreSlow,
    /// Heartbeats don't get through.
    HeartbeatsHeld,
    /// What is said of sessions and of terms doesn't get through.
    PresenceHeld,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done and answered.
    Done,
    /// It is not done, and fails.
    NotDone,
    /// It is done, and fails.
    DoneUnanswered,
    /// A part of it is done, and it fails.
    Partly,
    /// It fails, and is done later all the same.
    Late(Duration),
}

/// A call: when it takes effect, when it is answered, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// How long until it takes effect.
    pub(crate) before: Duration,
    /// How long then until the answer.
    pub(crate) after: Duration,
    /// What becomes of it.
    pub(crate) fate: Fate,
}

/// Which of the two is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The log.
    Log,
    /// The store.
    Store,
}

/// What goes wrong now. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Weather(Arc<Mutex<Inner>>, Arc<AtomicUsize>);

/// Something that was asked for and has not happened yet, while it is kept.
pub(crate) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Inner {
    noise: Noise,
    episodes: Vec<Episode>,
}

struct Episode {
    until: Duration,
    /// The name of a process, or all.
    of: Option<String>,
    trouble: Trouble,
}

impl Weather {
    /// Sets what may always go wrong.
    pub(crate) fn set_noise(&self, noise: Noise) {
        self.0.lock().noise = noise;
    }

    /// Something goes wrong until a time, for one process or all.
    pub(crate) fn begin(&self, trouble: Trouble, of: Option<String>, until: Duration) {
        self.0.lock().episodes.push(Episode { until, of, trouble });
    }

    /// From now on nothing goes wrong.
    pub(crate) fn clear(&self) {
        *self.0.lock() = Inner::default();
    }

    /// Whether something goes wrong for a process.
    #[must_use]
    pub(crate) fn has(&self, process: &Process, trouble: Trouble) -> bool {
        self.troubles(process).contains(&trouble)
    }

    /// Something is under way.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.1.fetch_add(1, Ordering::Relaxed);
        UnderWay(self.1.clone())
    }

    /// Whether nothing is under way.
    pub(crate) fn is_still(&self) -> bool {
        self.1.load(Ordering::Relaxed) == 0
    }

    fn troubles(&self, process: &Process) -> Vec<Trouble> {
        let mut inner = self.0.lock();
        if inner.episodes.is_empty() {
            return Vec::new();
        }
        let now = process.scheduler().now();
        inner.episodes.retain(|episode| episode.until > now);
        let is_hit = |episode: &&Episode| episode.of.as_deref().is_none_or(|of| of == process.name());
        inner.episodes.iter().filter(is_hit).map(|episode| episode.trouble).collect()
    }

    /// What becomes of a process's next call.
    #[must_use]
    pub(crate) fn call(&self, process: &Process, kind: Kind) -> Call {
        let troubles = self.troubles(process);
        let noise = self.0.lock().noise;
        let (away, flaky, slow) = match kind {
            Kind::Log => (Trouble::LogAway, Trouble::LogFlaky, Trouble::LogSlow),
            Kind::Store => (Trouble::StoreAway, Trouble::StoreFlaky, Trouble::StoreSlow),
        };
        process.roll(|dice| {
            let fails = if troubles.contains(&flaky) { 333 } else { noise.fails };
            let fate = if troubles.contains(&away) {
                Fate::NotDone
            } else if dice.in_a_thousand(fails) {
                match dice.below(5) {
                    0 => Fate::NotDone,
                    1 | 2 => Fate::DoneUnanswered,
                    3 => Fate::Partly,
                    _ => Fate::Late(dice.ms(1..LATE_MS_MAX)),
                }
            } else {
                Fate::Done
            };
            let mut span = || {
                if troubles.contains(&slow) {
                    dice.ms(0..3_000)
                } else if dice.in_a_thousand(noise.slow) {
                    dice.ms(0..300)
                } else if dice.in_a_thousand(300) {
                    dice.ms(0..5)
                } else {
                    Duration::ZERO
                }
            };
            Call { before: span(), after: span(), fate }
        })
    }
}
