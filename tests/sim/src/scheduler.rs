//! One thread, a simulated clock, and a seed that says who runs next.
//!
//! Tasks belong to processes. A process can be killed, which drops its tasks where they stand, or stalled, which keeps
//! them from running for a while as a long pause of a machine does. Time goes on only when nobody can run.

use std::{
    collections::BTreeMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_task::{Runnable, Task};
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::dice::Dice;

/// So many steps without time going by are taken for a loop that never ends.
const STEPS_AT_ONCE_MAX: u64 = 200_000;

/// A process; none is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ProcessId(u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct TaskId(u64);

/// What is no process: networks, disks, the director. Never killed or stalled.
pub(crate) const WORLD: ProcessId = ProcessId(0);

/// Why a run can't go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// Something panicked.
    #[error("{process} panicked: {why}")]
    Panicked {
        /// Whose task it was.
        process: String,
        /// What it said.
        why: String,
    },
    /// Tasks go on waking each other without waiting for anything.
    #[error("tasks spin: {STEPS_AT_ONCE_MAX} steps at {at:?}, the last of {process}")]
    Spins {
        /// When.
        at: Duration,
        /// Who ran last.
        process: String,
    },
}

/// Runs tasks. Clones are the same scheduler.
#[derive(Clone)]
pub(crate) struct Scheduler(Arc<Mutex<State>>);

struct State {
    now: Duration,
    dice: Dice,
    /// By number, so that in which order wakers are called, which libraries leave to their own chance, changes nothing.
    ready: BTreeMap<TaskId, (ProcessId, Runnable)>,
    task_last: u64,
    processes: BTreeMap<ProcessId, Process>,
    process_last: u32,
    timers: BTreeMap<(Duration, u64), Waker>,
    timer_last: u64,
    steps: u64,
}

struct Process {
    name: Arc<str>,
    tasks: Vec<Task<()>>,
    tasks_kept: usize,
    is_stalled: bool,
    /// What could run and may not.
    held: Vec<(TaskId, Runnable)>,
}

impl Process {
    fn new(name: &str) -> Self {
        Self { name: name.into(), tasks: Vec::new(), tasks_kept: 16, is_stalled: false, held: Vec::new() }
    }
}

impl Scheduler {
    /// Nobody, at time zero.
    #[must_use]
    pub(crate) fn new(seed: u64) -> Self {
        let processes = BTreeMap::from([(WORLD, Process::new("world"))]);
        Self(Arc::new(Mutex::new(State {
            now: Duration::ZERO,
            dice: Dice::new(seed, "scheduler"),
            ready: BTreeMap::new(),
            task_last: 0,
            processes,
            process_last: 0,
            timers: BTreeMap::new(),
            timer_last: 0,
            steps: 0,
        })))
    }

    /// The time since the beginning.
    #[must_use]
    pub(crate) fn now(&self) -> Duration {
        self.0.lock().now
    }

    /// How many steps tasks have made.
    #[must_use]
    pub(crate) fn steps(&self) -> u64 {
        self.0.lock().steps
    }

    /// A new process without a task.
    #[must_use]
    pub(crate) fn begin(&self, name: &str) -> ProcessId {
        let mut state = self.0.lock();
        state.process_last += 1;
        let id = ProcessId(state.process_last);
        state.processes.insert(id, Process::new(name));
        id
    }

    /// Whether the process was not killed.
    #[must_use]
    pub(crate) fn is_alive(&self, id: ProcessId) -> bool {
        self.0.lock().processes.contains_key(&id)
    }

    /// Runs a future in a process until it ends or the process does. In one that was killed it never begins.
    pub(crate) fn spawn(&self, id: ProcessId, future: impl Future<Output = ()> + Send + 'static) {
        let weak = Arc::downgrade(&self.0);
        let mut state = self.0.lock();
        state.task_last += 1;
        let number = TaskId(state.task_last);
        let (runnable, task) = async_task::spawn(future, move |runnable| ready(&weak, id, number, runnable));
        let Some(process) = state.processes.get_mut(&id) else {
            // Both are dropped without the lock: what they drop may wake others.
            drop(state);
            drop((runnable, task));
            return;
        };
        if process.tasks.len() >= process.tasks_kept {
            process.tasks.retain(|task| !task.is_finished());
            process.tasks_kept = process.tasks.len() * 2 + 16;
        }
        process.tasks.push(task);
        drop(state);
        runnable.schedule();
    }

    /// Ends a process: all of its tasks are dropped at the await at which they are.
    pub(crate) fn kill(&self, id: ProcessId) {
        let process = self.0.lock().processes.remove(&id);
        drop(process);
        // What was ready, or became so by being cancelled, drops its future when it is run.
        loop {
            let mut state = self.0.lock();
            let Some(number) = state.ready.iter().find(|(_, (of, _))| *of == id).map(|(number, _)| *number) else {
                return;
            };
            let runnable = state.ready.remove(&number);
            drop(state);
            drop(runnable);
        }
    }

