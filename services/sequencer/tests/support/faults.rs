//! A log and a store that fail at their Nth call, in one of several ways.

use std::{
    future::{Future, pending},
    sync::Arc,
};

use async_trait::async_trait;
use chasqui_domain::{LogId, Offset};
use chasqui_log::{Append, Bounds, Log, Partitions, Pending, Reader, Record, TopicPartition};
use futures::FutureExt;
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

pub const MODES: [Mode; 4] = [Mode::ErrorBefore, Mode::ErrorAfter, Mode::CrashBefore, Mode::CrashAfter];

/// Counts calls, and fails one of them.
#[derive(Default)]
pub struct Faults {
    state: Mutex<State>,
    crash: Notify,
}

#[derive(Default)]
struct State {
    calls: u64,
    plan: Option<(u64, Mode)>,
}

impl Faults {
    pub fn new(call: u64, mode: Mode) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { calls: 0, plan: Some((call, mode)) }), crash: Notify::new() })
    }

    pub fn none() -> Arc<Self> {
        Arc::default()
    }

    /// Whether the call that was to fail came.
    pub fn happened(&self) -> bool {
        self.state.lock().plan.is_none()
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
pub struct Injected;

pub struct LogError(chasqui_log::Error);

impl From<Injected> for LogError {
    fn from(_: Injected) -> Self {
        Self(chasqui_log::Error::Unavailable { why: "injected".to_owned() })
    }
}

impl From<chasqui_log::Error> for LogError {
    fn from(error: chasqui_log::Error) -> Self {
        Self(error)
    }
}

pub struct FaultyLog {
    pub inner: Arc<dyn Log>,
    pub faults: Arc<Faults>,
}

impl FaultyLog {
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, chasqui_log::Error>>,
    ) -> Result<T, chasqui_log::Error> {
        self.faults.call(call.map(|result| result.map_err(LogError))).await.map_err(|LogError(error)| error)
    }
}

#[async_trait]
impl Log for FaultyLog {
    fn id(&self) -> LogId {
        self.inner.id()
    }

    fn partitions(&self) -> Partitions {
        self.inner.partitions()
    }

    async fn enqueue(&self, batch: Vec<Append>) -> Result<Pending, chasqui_log::Error> {
        self.call(self.inner.enqueue(batch)).await
    }

    async fn reader(&self, at: &TopicPartition, from: Offset) -> Result<Box<dyn Reader>, chasqui_log::Error> {
        let inner = self.call(self.inner.reader(at, from)).await?;
        Ok(Box::new(FaultyReader { inner, faults: self.faults.clone() }))
    }

    async fn bounds(&self, at: &TopicPartition) -> Result<Bounds, chasqui_log::Error> {
        self.call(self.inner.bounds(at)).await
    }

    async fn release(&self, at: &TopicPartition, below: Offset) -> Result<(), chasqui_log::Error> {
        self.call(self.inner.release(at, below)).await
    }
}

struct FaultyReader {
    inner: Box<dyn Reader>,
    faults: Arc<Faults>,
}

#[async_trait]
impl Reader for FaultyReader {
    /// Only reads that give something count, so that the number of calls doesn't depend on the scheduler.
    async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, chasqui_log::Error> {
        let read = self.inner.next(bytes_max).await?;
        let given = self.faults.call(async move { Ok::<_, LogError>(read) }).await;
        given.map_err(|LogError(error)| error)
    }
}
