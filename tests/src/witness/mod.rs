//! People at clients who write down all that they are told, and a judge who holds the server to it.
//!
//! The judge knows nothing of how the server works. It compares what clients saw with each other, and with the history
//! that the server gives them.

mod device;
mod gate;
mod history;
mod judge;
mod ledger;
mod town;

pub use device::Device;
pub use gate::Gate;
pub use history::{History, Place};
pub use judge::{Violation, judge, was_sent};
pub use ledger::{Ledger, Mail, Outcome, Owner, Seen, View};
pub use town::{PATIENCE, Town};
