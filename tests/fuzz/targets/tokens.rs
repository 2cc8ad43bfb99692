//! What identity providers sign.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chasqui_fuzz::tokens(bytes);
});

#[cfg(not(fuzzing))]
fn main() {}
