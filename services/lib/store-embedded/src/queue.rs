//! A bounded queue from tasks to a thread.

use std::collections::VecDeque;

use chasqui_store::Error;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::options::WRITE_BYTES_MIN;

/// A queue whose waiting and taken items have a bounded size together.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    room: std::sync::Arc<Semaphore>,
    bytes_max: u32,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<Queued<T>>,
    closed: bool,
}

/// An item, and the room that it takes until it is dropped.
#[derive(Debug)]
pub(crate) struct Queued<T> {
    pub(crate) item: T,
    _room: OwnedSemaphorePermit,
}

impl<T> Queue<T> {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let most = Semaphore::MAX_PERMITS.min(u32::MAX as usize);
        let bytes_max = bytes_max.clamp(WRITE_BYTES_MIN, most);
        Self {
            state: Mutex::new(State { items: VecDeque::new(), closed: false }),
            changed: Condvar::new(),
            room: std::sync::Arc::new(Semaphore::new(bytes_max)),
            bytes_max: u32::try_from(bytes_max).unwrap_or(u32::MAX),
        }
    }

    /// Waits for room and puts an item in. One larger than the queue waits until nothing else is in it.
    ///
    /// Cancel safe: an item whose future is dropped is not put in.
    pub(crate) async fn put(&self, item: T, bytes: usize) -> Result<(), Error> {
        let bytes = u32::try_from(bytes.saturating_add(WRITE_BYTES_MIN)).unwrap_or(u32::MAX).min(self.bytes_max);
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| Error::Closed)?;
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        state.items.push_back(Queued { item, _room: room });
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Takes up to `items_max` of what is in the queue; with `wait` at least one. None when the queue is closed and
    /// empty. For the one thread at the other side.
    pub(crate) fn take(&self, wait: bool, items_max: usize) -> Option<Vec<Queued<T>>> {
        let mut state = self.state.lock();
        while state.items.is_empty() {
            if state.closed {
                return None;
            }
            if !wait {
                return Some(Vec::new());
            }
            self.changed.wait(&mut state);
        }
        let count = state.items.len().min(items_max);
        Some(state.items.drain(..count).collect())
    }

    /// Takes nothing more in. What is in is still taken out.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.changed.notify_all();
    }
}
