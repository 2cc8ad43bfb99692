//! What waits to be written. A batch gets its place when it is put in, and readers ahead see it from then on; so it is
//! put in only when there is room for it on the disk.

use std::{collections::VecDeque, sync::Arc};

use chasqui_domain::TimeMs;
use chasqui_log::{Append, Appended, Error, HEADER_BYTES_LEAST};
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::{
    batch::{self, Run},
    chunk::{HEADER_BYTES, PLACE_BYTES_MAX},
    codec::RECORD_BYTES_LEAST,
    options::COMMIT_BYTES_MAX,
    shared::Shared,
};

/// What a record counts for beside its own bytes, so that empty ones fill the queue too, and none takes more on the disk,
/// even in a chunk of its own.
const RECORD_BYTES_EXTRA: usize = 128;

const _: () = assert!(RECORD_BYTES_EXTRA >= RECORD_BYTES_LEAST + HEADER_BYTES + PLACE_BYTES_MAX);

pub(crate) struct Queue {
    state: Mutex<State>,
    /// There is work for the writer.
    wake: Condvar,
    /// Something became durable, or nothing will any more.
    settled: Condvar,
    /// Why nothing is written any more; none while the writer is at work. Changed under the lock.
    ended: watch::Sender<Option<Error>>,
    room: Arc<Semaphore>,
    room_bytes: u32,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    trim: bool,
    closed: bool,
    /// The time of the newest record.
    time: TimeMs,
    /// How many batches have had their place, and how many of them are durable.
    placed: u64,
    durable: u64,
    /// The bytes on the disk that are there for batches to come.
    granted: usize,
    /// Who waits for more of them.
    wanting: Vec<Want>,
}

/// Somebody who waits until there are so many bytes on the disk.
struct Want {
    bytes: usize,
    reply: oneshot::Sender<Result<(), Error>>,
}

/// A batch, and who waits until it is durable.
pub(crate) struct Item {
    pub(crate) runs: Vec<Run>,
    /// The most that it takes on the disk.
    pub(crate) bytes: usize,
    reply: Option<Reply>,
    /// The bytes that it takes in the queue, until it is durable.
    _room: OwnedSemaphorePermit,
}

struct Reply {
    appended: Vec<Appended>,
    sender: oneshot::Sender<Result<Vec<Appended>, Error>>,
}

impl Item {
    /// Nobody may wait for the answer any more.
    pub(crate) fn answer(self, answer: Result<(), Error>) {
        if let Some(Reply { appended, sender }) = self.reply {
            let _ = sender.send(answer.map(|()| appended));
        }
    }
}

/// The answer to a batch: its places, once it is durable.
pub(crate) type Answer = oneshot::Receiver<Result<Vec<Appended>, Error>>;

