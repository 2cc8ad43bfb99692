//! The joined process, on a disk in memory: what users see of its lives.

mod ahead;
mod bench;
mod files;
mod lives;
mod metrics;
