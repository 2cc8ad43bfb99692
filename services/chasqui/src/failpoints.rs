//! Kills or stops the process at a named point, as a test asks for.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow};
use rustix::process::{Signal, getpid, kill_process};

/// A place in the code, and the how many-th time that it is passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KillAt {
    point: String,
    count: u64,
    /// How long who passes it stands still there before, while everything else goes on: what was to be done before this
    /// place becomes durable then, and what was to be done behind it never happens.
    pause: Duration,
}

impl std::str::FromStr for KillAt {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "write it as POINT=COUNT or POINT=COUNT+PAUSE_MS, like sequencer::after_rows=3";
        let (point, times) = text.split_once('=').context(form)?;
        let (count, pause_ms) = times.split_once('+').unwrap_or((times, "0"));
        let count = count.parse().ok().filter(|count| *count > 0).context("the count is a number from 1 up")?;
        let pause = Duration::from_millis(pause_ms.parse().context(form)?);
        Ok(Self { point: point.to_owned(), count, pause })
    }
}

impl KillAt {
    /// From now on, the process dies there as it would without power: by a signal that nothing can catch.
    pub(crate) fn arm(&self) -> anyhow::Result<()> {
        let pause = self.pause;
        self.once(move || {
            thread::sleep(pause);
            // Were it to fail, the test that waits for it would say so.
            let _ = kill_process(getpid(), Signal::KILL);
            loop {
                std::thread::park();
            }
        })
    }

    /// From now on, all of the process stands still there until somebody lets it go on.
    pub(crate) fn arm_to_stop(&self) -> anyhow::Result<()> {
        self.once(|| {
            let _ = kill_process(getpid(), Signal::STOP);
        })
    }

    fn once(&self, act: impl Fn() + Send + Sync + 'static) -> anyhow::Result<()> {
        let (passed, count) = (AtomicU64::new(0), self.count);
        let pass = move || {
            if passed.fetch_add(1, Ordering::SeqCst) + 1 == count {
                act();
            }
        };
        fail::cfg_callback(self.point.clone(), pass).map_err(|why| anyhow!("the failpoint {}: {why}", self.point))
    }
}
