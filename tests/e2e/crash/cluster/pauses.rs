//! How long clients wait when processes die.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::plan::Round;
use crate::load::Progress;

/// The longest of a time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pauses {
    /// From when a client took a message until it knew its outcome.
    wait: Duration,
    /// In which no client at all had a message accepted.
    silence: Duration,
}

/// Watches the load.
pub(crate) struct Stopwatch {
    seen: Arc<Mutex<Seen>>,
    watching: JoinHandle<()>,
}

impl Stopwatch {
    /// Begins to watch.
    pub(crate) fn start(progress: &Progress) -> Self {
        let seen = Arc::new(Mutex::new(Seen::new(progress.accepted(), Instant::now())));
        let (pulse, progress, watched) = (progress.pulse.clone(), progress.clone(), seen.clone());
        let look = move || {
            watched.lock().look(&progress, Instant::now());
            false
        };
        let watching = tokio::spawn(async move { pulse.until(look).await });
        Self { seen, watching }
    }

    /// The longest pauses that ended since this was asked last.
    pub(crate) fn take(&self) -> Pauses {
        std::mem::take(&mut self.seen.lock().longest)
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

struct Seen {
    accepted: u64,
    /// When there were so many first.
    since: Instant,
    /// What each client waits for, and since when.
    open: Vec<BTreeMap<(String, u64), Instant>>,
    longest: Pauses,
}

impl Seen {
    fn new(accepted: u64, now: Instant) -> Self {
        Self { accepted, since: now, open: Vec::new(), longest: Pauses::default() }
    }

    fn look(&mut self, progress: &Progress, now: Instant) {
        let accepted = progress.accepted();
        if accepted > self.accepted {
            self.longest.silence = self.longest.silence.max(now - self.since);
            (self.accepted, self.since) = (accepted, now);
        }
        self.open.resize_with(progress.journals.len(), BTreeMap::new);
        for ((_, journal), known) in progress.journals.iter().zip(&mut self.open) {
            journal.view(|view| self.longest.wait = self.longest.wait.max(compare(&view.open, known, now)));
        }
    }
}

/// Takes over what is open now, and gives the longest time for which something was that isn't any more.
fn compare(open: &BTreeSet<(String, u64)>, known: &mut BTreeMap<(String, u64), Instant>, now: Instant) -> Duration {
    let over = known.extract_if(.., |of, _| !open.contains(of));
    let longest = over.map(|(_, since)| now - since).max().unwrap_or_default();
    for of in open {
        if !known.contains_key(of) {
            known.insert(of.clone(), now);
        }
    }
    longest
}

/// What every sort of death cost.
#[derive(Default)]
pub(crate) struct Report(BTreeMap<String, Vec<Pauses>>);

impl Report {
    pub(crate) fn add(&mut self, round: &Round, pauses: Pauses) {
        self.0.entry(round.to_string()).or_default().push(pauses);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:44} {:>6} {:>22} {:>22}", "", "rounds", "a client waited, ms", "all clients waited, ms")?;
        for (what, all) in &self.0 {
            let longest = |of: fn(&Pauses) -> Duration| all.iter().map(of).max().unwrap_or_default().as_millis();
            let (wait, silence) = (longest(|pauses| pauses.wait), longest(|pauses| pauses.silence));
            writeln!(f, "{what:44} {:>6} {wait:>22} {silence:>22}", all.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_what_was_waited_for() {
        let of = |id| ("chat".to_owned(), id);
        let (mut known, begin) = (BTreeMap::new(), Instant::now());
        let mut look = |open: &[u64], at| {
            let open = open.iter().map(|id| of(*id)).collect();
            compare(&open, &mut known, begin + Duration::from_secs(at)).as_secs()
        };
        assert_eq!([look(&[1], 0), look(&[1, 2], 3), look(&[2], 4), look(&[2], 9), look(&[], 10)], [0, 0, 4, 0, 7]);
    }
}
