//! The power goes at any moment: what was confirmed or seen is there afterwards, and nothing is where something else
//! was.

use std::{collections::BTreeMap, sync::Arc};

use chasqui_domain::Offset;
use chasqui_log::{
    Log, TopicPartition,
    suite::{Retention, commands, events, gateway, inbox, record},
};
use chasqui_testkit::CrashDisk;
use parking_lot::Mutex;

use crate::subjects::{open, options};

const SEEDS: u64 = 150;
const WRITERS: u64 = 4;
const LIVES: u64 = 3;

/// What somebody was told, by a confirmation or by reading.
#[derive(Default)]
struct Told(Mutex<BTreeMap<(TopicPartition, Offset), String>>);

impl Told {
    fn tell(&self, at: &TopicPartition, offset: Offset, value: &str) {
        let before = self.0.lock().insert((at.clone(), offset), value.to_owned());
        assert!(before.is_none_or(|before| before == value), "offset {offset} of {at} was something else");
    }
}

fn places() -> [TopicPartition; 4] {
    [commands(0), events(2), inbox(1), gateway("g")]
}

/// Writes and reads until the power goes, in the middle of it.
async fn live(disk: &CrashDisk, seed: u64, life: u64, told: &Arc<Told>) {
    let log: Arc<dyn Log> = open(disk.mount(), options(Retention::Long)).unwrap();
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (log, told) = (log.clone(), told.clone());
        tasks.push(tokio::spawn(async move {
            for number in 0.. {
                let filler = "x".repeat(((seed * 31 + number * 17) % 300) as usize);
                let values: Vec<_> =
                    places().iter().map(|at| format!("{life}-{writer}-{number}-{at}-{filler}")).collect();
                let batch = places().iter().zip(&values).map(|(at, value)| record(at, value.clone())).collect();
                let Ok(appended) = log.append(batch).await else { return };
                for ((at, value), appended) in places().iter().zip(&values).zip(appended) {
                    told.tell(at, appended.offset, value);
                }
            }
        }));
    }
    for at in places() {
        let (log, told) = (log.clone(), told.clone());
        let from = log.bounds(&at).await.unwrap().end;
        tasks.push(tokio::spawn(async move {
            let mut reader = log.reader(&at, from).await.unwrap();
            while let Ok(records) = reader.next(1000).await {
                records
                    .iter()
                    .for_each(|record| told.tell(&at, record.offset, &String::from_utf8_lossy(&record.value)));
            }
        }));
    }
    let commits = 5 + seed % 40;
    let start = disk.syncs();
    while disk.syncs() < start + commits {
        tokio::task::yield_now().await;
    }
    disk.crash(seed * LIVES + life);
    // Writers end at the first failure, readers when the log is closed.
    for task in tasks.drain(..WRITERS as usize) {
        task.await.unwrap();
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    for task in tasks {
        let ended = task.await;
        assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
    }
}

/// What is wrong after the crash, if anything is.
async fn check(disk: &CrashDisk, told: &Told) -> Result<(), String> {
    let log = open(disk.mount(), options(Retention::Long)).map_err(|error| error.to_string())?;
    let mut found = BTreeMap::new();
    for at in places() {
        let bounds = log.bounds(&at).await.map_err(|error| error.to_string())?;
        if bounds.start != Offset(0) {
            return Err(format!("{at} starts at {}", bounds.start));
        }
        let mut reader = log.reader(&at, Offset(0)).await.map_err(|error| error.to_string())?;
        let mut next = 0;
        while next < bounds.end.0 {
            for record in reader.next(10_000).await.map_err(|error| error.to_string())? {
                if record.offset != Offset(next) {
                    return Err(format!("{at} has {} where {next} should be", record.offset));
                }
                found.insert((at.clone(), record.offset), String::from_utf8_lossy(&record.value).into_owned());
                next += 1;
            }
        }
    }
    for (place, value) in told.0.lock().iter() {
        if found.get(place) != Some(value) {
            return Err(format!("offset {} of {} is {:?} and was {value}", place.1, place.0, found.get(place)));
        }
    }
    // What came through though nobody was told counts from here on: it was visible.
    found.iter().for_each(|((at, offset), value)| told.tell(at, *offset, value));
    Ok(())
}

async fn run(seed: u64, ignore_sync: bool) -> Result<(), String> {
    let disk = CrashDisk::new();
    disk.ignore_sync(ignore_sync);
    let told = Arc::new(Told::default());
    for life in 0..LIVES {
        live(&disk, seed, life, &told).await;
        check(&disk, &told).await.map_err(|wrong| format!("seed {seed}, life {life}: {wrong}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_or_seen_survives_every_crash() {
    for seed in 0..SEEDS {
        run(seed, false).await.unwrap();
    }
}

/// The test above would notice a log that doesn't sync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_sync_is_caught() {
    let mut caught = 0;
    for seed in 0..20 {
        // A disk that loses everything leaves nothing to open in the next life; one life is enough.
        let disk = CrashDisk::new();
        disk.ignore_sync(true);
        let told = Arc::new(Told::default());
        live(&disk, seed, 0, &told).await;
        caught += u32::from(check(&disk, &told).await.is_err());
    }
    assert!(caught > 0, "no seed has lost anything");
}
