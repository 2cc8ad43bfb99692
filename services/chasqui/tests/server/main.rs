//! The joined process, on a disk in memory: what users see of its lives.

mod bench;
mod files;
mod lives;
mod metrics;
