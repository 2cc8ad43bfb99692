//! Crashes, failing syncs and full disks. Every case is named by a seed.

use std::{path::PathBuf, sync::Arc};

use chasqui_disk::Disk;
use chasqui_domain::{ChatId, Epoch};
use chasqui_store::{Error, KeyTable, Store, WrappedKey};
use chasqui_store_embedded::{EmbeddedStore, OpenError, Options};
use chasqui_testkit::{CountedDisk, CrashDisk};

use crate::store_script::{Answer, Dice, Dump, create_keys, dump, prefixes, step};

const SEEDS: u64 = 150;
const STEPS: u64 = 80;

#[derive(Debug, Clone, Copy)]
enum Fault {
    Crash { seed: u64 },
    FailSync,
}

/// Has the fault at one change of the disk: so a crash comes in the middle of a commit, or of making the files.
fn faulty(inner: &CrashDisk, at: u64, fault: Fault) -> CountedDisk {
    let disk = inner.clone();
    CountedDisk::new(Arc::new(inner.clone()), move |change, _| match fault {
        Fault::Crash { seed } if change == at => disk.crash(seed),
        Fault::FailSync if change == at => disk.fail_sync(1),
        _ => {}
    })
}

fn open(disk: impl Disk, options: Options) -> Result<Arc<EmbeddedStore>, OpenError> {
    EmbeddedStore::open(Arc::new(disk), PathBuf::from("/data"), options)
}

/// How many options there are to try.
const OPTIONS: u64 = 4;

/// With little memory pages reach the disk before they are committed. A small transaction is committed at once, a large
/// one by flushes alone.
fn options(seed: u64) -> Options {
    let cache_bytes = if seed.is_multiple_of(2) { 0 } else { 4 * 1024 * 1024 };
    let transaction_bytes_max = if seed % OPTIONS < 2 { 0 } else { usize::MAX };
    Options { cache_bytes, transaction_bytes_max, ..Options::default() }
}

/// How far a run came.
#[derive(Debug, Default)]
struct Done {
    /// Writes that were answered.
    answered: u64,
    /// Of these, those up to the last that promised to be durable.
    durable: u64,
    /// Whether the last write asked for was left without a good answer, so that it may have happened.
    open: bool,
    keys: Vec<(ChatId, Epoch, WrappedKey)>,
}

async fn run(store: &Arc<EmbeddedStore>, done: &mut Done, steps: u64) {
    while done.answered < steps {
        match step(&**store, done.answered).await {
            Ok(answer) => {
                done.answered += 1;
                if answer == Answer::Durable {
                    done.durable = done.answered;
                }
            }
            Err(_) => {
                done.open = true;
                return;
            }
        }
        done.keys.extend(create_keys(store, done.answered).await);
    }
}

/// The state must be that after some prefix of the writes that has all the durable ones.
async fn check(store: &Arc<EmbeddedStore>, done: &Done, prefixes: &[Dump]) -> Result<u64, String> {
    let found = dump(&**store).await.map_err(|error| format!("{error:?}"))?;
    let most = done.answered + u64::from(done.open);
    let fits = (done.durable..=most).rev().find(|&n| prefixes[n as usize] == found);
    let Some(prefix) = fits else {
        let elsewhere = prefixes.iter().rposition(|prefix| *prefix == found);
        return Err(format!("between {} and {most} writes expected, found {elsewhere:?}", done.durable));
    };
    for &(chat, epoch, wrapped) in &done.keys {
        match store.key(chat, epoch).await {
            Ok(Some(key)) if key == wrapped => {}
            other => return Err(format!("the key of epoch {epoch} was answered, found {other:?}")),
        }
    }
    Ok(prefix)
}

/// How many changes of the disk the whole script makes.
async fn changes_of_a_run(seed: u64) -> u64 {
    let disk = faulty(&CrashDisk::new(), u64::MAX, Fault::FailSync);
    let store = open(disk.clone(), options(seed)).unwrap();
    run(&store, &mut Done::default(), STEPS).await;
    store.close().await.unwrap();
    disk.changes()
}

/// The same for all options.
async fn changes_of_runs() -> Vec<u64> {
    let mut changes = Vec::new();
    for seed in 0..OPTIONS {
        changes.push(changes_of_a_run(seed).await);
    }
    changes
}

