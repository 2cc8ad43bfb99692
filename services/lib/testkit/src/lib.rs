//! What tests share.

mod disk;

pub use disk::CrashDisk;
