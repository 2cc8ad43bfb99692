//! Something that holds threads up.

use parking_lot::{Condvar, Mutex};

/// Holds threads up while it is on; it begins released. With [`crate::CountedDisk`] it holds up a disk.
#[derive(Debug, Default)]
pub struct Brake {
    is_on: Mutex<bool>,
    released: Condvar,
}

impl Brake {
    /// From now on threads wait.
    pub fn pull(&self) {
        *self.is_on.lock() = true;
    }

    /// Lets all go on.
    pub fn release(&self) {
        *self.is_on.lock() = false;
        self.released.notify_all();
    }

    /// Waits while it is on. Blocks.
    pub fn pass(&self) {
        self.released.wait_while(&mut self.is_on.lock(), |is_on| *is_on);
    }
}
