//! How a role works at its partition: until an error, and again after a pause.

use std::{fmt, future::Future, time::Duration};

use chasqui_domain::{Offset, Partition};
use tokio::sync::watch;

use crate::Runtime;

const PAUSE_LEAST: Duration = Duration::from_millis(50);

/// How far a role has come in its partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// All records below this offset are done; none before it first owned its partition.
    pub caught_up_to: Option<Offset>,
    /// What it waits for, after an error; none while all is well.
    pub waiting: Option<String>,
}

/// How long to wait before the next attempt: twice as long each time, up to a bound.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    max: Duration,
}

impl Backoff {
    /// The first pause is short, none is longer than `max`.
    #[must_use]
    pub fn new(max: Duration) -> Self {
        Self { next: PAUSE_LEAST.min(max), max }
    }

    /// Something succeeded: the next pause is short again.
    pub fn reset(&mut self) {
        self.next = PAUSE_LEAST.min(self.max);
    }

    /// The longest pause.
    #[must_use]
    pub fn longest(&self) -> Duration {
        self.max
    }

    /// The pause to make now.
    #[must_use = "the next one is longer"]
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }
}

/// Something that owns a partition, works at it until an error, and can begin again from what it has stored.
pub trait Role: Sync {
    /// What it is called.
    const NAME: &'static str;
    /// What ends an attempt.
    type Error: fmt::Display + Send;

    /// Whether beginning again later can help.
    fn is_retryable(error: &Self::Error) -> bool;

    /// Whether somebody else has the partition now: then the pause is the longest, or the two would take it from each other
    /// without end.
    fn gives_way(_error: &Self::Error) -> bool {
        false
    }

    /// Takes the partition over and works until an error; resets `backoff` whenever a step succeeds. Dropping the
    /// future is a way to stop: the next attempt needs to know nothing of this one.
    fn attempt(&self, backoff: &mut Backoff) -> impl Future<Output = Self::Error> + Send;
}

/// Attempts again and again, and says through `progress` what it waits for meanwhile, until an error that waiting does
/// not mend.
pub async fn keep_at<R: Role>(
    role: &R,
    partition: Partition,
    runtime: &Runtime,
    mut backoff: Backoff,
    progress: &watch::Sender<Progress>,
) -> R::Error {
    loop {
        let error = role.attempt(&mut backoff).await;
        progress.send_modify(|progress| progress.waiting = Some(error.to_string()));
        if !R::is_retryable(&error) {
            tracing::error!(partition = partition.0, %error, "the {} stops", R::NAME);
            return error;
        }
        let pause = if R::gives_way(&error) { backoff.longest() } else { backoff.pause() };
        tracing::warn!(partition = partition.0, %error, ?pause, "the {} waits and begins again", R::NAME);
        runtime.sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound_and_begin_small_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_millis(150));
        let pauses = [backoff.pause(), backoff.pause(), backoff.pause()].map(|pause| pause.as_millis());
        assert_eq!(pauses, [50, 100, 150]);
        backoff.reset();
        assert_eq!(backoff.pause(), PAUSE_LEAST);
        assert_eq!(Backoff::new(Duration::ZERO).pause(), Duration::ZERO);
    }
}
