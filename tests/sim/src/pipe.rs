//! One direction of a connection: frames arrive in order, after a while, unless the connection breaks.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{FutureExt, Sink, Stream};
use parking_lot::Mutex;

use crate::scheduler::{Scheduler, Sleep};

/// So many frames are on their way at once; then the sender waits.
const WINDOW: usize = 16;

/// The connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is broken")]
pub(crate) struct Cut;

/// How a connection is, for both of its directions. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line(Arc<Mutex<Condition>>);

#[derive(Debug, Default)]
struct Condition {
    is_broken: bool,
    /// Nothing arrives before.
    held_until: Duration,
    wakers: Vec<Waker>,
}

impl Line {
    /// Breaks it: both ends notice.
    pub(crate) fn cut(&self) {
        let mut condition = self.0.lock();
        condition.is_broken = true;
        let wakers = std::mem::take(&mut condition.wakers);
        drop(condition);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Lets nothing through before a time; nobody notices otherwise.
    pub(crate) fn hold(&self, until: Duration) {
        let mut condition = self.0.lock();
        condition.held_until = condition.held_until.max(until);
    }

    /// Whether nobody has it any more but the one who asks.
    #[must_use]
    pub(crate) fn is_over(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn is_broken(&self) -> bool {
        self.0.lock().is_broken
    }
}

struct Queue<T> {
    frames: VecDeque<(Duration, T)>,
    is_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The end that sends.
pub(crate) struct Sender<T> {
    queue: Arc<Mutex<Queue<T>>>,
    line: Line,
    scheduler: Scheduler,
    latency: Box<dyn FnMut() -> Duration + Send>,
}

/// The end that receives.
pub(crate) struct Receiver<T> {
    queue: Arc<Mutex<Queue<T>>>,
    line: Line,
    scheduler: Scheduler,
    timer: Option<Sleep>,
    has_failed: bool,
}

/// One direction of `line`. `latency` is how long the next frame takes.
pub(crate) fn pipe<T>(
    scheduler: &Scheduler,
    line: &Line,
    latency: impl FnMut() -> Duration + Send + 'static,
) -> (Sender<T>, Receiver<T>) {
    let queue = Queue { frames: VecDeque::new(), is_closed: false, reader: None, writer: None };
    let queue = Arc::new(Mutex::new(queue));
    let (line, scheduler) = (line.clone(), scheduler.clone());
    let sender =
        Sender { queue: queue.clone(), line: line.clone(), scheduler: scheduler.clone(), latency: Box::new(latency) };
    (sender, Receiver { queue, line, scheduler, timer: None, has_failed: false })
}

impl<T> Sender<T> {
    /// Sends without waiting for room.
    pub(crate) fn push(&mut self, frame: T) {
        let at = self.scheduler.now() + (self.latency)();
        let mut queue = self.queue.lock();
        let at = queue.frames.back().map_or(at, |(before, _)| at.max(*before));
        queue.frames.push_back((at, frame));
        let reader = queue.reader.take();
        drop(queue);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    fn close(&mut self) {
        let mut queue = self.queue.lock();
        queue.is_closed = true;
        let reader = queue.reader.take();
        drop(queue);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> Sink<T> for Sender<T> {
    type Error = Cut;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        if self.line.is_broken() {
            return Poll::Ready(Err(Cut));
        }
        let mut queue = self.queue.lock();
        if queue.frames.len() < WINDOW {
            return Poll::Ready(Ok(()));
        }
        queue.writer = Some(cx.waker().clone());
        drop(queue);
        self.line.0.lock().wakers.push(cx.waker().clone());
        Poll::Pending
    }

    fn start_send(mut self: Pin<&mut Self>, frame: T) -> Result<(), Cut> {
        self.push(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        Poll::Ready(if self.line.is_broken() { Err(Cut) } else { Ok(()) })
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        self.close();
        Poll::Ready(Ok(()))
    }
}

impl<T> Stream for Receiver<T> {
    type Item = Result<T, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.has_failed {
                return Poll::Ready(None);
            }
            let held_until = {
                let mut condition = this.line.0.lock();
                if condition.is_broken {
                    this.has_failed = true;
                    return Poll::Ready(Some(Err(Cut)));
                }
                condition.wakers.retain(|waker| !waker.will_wake(cx.waker()));
                condition.wakers.push(cx.waker().clone());
                condition.held_until
            };
            let mut queue = this.queue.lock();
            queue.reader = Some(cx.waker().clone());
            let now = this.scheduler.now();
            let Some((at, _)) = queue.frames.front() else {
                if !queue.is_closed {
                    return Poll::Pending;
                }
                drop(queue);
                if held_until <= now {
                    return Poll::Ready(None);
                }
                // That the other end has gone isn't heard of either.
                std::task::ready!(this.wait_until(held_until, cx));
                continue;
            };
            let at = (*at).max(held_until);
            if at <= now {
                let frame = queue.frames.pop_front();
                let writer = queue.writer.take();
                drop(queue);
                if let Some(writer) = writer {
                    writer.wake();
                }
                return Poll::Ready(frame.map(|(_, frame)| Ok(frame)));
            }
            drop(queue);
            std::task::ready!(this.wait_until(at, cx));
        }
    }
}

impl<T> Receiver<T> {
    fn wait_until(&mut self, at: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let wait = at.saturating_sub(self.scheduler.now());
        let timer = self.timer.insert(self.scheduler.sleep(wait));
        timer.poll_unpin(cx)
    }
}

#[cfg(test)]
mod tests;
