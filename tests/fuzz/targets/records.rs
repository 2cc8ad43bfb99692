//! Avro records of the log and the store.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chasqui_fuzz::records(bytes);
});

#[cfg(not(fuzzing))]
fn main() {}
