//! A log that fails at its Nth call.

use std::{future::Future, sync::Arc};

use async_trait::async_trait;
use chasqui_domain::{LogId, Offset};
use chasqui_log::{Append, Bounds, Log, Partitions, Pending, Reader, Record, TopicPartition};
use futures::FutureExt;

use crate::faults::{Faults, Injected};

struct LogError(chasqui_log::Error);

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

/// A log that fails when [`Faults`] says so.
pub struct FaultyLog {
    /// The log.
    pub inner: Arc<dyn Log>,
    /// When it fails.
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
