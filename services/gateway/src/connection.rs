//! Drives a session: reads its socket, does its work, and writes what there is, in one task.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use chasqui_wire::Code;
use futures::{FutureExt, SinkExt, StreamExt, future::BoxFuture};

use crate::{
    limits,
    transport::{Incoming, Outgoing, Source, Target, TransportError},
    work::Worker,
};

/// How many frames are read before what they led to is written.
const FRAMES_AT_ONCE: usize = 32;

/// The session ends; the client is told why, unless it is gone.
struct End(Option<Code>);

impl From<Code> for End {
    fn from(code: Code) -> Self {
        Self(Some(code))
    }
}

impl From<TransportError> for End {
    fn from(error: TransportError) -> Self {
        tracing::debug!(%error, "a session's connection failed");
        Self(None)
    }
}

/// A session and its socket.
pub(crate) struct Connection<'a, T, S> {
    worker: Worker,
    target: &'a mut T,
    source: &'a mut S,
    /// Set early and rarely moved: it wakes the session to see what is due.
    timer: Option<(Duration, BoxFuture<'static, ()>)>,
    /// Something was written that was not flushed, and is to be flushed at this moment.
    flush_at: Option<Duration>,
}

impl<'a, T: Target, S: Source> Connection<'a, T, S> {
    pub(crate) fn new(worker: Worker, target: &'a mut T, source: &'a mut S) -> Self {
        Self { worker, target, source, timer: None, flush_at: None }
    }

    /// Goes on until the session ends; gives why, when the client is to be told. A future of its own would hold a session twice,
    /// as what it was given and as what it works with.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Code>> {
        self.worker.handle.queue.register(cx.waker());
        loop {
            match self.step(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(End(why)) => return Poll::Ready(why),
            }
        }
    }

    /// Does what can be done now; whether there may be more.
    fn step(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let now = self.worker.shared.runtime.monotonic();
        if let Some(why) = self.worker.handle.queue.closing() {
            return Err(why.into());
        }
        if now >= self.worker.grant.until {
            return Err(Code::TokenExpired.into());
        }
        self.worker.session.tick(now)?;
        let frames = self.poll_frames(cx, now)?;
        let mut is_busy = frames == Frames::More;
        is_busy |= self.worker.poll_work(cx, now)?;
        let is_open = match self.poll_write(cx, now) {
            Poll::Ready(written) => written.map(|()| true)?,
            Poll::Pending => false,
        };
        self.worker.session.socket_is_open(is_open, now);
        // Writing may have made room for a frame, or ended a page.
        is_busy |= frames == Frames::NoRoom && self.worker.takes_frames();
        is_busy |= self.worker.poll_work(cx, now)?;
        Ok(is_busy || self.poll_timer(cx))
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<Frames, End> {
        for _ in 0..FRAMES_AT_ONCE {
            if !self.worker.poll_handling(cx, now) {
                // Its task wakes this one. Who isn't read can give no sign of life.
                self.worker.session.heard(now);
                return Ok(Frames::Waiting);
            }
            if !self.worker.takes_frames() {
                self.worker.session.heard(now);
                return Ok(Frames::NoRoom);
            }
            let Poll::Ready(incoming) = self.source.poll_next_unpin(cx) else { return Ok(Frames::Waiting) };
            self.worker.session.heard(now);
            if !self.worker.frames.take() {
                return Err(Code::TooManyFrames.into());
            }
            match incoming {
                Some(Ok(Incoming::TooLong)) => return Err(Code::FrameTooLarge.into()),
                Some(Ok(Incoming::Text(text))) => {
                    // Before: what this client says must not be overtaken by what an older session still has to read.
                    self.worker.answered();
                    self.worker.frame(&text, now)?;
                }
                Some(Ok(Incoming::Binary)) => self.worker.bad("a frame is text".to_owned()),
                Some(Ok(Incoming::Ping)) => {}
                Some(Ok(Incoming::Pong)) => self.worker.answered(),
                Some(Ok(Incoming::Close)) | None => return Err(End(None)),
                Some(Err(error)) => {
                    tracing::debug!(%error, "a session's connection failed");
                    // It may be something that is no frame, and the client still there.
                    return Err(Code::BadFrame.into());
                }
            }
        }
        Ok(Frames::More)
    }

    /// Writes all there is, and then flushes once, unless all of it may wait.
    fn poll_write(&mut self, cx: &mut Context<'_>, now: Duration) -> Poll<Result<(), TransportError>> {
        loop {
            ready!(self.target.poll_ready_unpin(cx))?;
            let (outgoing, flush_at) = if self.worker.session.takes_ping() {
                (Outgoing::Ping, now)
            } else if let Some(frame) = self.worker.session.next(&self.worker.handle.queue, now) {
                let wait = if self.worker.session.hurries() { Duration::ZERO } else { limits::PATIENCE };
                (Outgoing::Text(frame), now + wait)
            } else {
                break;
            };
            self.target.start_send_unpin(outgoing)?;
            self.flush_at = Some(self.flush_at.map_or(flush_at, |earlier| earlier.min(flush_at)));
        }
        if self.flush_at.is_some_and(|at| at <= now) {
            ready!(self.target.poll_flush_unpin(cx))?;
            self.flush_at = None;
        }
        Poll::Ready(Ok(()))
    }

    /// Whether the timer fired.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.worker.deadline().min(self.worker.grant.until);
        // A flush that is due waits for the socket, which wakes this task by itself.
        let flush_at = self.flush_at.filter(|at| *at > self.worker.shared.runtime.monotonic());
        let deadline = flush_at.map_or(deadline, |at| at.min(deadline));
        if self.timer.as_ref().is_none_or(|(at, _)| *at > deadline) {
            let now = self.worker.shared.runtime.monotonic();
            let sleep = self.worker.shared.runtime.sleep(deadline.saturating_sub(now));
            self.timer = Some((deadline, sleep));
        }
        let fired = self.timer.as_mut().is_some_and(|(_, sleep)| sleep.poll_unpin(cx).is_ready());
        if fired {
            self.timer = None;
        }
        fired
    }
}

/// What became of the client's frames.
#[derive(PartialEq, Eq)]
enum Frames {
    /// There may be more.
    More,
    /// None is there, or one is in hand.
    Waiting,
    /// What they would lead to has no room.
    NoRoom,
}