    /// Ends all processes, the world as well.
    pub(crate) fn end(&self) {
        let ids: Vec<_> = self.0.lock().processes.keys().copied().rev().collect();
        ids.into_iter().for_each(|id| self.kill(id));
        self.0.lock().timers.clear();
    }

    /// Lets a process stand still, until [`Scheduler::go_on`].
    pub(crate) fn stall(&self, id: ProcessId) {
        if let Some(process) = self.0.lock().processes.get_mut(&id) {
            process.is_stalled = true;
        }
    }

    /// Lets a process that was stalled go on.
    pub(crate) fn go_on(&self, id: ProcessId) {
        let mut state = self.0.lock();
        let Some(process) = state.processes.get_mut(&id) else { return };
        process.is_stalled = false;
        let held = std::mem::take(&mut process.held);
        state.ready.extend(held.into_iter().map(|(number, runnable)| (number, (id, runnable))));
    }

    /// Completes after `duration`.
    pub(crate) fn sleep(&self, duration: Duration) -> Sleep {
        Sleep { state: self.0.clone(), until: self.now().saturating_add(duration), timer: None }
    }

    /// The same as a boxed future.
    pub(crate) fn sleep_boxed(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep(duration))
    }

    /// Runs until a time.
    ///
    /// # Errors
    /// When something panics, or time doesn't go on.
    pub(crate) fn run_until(&self, until: Duration) -> Result<(), Broken> {
        let mut steps_at_once = 0;
        loop {
            while let Some((process, runnable)) = self.next() {
                steps_at_once += 1;
                let ran = catch_unwind(AssertUnwindSafe(|| runnable.run()));
                if let Err(panic) = ran {
                    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                    return Err(Broken::Panicked { process, why: text.unwrap_or_default() });
                }
                if steps_at_once > STEPS_AT_ONCE_MAX {
                    return Err(Broken::Spins { at: self.now(), process });
                }
            }
            steps_at_once = 0;
            if !self.go_to_next_timer(until) {
                return Ok(());
            }
        }
    }

    /// Chance decides among all that are ready.
    fn next(&self) -> Option<(String, Runnable)> {
        let mut state = self.0.lock();
        let state = &mut *state;
        while !state.ready.is_empty() {
            // Where there is no choice nothing is rolled, so that less changes with what a plan leaves out.
            let at = if state.ready.len() > 1 { state.dice.below(state.ready.len()) } else { 0 };
            let number = state.ready.keys().nth(at).copied()?;
            let (id, runnable) = state.ready.remove(&number)?;
            match state.processes.get_mut(&id) {
                Some(process) if process.is_stalled => process.held.push((number, runnable)),
                Some(process) => {
                    state.steps += 1;
                    return Some((process.name.to_string(), runnable));
                }
                // It was killed meanwhile; running it drops its future.
                None => return Some((String::new(), runnable)),
            }
        }
        None
    }

    /// Whether there was one before `until`; if not, it is `until` now.
    fn go_to_next_timer(&self, until: Duration) -> bool {
        let mut state = self.0.lock();
        let Some((&(at, _), _)) = state.timers.first_key_value().filter(|((at, _), _)| *at <= until) else {
            state.now = state.now.max(until);
            return false;
        };
        state.now = at;
        let mut due = Vec::new();
        while let Some(timer) = state.timers.first_entry().filter(|timer| timer.key().0 <= at) {
            due.push(timer.remove());
        }
        drop(state);
        due.into_iter().for_each(Waker::wake);
        true
    }
}

fn ready(state: &Weak<Mutex<State>>, id: ProcessId, number: TaskId, runnable: Runnable) {
    let Some(state) = state.upgrade() else { return };
    let mut state = state.lock();
    match state.processes.get_mut(&id) {
        Some(process) if process.is_stalled => process.held.push((number, runnable)),
        _ => drop(state.ready.insert(number, (id, runnable))),
    }
}

/// Completes at its time. Cancelled by dropping.
pub(crate) struct Sleep {
    state: Arc<Mutex<State>>,
    until: Duration,
    timer: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.state.lock();
        if state.now >= this.until {
            return Poll::Ready(());
        }
        let number = *this.timer.get_or_insert_with(|| {
            state.timer_last += 1;
            state.timer_last
        });
        state.timers.insert((this.until, number), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.timer {
            let waker = self.state.lock().timers.remove(&(self.until, number));
            drop(waker);
        }
    }
}

#[cfg(test)]
mod tests;
