//! A segment file of the embedded log.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chasqui_fuzz::segments(bytes);
});

#[cfg(not(fuzzing))]
fn main() {}
