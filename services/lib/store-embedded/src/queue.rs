//! A bounded queue from tasks to a thread.

use std::collections::VecDeque;

use chasqui_store::Error;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::options::{GATHER, WRITE_BYTES_MIN};

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
    /// How many were ever put in.
    placed: u64,
    /// Whether the thread is to come at once, although there may be nothing for it here.
    woken: bool,
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
            state: Mutex::new(State { items: VecDeque::new(), placed: 0, woken: false, closed: false }),
            changed: Condvar::new(),
            room: std::sync::Arc::new(Semaphore::new(bytes_max)),
            bytes_max: u32::try_from(bytes_max).unwrap_or(u32::MAX),
        }
    }

    /// Waits for room and puts an item in. One larger than the queue waits until nothing else is in it. The thread takes one
    /// that nobody waits for when it next comes, at the latest after a while: waking it costs more than what it does then.
    ///
    /// Cancel safe: an item whose future is dropped is not put in.
    pub(crate) async fn put(&self, item: T, bytes: usize, is_awaited: bool) -> Result<(), Error> {
        let bytes = u32::try_from(bytes.saturating_add(WRITE_BYTES_MIN)).unwrap_or(u32::MAX).min(self.bytes_max);
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| Error::Closed)?;
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        state.items.push_back(Queued { item, _room: room });
        state.placed += 1;
        state.woken |= is_awaited || self.room.available_permits() < self.bytes_max as usize / 2;
        let is_due = state.woken || state.items.len() == 1;
        drop(state);
        if is_due {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// How many items were ever put in.
    pub(crate) fn placed(&self) -> u64 {
        self.state.lock().placed
    }

    /// Makes [`Queue::take`] return once, also with nothing.
    pub(crate) fn wake(&self) {
        self.state.lock().woken = true;
        self.changed.notify_one();
    }

    /// Takes up to `items_max` of what is in the queue; with `wait` at least one, unless it is woken. None when the queue
    /// is closed and empty. For the one thread at the other side.
    pub(crate) fn take(&self, wait: bool, items_max: usize) -> Option<Vec<Queued<T>>> {
        let mut state = self.state.lock();
        while !state.woken {
            match (state.items.is_empty(), state.closed) {
                (true, true) => return None,
                (_, true) => break,
                _ if !wait => break,
                (true, false) => self.changed.wait(&mut state),
                (false, false) if self.changed.wait_for(&mut state, GATHER).timed_out() => break,
                (false, false) => {}
            }
        }
        let count = state.items.len().min(items_max);
        let taken = state.items.drain(..count).collect();
        state.woken = !state.items.is_empty();
        Some(taken)
    }

    /// Takes nothing more in. What is in is still taken out.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.changed.notify_all();
    }
}
