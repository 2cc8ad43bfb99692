//! Files that are not what was written: a clear error or the right answer, and no panic.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

use chasqui_disk::{Disk, File};
use chasqui_domain::Epoch;
use chasqui_store::{Error, KeyTable, Store};
use chasqui_store_embedded::{EmbeddedStore, OpenError, Options};
use chasqui_testkit::CrashDisk;

use crate::store_script::{Dice, Dump, chat, dump, step, wrapped};

const FOLDER: &str = "/data";
const STEPS: u64 = 60;
const KEYS: u32 = 10;
/// Longer than any of these takes, for one that would never end.
const PATIENCE: Duration = Duration::from_secs(120);

type Files = Vec<(&'static str, Vec<u8>)>;

fn open(files: &Files, check_on_open: bool) -> Result<Arc<EmbeddedStore>, OpenError> {
    let disk = CrashDisk::new();
    disk.create_folder(Path::new(FOLDER)).unwrap();
    for (name, bytes) in files {
        disk.open(&Path::new(FOLDER).join(name), true).unwrap().write_all_at(bytes, 0).unwrap();
    }
    EmbeddedStore::open(Arc::new(disk), PathBuf::from(FOLDER), Options { check_on_open, ..Options::default() })
}

fn bytes(file: &Arc<dyn File>) -> Vec<u8> {
    let mut bytes = vec![0; file.size().unwrap() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// The files of a store, closed or cut off after a flush, and what is in it.
async fn files(is_closed: bool) -> (Files, Dump) {
    let disk = CrashDisk::new();
    let store = EmbeddedStore::open(Arc::new(disk.clone()), PathBuf::from(FOLDER), Options::default()).unwrap();
    for n in 0..STEPS {
        step(&*store, n).await.unwrap();
    }
    for n in 1..=KEYS {
        store.create_key(chat(0), Epoch(n), wrapped(n.into())).await.unwrap();
    }
    store.flush().await.unwrap();
    let written = dump(&*store).await.unwrap();
    if is_closed {
        store.close().await.unwrap();
    }
    let read = |name| (name, bytes(&disk.open(&Path::new(FOLDER).join(name), false).unwrap()));
    (vec![read("store.redb"), read("keys.slots")], written)
}

/// Reads everything; with `is_exact` it must be all there, otherwise nothing that was not written.
async fn read_all(store: &Arc<EmbeddedStore>, written: &Dump, is_exact: bool) {
    match dump(&**store).await {
        Ok(found) if is_exact => assert!(found == *written, "what was read was not written, and nothing was said"),
        Ok(found) => {
            assert!(found.events.iter().all(|row| written.events.contains(row)));
            assert!(found.inboxes.iter().flatten().all(|row| written.inboxes.iter().flatten().any(|w| w == row)));
            assert!(found.devices.iter().all(|row| written.devices.contains(row)));
            assert!(found.bans.iter().all(|ban| written.bans.contains(ban)));
            assert!(found.shown.iter().all(|row| row.is_none() || written.shown.contains(row)));
            assert!(found.messages.iter().flatten().all(|row| written.messages.iter().flatten().any(|it| it == row)));
            assert!(found.members.iter().flatten().all(|row| written.members.iter().flatten().any(|it| it == row)));
        }
        Err(Error::Corrupt { .. } | Error::Unavailable { .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
    for n in 1..=KEYS {
        match store.key(chat(0), Epoch(n)).await {
            Ok(Some(key)) => assert_eq!(key, wrapped(n.into())),
            // The last batch can't be told from one that was torn before it was answered.
            Ok(None) => assert_eq!(n, KEYS),
            Err(Error::Corrupt { .. } | Error::Unavailable { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Opens and reads damaged files, then writes to them, and panics when that has no end.
fn try_all(files: Files, written: Dump, check_on_open: bool, is_exact: bool, what: &str) {
    let (done, is_done) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match open(&files, check_on_open) {
            Ok(store) => runtime.block_on(async {
                read_all(&store, &written, is_exact).await;
                for n in STEPS..STEPS + 22 {
                    let _ = step(&*store, n).await;
                }
                let _ = store.close().await;
            }),
            Err(OpenError::Damaged { .. } | OpenError::Newer { .. } | OpenError::Io { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        done.send(()).unwrap();
    });
    match is_done.recv_timeout(PATIENCE) {
        Ok(()) => {}
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: no end"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: {:?}", thread.join().err().map(|_| "it panicked")),
    }
}

#[tokio::test]
async fn flipped_bytes_in_the_database_are_noticed_or_do_no_harm() {
    for is_closed in [true, false] {
        let (files, written) = files(is_closed).await;
        let mut dice = Dice(1);
        // What nobody has written is not worth flipping.
        let used: Vec<_> = (0..files[0].1.len()).filter(|&at| files[0].1[at] != 0).collect();
        for case in 0..120 {
            let at = if case < 40 { dice.below(400) as usize } else { used[dice.below(used.len() as u64) as usize] };
            for check_on_open in [true, false] {
                let mut files = files.clone();
                files[0].1[at] ^= 1 << dice.below(8);
                let what = format!("closed {is_closed}, byte {at}, check {check_on_open}");
                try_all(files, written.clone(), check_on_open, check_on_open, &what);
            }
        }
    }
}

#[tokio::test]
async fn truncated_databases_are_noticed() {
    for is_closed in [true, false] {
        let (files, written) = files(is_closed).await;
        let mut dice = Dice(2);
        let mut lens: Vec<_> = (0..20).map(|_| dice.below(files[0].1.len() as u64) as usize).collect();
        lens.extend([0, 1, 63, 64, 320, 4095, 4096, 8192]);
        for len in lens {
            for check_on_open in [true, false] {
                let mut files = files.clone();
                files[0].1.truncate(len);
                let what = format!("closed {is_closed}, {len} bytes, check {check_on_open}");
                try_all(files, written.clone(), check_on_open, true, &what);
            }
        }
    }
}

#[tokio::test]
async fn flipped_bytes_in_the_keys_are_noticed() {
    let (files, written) = files(true).await;
    for at in 0..files[1].1.len() {
        let mut files = files.clone();
        files[1].1[at] ^= 1 << (at % 8);
        if at % 64 == 0 {
            try_all(files.clone(), written.clone(), false, true, &format!("key byte {at}"));
        }
        let (slot, last) = (at / 128, KEYS as usize);
        match open(&files, false) {
            Err(OpenError::Damaged { .. }) => assert_ne!(slot, last),
            Ok(_) => assert_eq!(slot, last, "byte {at}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_torn_last_slot_is_used_again() {
    let (mut files, _) = files(true).await;
    let len = files[1].1.len();
    for torn in 1..128 {
        files[1].1.truncate(len - torn);
        let store = open(&files, false).unwrap();
        assert_eq!(store.key(chat(0), Epoch(KEYS)).await.unwrap(), None);
        store.create_key(chat(0), Epoch(KEYS), wrapped(1000)).await.unwrap();
        assert_eq!(store.key(chat(0), Epoch(KEYS)).await.unwrap(), Some(wrapped(1000)));
    }
}

#[tokio::test]
async fn one_file_without_the_other_is_refused() {
    let (files, _) = files(true).await;
    for file in files {
        let opened = open(&vec![file], false);
        assert!(matches!(opened, Err(OpenError::Missing { .. })), "{opened:?}");
    }
}

#[tokio::test]
async fn a_newer_format_is_refused_with_its_number() {
    let (mut files, _) = files(true).await;
    let keys = &mut files[1].1;
    keys[12..16].copy_from_slice(&7u32.to_be_bytes());
    let crc = crc32c::crc32c(&keys[..124]);
    keys[124..128].copy_from_slice(&crc.to_be_bytes());
    let refused = open(&files, false).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { found: 7, known: 1, .. }), "{refused:?}");
    assert!(refused.to_string().contains("use the newer version"));
}
