//! What happened, for people to read. Only a run that is shown keeps it.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::scheduler::Scheduler;

/// What happened, with its times. Clones are the same trace.
#[derive(Clone)]
pub(crate) struct Trace {
    scheduler: Scheduler,
    lines: Option<Arc<Mutex<Vec<String>>>>,
}

impl Trace {
    /// A trace that is kept, or one that forgets all.
    #[must_use]
    pub(crate) fn new(scheduler: &Scheduler, is_on: bool) -> Self {
        Self { scheduler: scheduler.clone(), lines: is_on.then(Arc::default) }
    }

    /// Whether it is kept.
    #[must_use]
    pub(crate) fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    /// Writes a line, which is made only when it is kept.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let now = self.scheduler.now().as_millis();
            lines.lock().push(format!("{:>4}.{:03}  {}", now / 1_000, now % 1_000, line()));
        }
    }

    /// All lines.
    #[must_use]
    pub(crate) fn take(&self) -> Vec<String> {
        self.lines.as_ref().map(|lines| std::mem::take(&mut *lines.lock())).unwrap_or_default()
    }
}
