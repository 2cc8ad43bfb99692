//! The seeds of the fuzzer are understood, and neither they nor what is near to them breaks anything.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic, its helpers too")]

use std::{env, fs, path::PathBuf};

use chasqui_fuzz::{TARGETS, segment, segments};
use proptest::{collection::vec, prelude::*, sample::Index};

/// Writes the seeds that are made here.
const WRITE_VARIABLE: &str = "CHASQUI_WRITE_SAMPLES";

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}

fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path());
    let mut seeds: Vec<_> = paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

#[test]
fn every_seed_is_understood() {
    for (name, target) in TARGETS {
        for (path, seed) in seeds(name) {
            assert!(target(&seed), "{} is not understood", path.display());
        }
    }
}

#[test]
fn a_segment_of_today_is_understood() {
    let bytes = segment();
    assert!(segments(&bytes));
    if env::var_os(WRITE_VARIABLE).is_some() {
        fs::write(folder("segments").join("written.segment"), bytes).unwrap();
    }
}

/// Bytes that were changed, taken out, put in twice, or cut.
fn near(seed: &[u8], changes: &[(Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (at, how, byte) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match how % 6 {
            0 => bytes[at] = *byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, *byte),
            4 => bytes.extend_from_within(at..),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_near_a_seed_breaks_nothing(changes in vec((any::<Index>(), any::<u8>(), any::<u8>()), 1..5)) {
        for (name, target) in TARGETS {
            for (_, seed) in seeds(name) {
                target(&near(&seed, &changes));
            }
        }
    }

    #[test]
    fn any_bytes_break_nothing(bytes in vec(any::<u8>(), 0..300)) {
        for (_, target) in TARGETS {
            target(&bytes);
        }
    }
}
