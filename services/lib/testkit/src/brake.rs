//! Something that holds threads up.

use parking_lot::{Condvar, Mutex};

/// Holds threads up while it is on; it begins released. With [`crate::CountedDisk`] it holds up a disk.
#[derive(Debug, Default)]
pub struct Brake {
    is_on: Mutex<bool>,
    released: Condvar,
}

/// Lets all go on when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Pulled<'a>(&'a Brake);

impl Drop for Pulled<'_> {
    fn drop(&mut self) {
        *self.0.is_on.lock() = false;
        self.0.released.notify_all();
    }
}

impl Brake {
    /// From now on threads wait, until what this gives is dropped: a test that fails meanwhile must end, too.
    pub fn pull(&self) -> Pulled<'_> {
        *self.is_on.lock() = true;
        Pulled(self)
    }

    /// Waits while it is on. Blocks.
    pub fn pass(&self) {
        self.released.wait_while(&mut self.is_on.lock(), |is_on| *is_on);
    }
}