async fn crash_once(seed: u64, changes: u64, prefixes: &[Dump], ignore_sync: bool) -> Result<(), String> {
    let mut dice = Dice(seed);
    let inner = CrashDisk::new();
    inner.ignore_sync(ignore_sync);
    let options = options(seed);
    let mut done = Done::default();
    if let Ok(store) = open(faulty(&inner, dice.below(changes), Fault::Crash { seed }), options.clone()) {
        run(&store, &mut done, STEPS).await;
        if store.close().await.is_ok() {
            done.durable = done.answered;
        }
    }
    // Also when it has come already: a crash while the one before is being mended.
    let at = dice.below(20);
    if let Ok(store) = open(faulty(&inner, at, Fault::Crash { seed: seed + 1 }), options.clone()) {
        check(&store, &done, prefixes).await.or_else(|why| if store.failure().is_some() { Ok(0) } else { Err(why) })?;
    }
    inner.ignore_sync(false);
    let store = open(inner.clone(), options.clone()).map_err(|error| format!("{error:?}"))?;
    let prefix = check(&store, &done, prefixes).await?;

    // It goes on from there as if nothing had happened.
    let mut done = Done { answered: prefix, durable: prefix, keys: done.keys, open: false };
    run(&store, &mut done, STEPS).await;
    store.flush().await.map_err(|error| format!("{error:?}"))?;
    inner.crash(seed + 2);
    drop(store);
    done.durable = STEPS;
    let store = open(inner, options).map_err(|error| format!("{error:?}"))?;
    check(&store, &done, prefixes).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_loses_only_a_suffix_and_nothing_durable() {
    let prefixes = prefixes(STEPS).await;
    let changes = changes_of_runs().await;
    for seed in 0..SEEDS {
        let crashed = crash_once(seed, changes[(seed % OPTIONS) as usize], &prefixes, false).await;
        crashed.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_only_pretends_to_sync_is_found_out() {
    let prefixes = prefixes(STEPS).await;
    let changes = changes_of_runs().await;
    for seed in 0..SEEDS {
        if crash_once(seed, changes[(seed % OPTIONS) as usize], &prefixes, true).await.is_err() {
            return;
        }
    }
    panic!("these tests would not notice a store that forgets to sync");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_sync_the_last_flush_is_found_and_the_next_one_holds() {
    let prefixes = prefixes(STEPS).await;
    let changes = changes_of_runs().await;
    for seed in 0..SEEDS {
        let mut dice = Dice(seed);
        let (inner, options) = (CrashDisk::new(), options(seed));
        let mut done = Done::default();
        let at = dice.below(changes[(seed % OPTIONS) as usize]);
        if let Ok(store) = open(faulty(&inner, at, Fault::FailSync), options.clone()) {
            run(&store, &mut done, STEPS).await;
            if store.close().await.is_ok() {
                done.durable = done.answered;
            }
        }
        inner.fail_sync(0);
        // The process alone is started again: the disk shows what it could not make durable.
        let store = open(inner.clone(), options.clone()).unwrap();
        let prefix = check(&store, &done, &prefixes).await.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        let mut done = Done { answered: prefix, durable: prefix, keys: done.keys, open: false };
        run(&store, &mut done, STEPS).await;
        store.flush().await.unwrap();
        inner.crash(seed);
        drop(store);
        done.durable = STEPS;
        let store = open(inner, options).unwrap();
        check(&store, &done, &prefixes).await.unwrap_or_else(|why| panic!("seed {seed}, after it: {why}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_to_be_full_and_what_was_flushed_is_there_when_there_is_room() {
    let prefixes = prefixes(STEPS).await;
    for seed in 0..40 {
        let (disk, options) = (CrashDisk::new(), options(seed));
        let store = open(disk.clone(), options.clone()).unwrap();
        let mut done = Done::default();
        run(&store, &mut done, 20).await;
        store.flush().await.unwrap();
        done.durable = done.answered;
        disk.set_room(disk.used_bytes() + seed * 4096);
        run(&store, &mut done, STEPS).await;
        let full = store.flush().await;
        assert!(matches!(full, Err(Error::Full { .. })), "seed {seed}: {full:?}");
        assert!(matches!(store.failed().await, Error::Full { .. }));
        assert!(matches!(dump(&*store).await, Err(Error::Full { .. })));
        drop(store);

        disk.set_room(u64::MAX);
        let store = open(disk.clone(), options.clone()).unwrap();
        let prefix = check(&store, &done, &prefixes).await.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        let mut done = Done { answered: prefix, keys: done.keys, ..Done::default() };
        run(&store, &mut done, STEPS).await;
        store.close().await.unwrap();
        done.durable = STEPS;
        let store = open(disk, options).unwrap();
        check(&store, &done, &prefixes).await.unwrap_or_else(|why| panic!("seed {seed}, after it: {why}"));
    }
}

#[tokio::test]
async fn a_disk_without_room_from_the_start_is_said_to_be_full() {
    for pages in 0..8 {
        let disk = CrashDisk::new();
        disk.set_room(pages * 4096);
        match open(disk.clone(), options(0)) {
            Err(OpenError::Full { .. }) => {}
            other => panic!("{pages} pages: {other:?}"),
        }
        disk.set_room(u64::MAX);
        open(disk, options(0)).unwrap();
    }
}
