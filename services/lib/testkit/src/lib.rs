//! What tests share: a clock and a calendar that they move, a disk that crashes, a log and a store that fail, and commands of every
//! sort. With the feature `transcript`, what a client tells, as the oracle reads it.

mod brake;
mod calendar;
mod clock;
mod counted_disk;
mod disk;
mod faults;
mod faulty_log;
mod faulty_store;
#[cfg(feature = "transcript")]
pub mod transcript;
pub mod workload;

pub use brake::{Brake, Pulled};
pub use calendar::Calendar;
pub use clock::Clock;
pub use counted_disk::CountedDisk;
pub use disk::CrashDisk;
pub use faults::{Faults, Injected, MODES, Mode};
pub use faulty_log::FaultyLog;
pub use faulty_store::{BanReads, FaultyStore};
