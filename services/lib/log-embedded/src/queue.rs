//! What waits to be written.

use std::{collections::VecDeque, sync::Arc};

use chasqui_log::{Append, Appended, Error, HEADER_BYTES_LEAST};
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::options::COMMIT_BYTES_MAX;

/// What a record counts for beside its own bytes, so that empty ones fill the queue too.
const RECORD_BYTES_EXTRA: usize = 128;

pub(crate) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    room: Arc<Semaphore>,
    room_bytes: u32,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    trim: bool,
    closed: bool,
}

/// A batch, and where its answer goes.
pub(crate) struct Item {
    pub(crate) batch: Vec<Append>,
    pub(crate) bytes: usize,
    reply: oneshot::Sender<Result<Vec<Appended>, Error>>,
    /// The bytes that it takes in the queue, until it is answered.
    _room: OwnedSemaphorePermit,
}

impl Item {
    /// Nobody may wait for the answer any more.
    pub(crate) fn answer(self, answer: Result<Vec<Appended>, Error>) {
        let _ = self.reply.send(answer);
    }
}

/// What the writer is to do next.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) trim: bool,
    /// For one commit.
    pub(crate) items: Vec<Item>,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let room_bytes = u32::try_from(bytes_max).unwrap_or(u32::MAX).max(1);
        let room = Arc::new(Semaphore::new(room_bytes as usize));
        Self { state: Mutex::default(), wake: Condvar::new(), room, room_bytes }
    }

    /// Gives a batch its place, waiting for room; in the order in which callers began to wait.
    pub(crate) async fn push(
        &self,
        batch: Vec<Append>,
    ) -> Result<oneshot::Receiver<Result<Vec<Appended>, Error>>, Error> {
        let weight = |append: &Append| append.bytes() + append.headers.len() * HEADER_BYTES_LEAST + RECORD_BYTES_EXTRA;
        let bytes = batch.iter().map(weight).sum();
        // A batch larger than the whole queue goes when it is alone.
        let room = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.room_bytes);
        let permit = self.room.clone().acquire_many_owned(room).await.map_err(|_| Error::Closed)?;
        let (reply, answer) = oneshot::channel();
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        state.items.push_back(Item { batch, bytes, reply, _room: permit });
        drop(state);
        self.wake.notify_one();
        Ok(answer)
    }

    /// Asks the writer to look for what retention may remove, before it writes anything else.
    pub(crate) fn trim(&self) {
        self.state.lock().trim = true;
        self.wake.notify_one();
    }

    /// Takes nothing more; what is in the queue is still written.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.room.close();
        self.wake.notify_one();
    }

    /// The writer is gone: nothing will be written any more.
    pub(crate) fn abandon(&self) {
        self.close();
        let items = std::mem::take(&mut self.state.lock().items);
        items.into_iter().for_each(|item| item.answer(Err(Error::Closed)));
    }

    /// Waits for work: everything that waits, up to the bound of a commit. None once closed and empty.
    pub(crate) fn take(&self) -> Option<Work> {
        let mut state = self.state.lock();
        while state.items.is_empty() && !state.trim {
            if state.closed {
                return None;
            }
            self.wake.wait(&mut state);
        }
        let mut work = Work { trim: std::mem::take(&mut state.trim), items: Vec::new() };
        let mut bytes = 0;
        while let Some(item) = state.items.front() {
            bytes += item.bytes;
            if bytes > COMMIT_BYTES_MAX && !work.items.is_empty() {
                break;
            }
            work.items.extend(state.items.pop_front());
        }
        Some(work)
    }
}
