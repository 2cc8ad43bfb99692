//! Which writes reads see, and up to which of them a read waits.
//!
//! Writes are numbered by their place in the queue. A write is answered with its place there, so a read that begins
//! later waits until as many writes are visible as were placed by then.

use std::sync::atomic::{AtomicU64, Ordering};

use chasqui_store::Error;
use tokio::sync::watch;

use crate::queue::Queue;

/// What readers wait for, and what the writer has made visible.
#[derive(Debug)]
pub(crate) struct Visible {
    /// So many writes, of all that were ever placed, are seen by reads.
    count: watch::Sender<u64>,
    /// The highest count that a read has waited for.
    awaited: AtomicU64,
}

impl Visible {
    pub(crate) fn new() -> Self {
        Self { count: watch::Sender::new(0), awaited: AtomicU64::new(0) }
    }

    /// Says that reads see so many writes. For the writer.
    pub(crate) fn set(&self, count: u64) {
        // Without readers that wait nobody has to be woken.
        self.count.send_replace(count);
    }

    /// Whether a read waits for more than is visible. For the writer.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire) > *self.count.borrow()
    }

    /// Waits until reads see all that is placed in the queue by now. All who wait at the same time share what it takes.
    ///
    /// Has no end when the store fails. Cancel safe.
    pub(crate) async fn wait<T>(&self, queue: &Queue<T>) -> Result<(), Error> {
        let placed = queue.placed();
        if *self.count.borrow() >= placed {
            return Ok(());
        }
        let mut count = self.count.subscribe();
        self.awaited.fetch_max(placed, Ordering::Release);
        // Only now, or the writer might look before there is something to see.
        queue.wake();
        count.wait_for(|count| *count >= placed).await.map(drop).map_err(|_| Error::Closed)
    }
}
