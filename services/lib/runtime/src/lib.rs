//! What roles run on: the one handle through which they reach clocks, randomness and spawning, so that a simulation can
//! own all three; and the loop in which they begin again after an error.

mod real;
mod role;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use chasqui_domain::TimeMs;
use futures::{
    FutureExt,
    future::{AbortHandle, Abortable, BoxFuture, Either, select},
};
use tokio::sync::oneshot;

pub use real::Real;
pub use role::{Backoff, Progress, Role, keep_at};

/// What a [`Runtime`] is made of: the real one, or a simulation's.
pub trait Driver: Send + Sync + 'static {
    /// The wall clock. It may jump in either direction.
    fn now(&self) -> TimeMs;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
    /// Completes after `duration`. Cancelled by dropping.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
    /// Fills `bytes` with randomness fit for keys and nonces.
    fn fill_random(&self, bytes: &mut [u8]);
    /// Runs `future` until it ends.
    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>);
}

/// A cheap handle to the clock, randomness and spawning.
#[derive(Clone)]
pub struct Runtime(Arc<dyn Driver>);

/// `duration` went by before the future was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl Runtime {
    /// A runtime on this driver.
    pub fn new(driver: impl Driver) -> Self {
        Self(Arc::new(driver))
    }

    /// The operating system's clocks and randomness, and the tokio runtime that the caller runs in.
    #[must_use]
    pub fn real() -> Self {
        Self::new(Real::new())
    }

    /// The wall clock. It may jump in either direction.
    #[must_use]
    pub fn now(&self) -> TimeMs {
        self.0.now()
    }

    /// Time since some fixed moment; never goes back.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    /// Completes after `duration`. Cancelled by dropping.
    pub fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    /// Waits for `future` for at most `duration`, then drops it.
    ///
    /// # Errors
    /// [`Elapsed`] when the time went by first.
    pub async fn timeout<F: Future>(&self, duration: Duration, future: F) -> Result<F::Output, Elapsed> {
        match select(pin!(future), self.sleep(duration)).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(((), _)) => Err(Elapsed),
        }
    }

    /// Randomness fit for keys and nonces.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_random(&mut bytes);
        bytes
    }

    /// Runs `future` beside the caller until it ends, or until the [`Task`] is dropped.
    #[must_use = "dropping a task ends it"]
    pub fn spawn<F>(&self, name: &'static str, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (abort, registration) = AbortHandle::new_pair();
        let (sender, done) = oneshot::channel();
        let run = Abortable::new(future, registration).map(|output| {
            if let Ok(output) = output {
                // Nobody waits for the output of a task that was detached.
                let _ = sender.send(output);
            }
        });
        self.0.spawn(name, run.boxed());
        Task { abort: Some(abort), done }
    }
}

/// A future that runs beside its owner. Dropping it ends the future at its next await.
pub struct Task<T> {
    abort: Option<AbortHandle>,
    done: oneshot::Receiver<T>,
}

impl<T> Task<T> {
    /// Waits for the end: the output, or none if the task panicked. Cancel safe: nothing is lost by dropping the
    /// returned future.
    pub async fn join(&mut self) -> Option<T> {
        (&mut self.done).await.ok()
    }

    /// Ends the future at its next await, and waits until it runs no more. Dropping a task doesn't wait: the future may
    /// be in the middle of a step on another thread.
    pub async fn end(mut self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
        // It may have been joined before, and has no output when it is ended here.
        if !self.done.is_terminated() {
            let _ = (&mut self.done).await;
        }
    }

    /// Lets the future run to its end without an owner.
    pub fn detach(mut self) {
        self.abort = None;
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(abort) = &self.abort {
            abort.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::{
            atomic::{AtomicBool, Ordering},
            mpsc,
        },
    };

    use futures::poll;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn ending_a_task_waits_for_the_step_that_it_is_in() {
        let (begun, has_begun) = oneshot::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let is_done = Arc::new(AtomicBool::new(false));
        let step = is_done.clone();
        let task = Runtime::real().spawn("step", async move {
            let _ = begun.send(());
            let _ = wait.recv();
            step.store(true, Ordering::SeqCst);
            pending::<()>().await;
        });
        has_begun.await.unwrap();
        let mut end = pin!(task.end());
        assert!(poll!(&mut end).is_pending());
        go_on.send(()).unwrap();
        end.await;
        assert!(is_done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_task_that_has_ended_can_be_ended() {
        let mut task = Runtime::real().spawn("nothing", async {});
        assert_eq!(task.join().await, Some(()));
        task.end().await;
        Runtime::real().spawn("nothing", async {}).end().await;
    }
}
