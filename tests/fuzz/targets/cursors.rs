//! Places in inboxes, as clients hold them.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    chasqui_fuzz::cursors(bytes);
});

#[cfg(not(fuzzing))]
fn main() {}
