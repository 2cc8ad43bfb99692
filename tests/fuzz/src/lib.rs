//! What must hold for whatever bytes come in from outside: nothing panics, and what is understood is understood in one
//! way. A fuzzer calls these functions with what it makes up (`make fuzz`), and the tests with seeds and their
//! neighbours. Each tells whether the bytes were understood, so that a seed that isn't any more is noticed.

mod cursors;
mod frames;
mod records;
mod segments;
mod tokens;

pub use cursors::cursors;
pub use frames::frames;
pub use records::records;
pub use segments::{segment, segments};
pub use tokens::tokens;

/// Takes bytes, and gives whether they were understood.
pub type Target = fn(&[u8]) -> bool;

/// All targets, by their names.
pub const TARGETS: &[(&str, Target)] =
    &[("frames", frames), ("cursors", cursors), ("tokens", tokens), ("records", records), ("segments", segments)];
