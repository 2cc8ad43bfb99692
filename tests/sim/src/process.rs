//! A process: what of it the roles see as their runtime. Its clock is its own.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chasqui_domain::TimeMs;
use chasqui_runtime::{Driver, Runtime};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::{
    dice::Dice,
    scheduler::{ProcessId, Scheduler},
};

/// A process. Clones are the same.
#[derive(Clone)]
pub(crate) struct Process(Arc<Inner>);

struct Inner {
    id: ProcessId,
    name: String,
    scheduler: Scheduler,
    dice: Mutex<Dice>,
    /// The wall clock when the run began, as this process sees it.
    wall_ms: AtomicI64,
    /// A monotonic clock begins anywhere.
    booted: Duration,
    /// What happens at writes that are to come.
    at_writes: Mutex<Vec<AtWrite>>,
}

struct AtWrite {
    /// So many writes come before.
    left: u32,
    happens: Box<dyn FnOnce(&Process) + Send>,
}

impl Process {
    /// The process number `life` of its name, whose wall clock shows `wall_ms` at time zero.
    #[must_use]
    pub(crate) fn begin(scheduler: &Scheduler, (name, life): (&str, usize), seed: u64, wall_ms: i64) -> Self {
        let id = scheduler.begin(name);
        let mut dice = Dice::new(seed, &format!("{name} {life}"));
        let booted = dice.ms(0..100_000_000);
        Self(Arc::new(Inner {
            id,
            name: name.to_owned(),
            scheduler: scheduler.clone(),
            dice: Mutex::new(dice),
            wall_ms: AtomicI64::new(wall_ms),
            booted,
            at_writes: Mutex::default(),
        }))
    }

    /// Which it is.
    #[must_use]
    pub(crate) fn id(&self) -> ProcessId {
        self.0.id
    }

    /// What it is called; processes that follow each other have the same name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// What runs it.
    #[must_use]
    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.0.scheduler
    }

    /// What the roles get.
    #[must_use]
    pub(crate) fn runtime(&self) -> Runtime {
        Runtime::new(self.clone())
    }

    /// Rolls its dice.
    pub(crate) fn roll<T>(&self, roll: impl FnOnce(&mut Dice) -> T) -> T {
        roll(&mut self.0.dice.lock())
    }

    /// Runs a future in it.
    pub(crate) fn run(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.0.scheduler.spawn(self.0.id, future);
    }

    /// Something is to happen when it writes to log, store or disk, behind so many other writes. It must not own the
    /// process, which keeps it until then.
    pub(crate) fn at_write(&self, left: u32, happens: impl FnOnce(&Self) + Send + 'static) {
        self.0.at_writes.lock().push(AtWrite { left, happens: Box::new(happens) });
    }

    /// It writes to log, store or disk.
    pub(crate) fn writes(&self) {
        let due: Vec<_> = {
            let mut at_writes = self.0.at_writes.lock();
            let due = at_writes.extract_if(.., |at_write| at_write.left == 0).collect();
            at_writes.iter_mut().for_each(|at_write| at_write.left -= 1);
            due
        };
        due.into_iter().for_each(|AtWrite { happens, .. }| happens(self));
    }

    /// Turns its wall clock.
    pub(crate) fn turn_clock(&self, by_ms: i64) {
        self.0.wall_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Whether it was not killed.
    #[must_use]
    pub(crate) fn is_alive(&self) -> bool {
        self.0.scheduler.is_alive(self.0.id)
    }

    /// Ends it where it stands.
    pub(crate) fn kill(&self) {
        self.0.scheduler.kill(self.0.id);
    }
}

impl Driver for Process {
    fn now(&self) -> TimeMs {
        let since = i64::try_from(self.0.scheduler.now().as_millis()).unwrap_or(i64::MAX);
        let now = self.0.wall_ms.load(Ordering::Relaxed).saturating_add(since);
        TimeMs(u64::try_from(now).unwrap_or_default())
    }

    fn monotonic(&self) -> Duration {
        self.0.booted + self.0.scheduler.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.scheduler.sleep_boxed(duration)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.roll(|dice| dice.fill(bytes));
    }

    fn spawn(&self, _name: &'static str, future: BoxFuture<'static, ()>) {
        self.run(future);
    }
}
