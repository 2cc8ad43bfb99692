//! The store's contract, on every implementation of it; and the embedded one on disks that crash, fill up and rot.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]
mod store_answered;
mod store_crash;
mod store_damage;
mod store_script;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use chasqui_disk::{Disk, RealDisk};
use chasqui_store::{
    memory::MemoryStore,
    suite::{Factory, Subject},
};
use chasqui_store_embedded::{EmbeddedStore, Options};
use chasqui_testkit::CrashDisk;

fn subject<T: chasqui_store::Store + chasqui_store::KeyTable>(store: Arc<T>) -> Subject {
    Subject { store: store.clone(), keys: store }
}

struct Memory;

#[async_trait]
impl Factory for Memory {
    async fn open(&self) -> Subject {
        subject(Arc::new(MemoryStore::new()))
    }
}

/// The embedded store in one folder.
struct Embedded {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// Reopened after a crash of this disk instead of after a close.
    crash: Option<CrashDisk>,
    options: Options,
    _temporary: Option<tempfile::TempDir>,
}

impl Embedded {
    fn real() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("data/store");
        Self { disk: Arc::new(RealDisk), folder, crash: None, options: Options::default(), _temporary: Some(temporary) }
    }

    fn crashing() -> Self {
        let disk = CrashDisk::new();
        let (folder, options) = ("/data".into(), Options::default());
        Self { disk: Arc::new(disk.clone()), folder, crash: Some(disk), options, _temporary: None }
    }

    /// Rows meet those of former transactions, and not only those of their own.
    fn committing() -> Self {
        Self { options: Options { transaction_bytes_max: 0, ..Options::default() }, ..Self::real() }
    }
}

#[async_trait]
impl Factory for Embedded {
    async fn open(&self) -> Subject {
        subject(EmbeddedStore::open(self.disk.clone(), self.folder.clone(), self.options.clone()).unwrap())
    }

    async fn reopen(&self, old: Subject) -> Option<Subject> {
        if let Some(disk) = &self.crash {
            disk.crash(0);
        }
        drop(old);
        Some(self.open().await)
    }
}

mod memory {
    chasqui_store::conformance!(super::Memory);
}

mod embedded {
    chasqui_store::conformance!(super::Embedded::real());
}

mod embedded_committing_all_the_time {
    chasqui_store::conformance!(super::Embedded::committing());
}

mod embedded_after_crashes {
    chasqui_store::conformance!(super::Embedded::crashing());
}
