//! The heartbeats of gateways. Every router of a process reads them, and what is old says nothing, so the process fetches
//! them once, and a reader gets what comes from where the others are.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use async_trait::async_trait;
use chasqui_domain::{Offset, Partition};
use chasqui_log::{Error, Reader, Record, Topic};
use chasqui_runtime::Task;
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::{Shared, reader::KafkaReader};

/// How many heartbeats a reader may be behind; beyond it the oldest are gone.
const BEHIND_MAX: usize = 4096;

const READ_BYTES: usize = 64 * 1024;

/// How long to wait before reading again after an error.
const RETRY: Duration = Duration::from_secs(1);

/// Who fetches them, while anybody reads.
#[derive(Default)]
pub(crate) struct Heartbeats(Mutex<Weak<Source>>);

struct Source {
    told: Arc<Told>,
    /// Ended by being dropped.
    _task: Task<()>,
}

struct Told {
    /// What is read, and what keeps the rest from being read.
    sender: broadcast::Sender<Result<Record, Error>>,
    /// What will be sent next. Locked while something is sent, so that a new reader knows where it begins.
    next: Mutex<Offset>,
}

impl Heartbeats {
    pub(crate) async fn reader(&self, shared: &Arc<Shared>, from: Offset) -> Result<HeartbeatReader, Error> {
        let mut running = self.0.lock();
        let source = running.upgrade().unwrap_or_else(|| {
            let source = Arc::new(Source::start(shared.clone(), from));
            *running = Arc::downgrade(&source);
            source
        });
        drop(running);
        let next = source.told.next.lock();
        let (received, begins) = (source.told.sender.subscribe(), *next);
        drop(next);
        Ok(HeartbeatReader { received, next: from, begins, waiting: None, failure: None, _source: source })
    }
}

impl Source {
    fn start(shared: Arc<Shared>, from: Offset) -> Self {
        let told = Arc::new(Told { sender: broadcast::Sender::new(BEHIND_MAX), next: Mutex::new(from) });
        let runtime = shared.runtime.clone();
        let task = runtime.spawn("heartbeats", tell(shared, told.clone(), from));
        Self { told, _task: task }
    }
}

async fn tell(shared: Arc<Shared>, told: Arc<Told>, from: Offset) {
    let at = Topic::Heartbeats.partition(Partition(0));
    let runtime = shared.runtime.clone();
    let mut reader = KafkaReader::new(shared, at, from);
    loop {
        match reader.next(READ_BYTES).await {
            Ok(records) => {
                let mut next = told.next.lock();
                for record in records {
                    *next = record.offset.next();
                    // Who reads slowly misses some; if nobody reads, this task ends soon.
                    let _ = told.sender.send(Ok(record));
                }
            }
            Err(Error::Trimmed { .. }) => {}
            Err(error) => {
                tracing::debug!(target: "kafka", %error, "heartbeats can't be read");
                if !error.is_retryable() {
                    // Nobody may wait for what this process can't read.
                    let _ = told.sender.send(Err(error));
                }
                runtime.sleep(RETRY).await;
            }
        }
    }
}

pub(crate) struct HeartbeatReader {
    received: broadcast::Receiver<Result<Record, Error>>,
    /// The next offset wanted.
    next: Offset,
    /// From where on records are received.
    begins: Offset,
    /// Received, and to be given behind the word that something before it is gone.
    waiting: Option<Record>,
    /// What is to be told behind the records that came before it.
    failure: Option<Error>,
    _source: Arc<Source>,
}

#[async_trait]
impl Reader for HeartbeatReader {
    async fn next(&mut self, bytes_max: usize) -> Result<Vec<Record>, Error> {
        // Told at once, and not with the next record: whoever wants to have read up to the end would wait for it.
        if self.next < self.begins {
            self.next = self.begins;
            return Err(Error::Trimmed { start: self.begins });
        }
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        loop {
            let record = match self.waiting.take() {
                Some(record) => record,
                None => match self.received.recv().await {
                    Ok(Ok(record)) if record.offset < self.next => continue,
                    Ok(Ok(record)) => record,
                    Ok(Err(error)) => return Err(error),
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    Err(broadcast::error::RecvError::Closed) => return Err(Error::Closed),
                },
            };
            if record.offset > self.next {
                self.next = record.offset;
                let start = record.offset;
                self.waiting = Some(record);
                return Err(Error::Trimmed { start });
            }
            return Ok(self.take(record, bytes_max));
        }
    }
}

impl HeartbeatReader {
    /// This one and those that are there and fit.
    fn take(&mut self, first: Record, bytes_max: usize) -> Vec<Record> {
        let mut bytes = first.bytes();
        self.next = first.offset.next();
        let mut records = vec![first];
        while let Ok(received) = self.received.try_recv() {
            let record = match received {
                Ok(record) => record,
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            };
            bytes += record.bytes();
            if bytes > bytes_max || record.offset != self.next {
                self.waiting = Some(record);
                break;
            }
            self.next = record.offset.next();
            records.push(record);
        }
        records
    }
}
