//! Reading ahead of the disk.

use std::{
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex},
};

use chasqui_disk::{Disk, File};
use chasqui_domain::{Offset, Partition};
use chasqui_log::{
    Log, Topic,
    suite::{PARTITIONS, commands, inbox, read, record},
};
use chasqui_log_embedded::Options;
use chasqui_testkit::CrashDisk;
use futures::FutureExt;

use crate::subjects::open;

/// Whether syncs are held up.
#[derive(Debug, Default)]
struct Gate {
    is_shut: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn shut(&self, is_shut: bool) {
        *self.is_shut.lock().unwrap() = is_shut;
        self.changed.notify_all();
    }

    fn pass(&self) {
        let is_shut = self.is_shut.lock().unwrap();
        drop(self.changed.wait_while(is_shut, |is_shut| *is_shut).unwrap());
    }
}

/// A disk whose syncs wait at a gate.
#[derive(Debug)]
struct GatedDisk(Arc<dyn Disk>, Arc<Gate>);

#[derive(Debug)]
struct GatedFile(Arc<dyn File>, Arc<Gate>);

impl Disk for GatedDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(GatedFile(self.0.open(path, create)?, self.1.clone())))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.0.list(folder)
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.create_folder(folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.sync_folder(folder)
    }
}

impl File for GatedFile {
    fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_exact_at(bytes, at)
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn sync(&self) -> io::Result<()> {
        self.1.pass();
        self.0.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
}

#[tokio::test]
async fn only_readers_ahead_see_what_is_not_synced() {
    let (disk, gate) = (CrashDisk::new(), Arc::new(Gate::default()));
    let log = open(Arc::new(GatedDisk(disk.mount(), gate.clone())), Options::new(PARTITIONS)).unwrap();
    let mut ahead = log.reader_ahead(&commands(0), Offset(0)).await.unwrap();
    let mut synced = log.reader(&commands(0), Offset(0)).await.unwrap();
    gate.shut(true);
    log.append_ahead(vec![record(&commands(0), "one")]).await.unwrap();
    let pending = log.enqueue(vec![record(&commands(0), "two")]).await.unwrap();
    assert_eq!(ahead.next(usize::MAX).await.unwrap().len(), 2);
    assert_eq!(log.bounds(&commands(0)).await.unwrap().end, Offset(2));
    let mut settles = std::pin::pin!(log.settle());
    assert!(synced.next(usize::MAX).now_or_never().is_none(), "nothing is synced");
    assert!(settles.as_mut().now_or_never().is_none());
    gate.shut(false);
    settles.await.unwrap();
    let mut seen = 0;
    while seen < 2 {
        seen += synced.next(usize::MAX).await.unwrap().len();
    }
    assert_eq!(pending.await.unwrap()[0].offset, Offset(1));
}

/// Whatever a crash takes, it takes from the end, over all partitions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_takes_what_was_appended_last() {
    let mut lost = 0;
    for seed in 0..80 {
        let disk = CrashDisk::new();
        let log: Arc<dyn Log> = open(disk.mount(), Options::new(PARTITIONS)).unwrap();
        let places = [commands(0), inbox(0), Topic::Events.partition(Partition(0))];
        let mut settled = 0;
        for number in 0..60u64 {
            log.append_ahead(vec![record(&places[(number % 3) as usize], number.to_string())]).await.unwrap();
            if number == 20 + seed % 20 {
                log.settle().await.unwrap();
                settled = number + 1;
            }
        }
        disk.crash(seed);
        drop(log);
        let log: Arc<dyn Log> = open(disk.mount(), Options::new(PARTITIONS)).unwrap();
        let mut left = Vec::new();
        for at in &places {
            let end = log.bounds(at).await.unwrap().end;
            let records = read(&log, at, 0, end.0 as usize).await;
            left.extend(records.iter().map(|record| String::from_utf8_lossy(&record.value).parse::<u64>().unwrap()));
        }
        left.sort_unstable();
        assert!(left.iter().copied().eq(0..left.len() as u64), "seed {seed}: {left:?}");
        assert!(left.len() as u64 >= settled, "seed {seed}: what was settled is gone");
        lost += 60 - left.len();
    }
    assert!(lost > 0, "nothing was ever lost: the test shows nothing");
}
