//! What clients and the server say to each other.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chasqui_fuzz::frames(bytes);
});

#[cfg(not(fuzzing))]
fn main() {}
