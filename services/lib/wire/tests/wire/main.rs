//! The wire's tests: records, cursors and frames survive the way there and back, keep their bytes from release to
//! release, and damaged ones are errors.

#![allow(clippy::unwrap_used, reason = "clippy's leave for tests doesn't reach the helpers of an integration test")]

mod codes;
mod cursors;
mod damage;
mod frames;
mod hostile;
mod people;
mod records;
mod reference;
mod samples;
mod schemas;
mod values;
