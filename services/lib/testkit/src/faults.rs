//! Calls that fail at the Nth time, in one of several ways.

use std::{
    future::{Future, pending},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// With an error, and nothing has happened.
    ErrorBefore,
    /// With an error, and it has happened.
    ErrorAfter,
    /// The process ends before it.
    CrashBefore,
    /// The process ends behind it.
    CrashAfter,
}

/// All of them.
pub const MODES: [Mode; 4] = [Mode::ErrorBefore, Mode::ErrorAfter, Mode::CrashBefore, Mode::CrashAfter];

/// Counts calls, and fails one of them.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
    crash: Notify,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    plan: Option<(u64, Mode)>,
}

impl Faults {
    /// The call with this number, counted from 1, fails.
    #[must_use]
    pub fn new(call: u64, mode: Mode) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { calls: 0, plan: Some((call, mode)) }), crash: Notify::new() })
    }

    /// None fails.
    #[must_use]
    pub fn none() -> Arc<Self> {
        Arc::default()
    }

    /// Whether the call that was to fail came.
    #[must_use]
    pub fn happened(&self) -> bool {
        self.state.lock().plan.is_none()
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// Resolves when the process is to end.
    pub async fn crash(&self) {
        self.crash.notified().await;
    }

    fn now(&self) -> Option<Mode> {
        let mut state = self.state.lock();
        state.calls += 1;
        let (call, mode) = state.plan?;
        (call == state.calls).then(|| {
            state.plan = None;
            mode
        })
    }

    /// Makes a call, or fails it.
    ///
    /// # Errors
    /// Those of the call, and the injected one.
    pub async fn call<T, E: From<Injected>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        match self.now() {
            None => call.await,
            Some(Mode::ErrorBefore) => Err(Injected.into()),
            Some(Mode::ErrorAfter) => {
                call.await?;
                Err(Injected.into())
            }
            Some(Mode::CrashBefore) => {
                self.crash.notify_one();
                pending().await
            }
            Some(Mode::CrashAfter) => {
                call.await?;
                self.crash.notify_one();
                pending().await
            }
        }
    }
}

/// What an injected error becomes.
#[derive(Debug)]
pub struct Injected;