/// What the writer is to do next.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) trim: bool,
    /// For one commit.
    pub(crate) items: Vec<Item>,
    /// The bytes on the disk that are there for batches to come, and how many somebody waits for.
    pub(crate) granted: usize,
    pub(crate) wanted: usize,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize, time: TimeMs) -> Self {
        let room_bytes = u32::try_from(bytes_max).unwrap_or(u32::MAX).max(1);
        let room = Arc::new(Semaphore::new(room_bytes as usize));
        let state = Mutex::new(State { time, ..State::default() });
        let ended = watch::Sender::new(None);
        Self { state, wake: Condvar::new(), settled: Condvar::new(), ended, room, room_bytes }
    }

    /// Gives a batch its place, waiting for room; in the order in which callers began to wait. With `is_awaited` it is
    /// told when it is durable.
    pub(crate) async fn push(
        &self,
        shared: &Shared,
        batch: Vec<Append>,
        is_awaited: bool,
    ) -> Result<Option<Answer>, Error> {
        let weight = |append: &Append| append.bytes() + append.headers.len() * HEADER_BYTES_LEAST + RECORD_BYTES_EXTRA;
        let bytes: usize = batch.iter().map(weight).sum();
        // A batch larger than the whole queue goes when it is alone.
        let room = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.room_bytes);
        let permit = self.room.clone().acquire_many_owned(room).await.map_err(|_| self.why_closed())?;
        let mut waiting = Waiting { bytes, batch, permit, is_awaited };
        loop {
            match self.try_to_place(shared, waiting)? {
                Tried::Placed(answer) => return Ok(answer),
                Tried::Wants(still, granted) => {
                    granted.await.unwrap_or(Err(Error::Closed))?;
                    waiting = still;
                }
            }
        }
    }

    fn why_closed(&self) -> Error {
        self.ended().unwrap_or(Error::Closed)
    }

    /// Why nothing is written any more.
    pub(crate) fn ended(&self) -> Option<Error> {
        self.ended.borrow().clone()
    }

    /// Waits until nothing is written any more. Cancel safe.
    pub(crate) async fn wait_for_end(&self) -> Error {
        let mut ended = self.ended.subscribe();
        let why = ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        // The sender is `self`, so it is still there.
        why.unwrap_or(Error::Closed)
    }

    fn try_to_place(&self, shared: &Shared, waiting: Waiting) -> Result<Tried, Error> {
        let mut state = self.state.lock();
        if let Some(why) = self.ended() {
            return Err(why);
        }
        if state.closed {
            return Err(Error::Closed);
        }
        let Waiting { batch, bytes, permit, is_awaited } = waiting;
        let Some(left) = state.granted.checked_sub(bytes) else {
            let (reply, granted) = oneshot::channel();
            state.wanting.push(Want { bytes, reply });
            drop(state);
            self.wake.notify_one();
            return Ok(Tried::Wants(Waiting { batch, bytes, permit, is_awaited }, granted));
        };
        state.granted = left;
        state.time = state.time.max(shared.runtime.now());
        let mut appended = is_awaited.then(|| Vec::with_capacity(batch.len()));
        // Under the lock: the order of the queue is the order of places.
        let runs = batch::place(shared, batch, state.time, appended.as_mut());
        let (reply, answer) = appended
            .map(|appended| {
                let (sender, answer) = oneshot::channel();
                (Reply { appended, sender }, answer)
            })
            .unzip();
        state.placed += 1;
        state.items.push_back(Item { runs, bytes, reply, _room: permit });
        drop(state);
        self.wake.notify_one();
        Ok(Tried::Placed(answer))
    }

    /// Asks the writer to look for what retention may remove, before it writes anything else.
    pub(crate) fn trim(&self) {
        self.state.lock().trim = true;
        self.wake.notify_one();
    }

    /// Takes nothing more; what is in the queue is still written.
    pub(crate) fn close(&self) {
        let wanting = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.wanting)
        };
        // Whoever waited for room learns it by the sender that goes.
        drop(wanting);
        self.room.close();
        self.wake.notify_one();
    }

    /// Nothing will be written any more. The first reason counts.
    pub(crate) fn end(&self, why: &Error) {
        let items = {
            let mut state = self.state.lock();
            if self.ended().is_none() {
                self.ended.send_replace(Some(why.clone()));
            }
            std::mem::take(&mut state.items)
        };
        self.settled.notify_all();
        items.into_iter().for_each(|item| item.answer(Err(why.clone())));
        self.refuse(why);
        self.room.close();
    }

    /// Whether everything is durable that has its place; why it never will be.
    pub(crate) fn is_settled(&self) -> Result<bool, Error> {
        let state = self.state.lock();
        match self.ended() {
            _ if state.durable == state.placed => Ok(true),
            Some(why) => Err(why),
            None => Ok(false),
        }
    }

    /// Waits until everything is durable that has its place now. Blocks.
    pub(crate) fn settle(&self) -> Result<(), Error> {
        let mut state = self.state.lock();
        let goal = state.placed;
        loop {
            match self.ended() {
                _ if state.durable >= goal => return Ok(()),
                Some(why) => return Err(why),
                None => self.settled.wait(&mut state),
            }
        }
    }

    /// The next batches are durable; what they did not take on the disk is there for others.
    pub(crate) fn settled(&self, batches: usize, bytes_left: usize) {
        let mut state = self.state.lock();
        state.durable += batches as u64;
        state.granted += bytes_left;
        drop(state);
        self.settled.notify_all();
    }

    /// So many more bytes are on the disk for batches to come.
    pub(crate) fn grant(&self, bytes: usize) {
        let wanting = {
            let mut state = self.state.lock();
            state.granted += bytes;
            std::mem::take(&mut state.wanting)
        };
        // They try again; one for whom it is not enough waits again.
        for want in wanting {
            let _ = want.reply.send(Ok(()));
        }
    }

    /// There are no more: those who wait learn why.
    pub(crate) fn refuse(&self, error: &Error) {
        let wanting = std::mem::take(&mut self.state.lock().wanting);
        for want in wanting {
            let _ = want.reply.send(Err(error.clone()));
        }
    }

    /// What batches that have their place, and are not taken, will take on the disk at most, and what is there for others.
    pub(crate) fn bytes_promised(&self) -> usize {
        let state = self.state.lock();
        state.granted + state.items.iter().map(|item| item.bytes).sum::<usize>()
    }

    /// Waits for work: everything that waits, up to the bound of a commit. None once closed and empty. Blocks.
    pub(crate) fn take(&self) -> Option<Work> {
        let mut state = self.state.lock();
        while state.items.is_empty() && state.wanting.is_empty() && !state.trim {
            if state.closed {
                return None;
            }
            self.wake.wait(&mut state);
        }
        let wanted = state.wanting.iter().map(|want| want.bytes).max().unwrap_or(0);
        let (trim, granted) = (std::mem::take(&mut state.trim), state.granted);
        let mut work = Work { trim, items: Vec::new(), granted, wanted };
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

/// A batch that has no place yet.
struct Waiting {
    batch: Vec<Append>,
    bytes: usize,
    permit: OwnedSemaphorePermit,
    is_awaited: bool,
}

enum Tried {
    Placed(Option<Answer>),
    Wants(Waiting, oneshot::Receiver<Result<(), Error>>),
}
