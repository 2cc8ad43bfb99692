//! The implementations, as the suite wants them.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use chasqui_disk::{Disk, RealDisk};
use chasqui_domain::{LogId, TimeMs};
use chasqui_log::{
    Log, MemoryLog, Topic,
    suite::{Factory, PARTITIONS, Retention, Subject, record},
};
use chasqui_log_embedded::{EmbeddedLog, OpenError, Options};
use chasqui_runtime::{Driver, Real, Runtime};
use chasqui_testkit::CrashDisk;
use futures::future::BoxFuture;

/// A wall clock that goes back now and then.
pub struct Jumping(Real, AtomicU64);

impl Driver for Jumping {
    fn now(&self) -> TimeMs {
        let calls = self.1.fetch_add(1, Ordering::Relaxed);
        TimeMs(self.0.now().0 - (calls % 7) * 1000)
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        self.0.fill_random(bytes);
    }

    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) {
        self.0.spawn(name, future);
    }
}

pub fn runtime() -> Runtime {
    Runtime::new(Jumping(Real::new(), AtomicU64::new(0)))
}

/// Small segments, so that every test has several.
pub fn options(retention: Retention) -> Options {
    let mut options = Options::new(PARTITIONS);
    options.segment_bytes = 4096;
    options.queue_bytes_max = 4 * 1024 * 1024;
    options.cache_bytes = 8 * 1024;
    if retention == Retention::None {
        options.retention_ms = 0;
    }
    options
}

pub fn folder() -> PathBuf {
    PathBuf::from("/data/log")
}

pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<Arc<EmbeddedLog>, OpenError> {
    EmbeddedLog::open(disk, folder(), options, runtime())
}

pub struct Memory;

#[async_trait]
impl Factory for Memory {
    async fn create(&self, _retention: Retention) -> Box<dyn Subject> {
        Box::new(MemorySubject(Arc::new(MemoryLog::new(LogId([1; 16]), PARTITIONS, runtime()))))
    }
}

struct MemorySubject(Arc<MemoryLog>);

#[async_trait]
impl Subject for MemorySubject {
    fn log(&self) -> Arc<dyn Log> {
        self.0.clone()
    }

    async fn expire(&mut self) -> bool {
        self.0.trim();
        true
    }

    async fn reopen(&mut self) -> bool {
        false
    }
}

pub struct OnRealDisk;

#[async_trait]
impl Factory for OnRealDisk {
    async fn create(&self, retention: Retention) -> Box<dyn Subject> {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Real { folder: folder.path().join("made/when/missing"), _guard: folder };
        Box::new(Embedded::new(place, options(retention)))
    }
}

pub struct OnCrashDisk {
    pub cache_bytes: usize,
    pub crashes: bool,
}

impl Default for OnCrashDisk {
    fn default() -> Self {
        Self { cache_bytes: 8 * 1024, crashes: false }
    }
}

#[async_trait]
impl Factory for OnCrashDisk {
    async fn create(&self, retention: Retention) -> Box<dyn Subject> {
        let options = Options { cache_bytes: self.cache_bytes, ..options(retention) };
        let place = Place::Crash { disk: CrashDisk::new(), crashes: self.crashes };
        Box::new(Embedded::new(place, options))
    }
}

enum Place {
    Real { folder: PathBuf, _guard: tempfile::TempDir },
    Crash { disk: CrashDisk, crashes: bool },
}

struct Embedded {
    place: Place,
    options: Options,
    log: Option<Arc<EmbeddedLog>>,
}

impl Embedded {
    fn new(place: Place, options: Options) -> Self {
        let mut subject = Self { place, options, log: None };
        subject.open();
        subject
    }

    fn open(&mut self) {
        let (disk, folder): (Arc<dyn Disk>, _) = match &self.place {
            Place::Real { folder, .. } => (Arc::new(RealDisk), folder.clone()),
            Place::Crash { disk, .. } => (disk.mount(), folder()),
        };
        self.log = Some(EmbeddedLog::open(disk, folder, self.options.clone(), runtime()).unwrap());
    }
}

#[async_trait]
impl Subject for Embedded {
    fn log(&self) -> Arc<dyn Log> {
        self.log.clone().unwrap()
    }

    async fn expire(&mut self) -> bool {
        // More than a segment, so that what was there is sealed; the writer looks at retention when it rolls.
        let heartbeats = Topic::Heartbeats.partition(chasqui_domain::Partition(0));
        for _ in 0..3 {
            self.log().append(vec![record(&heartbeats, "x".repeat(5000))]).await.unwrap();
        }
        true
    }

    async fn reopen(&mut self) -> bool {
        if let Place::Crash { disk, crashes: true } = &self.place {
            disk.crash(7);
        }
        let log = self.log.take().unwrap();
        assert_eq!(Arc::strong_count(&log), 1, "somebody else has the log");
        drop(log);
        self.open();
        true
    }
}
