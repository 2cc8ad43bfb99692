//! When messages are to be sent in an open loop.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{
    Error, Pace,
    options::{PER_SECOND_MAX, Progress, check},
};

/// When the next message of a writer is sent.
#[derive(Debug)]
pub(crate) enum Turn {
    /// When fewer than so many are under way, until a moment.
    Window { size: usize, end: Instant },
    /// When it is told to; those that it can't send yet wait.
    Told { due: Receiver<Instant>, waiting: VecDeque<Instant>, is_over: bool },
}

impl Turn {
    /// When the message should be sent that is to be sent now, of a writer of whose messages so many are under way.
    pub(crate) fn next(
        &mut self,
        cx: &mut Context<'_>,
        may_send: bool,
        under_way: usize,
        progress: &Progress,
    ) -> Option<Instant> {
        match self {
            Self::Window { size, end } => {
                let now = Instant::now();
                let is_time = now < *end && !progress.is_stopped();
                (is_time && may_send && under_way < *size).then_some(now)
            }
            Self::Told { due, waiting, is_over } => {
                while let (false, Poll::Ready(told)) = (*is_over, due.poll_recv(cx)) {
                    waiting.extend(told);
                    *is_over = told.is_none();
                }
                if may_send { waiting.pop_front() } else { None }
            }
        }
    }

    /// Whether there will be no more to send.
    pub(crate) fn is_over(&self, progress: &Progress) -> bool {
        match self {
            Self::Window { end, .. } => Instant::now() >= *end || progress.is_stopped(),
            Self::Told { waiting, is_over, .. } => *is_over && waiting.is_empty(),
        }
    }
}

impl Pace {
    /// # Errors
    /// When it can't be kept.
    pub(crate) fn check(self) -> Result<(), Error> {
        let per_second = match self {
            Self::Window(_) => PER_SECOND_MAX,
            Self::PerSecond(per_second) => per_second,
        };
        check(&[
            (self != Self::Window(0), "a window must hold at least one message"),
            (per_second > 0.0 && per_second <= PER_SECOND_MAX, "the rate must be above 0, and 1,000,000 at most"),
        ])
    }

    /// # Errors
    /// When a session can't have as many messages under way as the window holds.
    pub(crate) fn check_window(self, outstanding_max: usize) -> Result<(), Error> {
        match self {
            Self::Window(size) if size > outstanding_max => Err(Error::Options(format!(
                "the window is {size}, and the server allows {outstanding_max} under way in a session"
            ))),
            _ => Ok(()),
        }
    }

    /// The turns of some writers, from `begin` to `end`.
    pub(crate) fn turns(
        self,
        writers: usize,
        begin: Instant,
        end: Instant,
        progress: &Arc<Progress>,
    ) -> Result<Vec<Turn>, Error> {
        Ok(match self {
            Self::Window(size) => (0..writers).map(|_| Turn::Window { size, end }).collect(),
            Self::PerSecond(per_second) => {
                let told = keep(writers, per_second, begin, end, progress.clone()).map_err(Error::Runtime)?;
                let turn = |due| Turn::Told { due, waiting: VecDeque::new(), is_over: false };
                told.into_iter().map(turn).collect()
            }
        })
    }

    /// The messages under way, where that is what is kept, and the messages a second, where it is those.
    pub(crate) fn parts(self) -> (Option<usize>, Option<f64>) {
        match self {
            Self::Window(size) => (Some(size), None),
            Self::PerSecond(per_second) => (None, Some(per_second)),
        }
    }
}

/// Tells each of some writers when to send, all of them together `per_second` times a second, from `begin` to `end`. Each
/// gets the moment at which it should have been told. A thread of its own keeps the time: the timers of the runtime are
/// a millisecond coarse, which would count as the server's.
pub(crate) fn keep(
    writers: usize,
    per_second: f64,
    begin: Instant,
    end: Instant,
    progress: Arc<Progress>,
) -> std::io::Result<Vec<Receiver<Instant>>> {
    let total = (end - begin).as_secs_f64() * per_second;
    // Room for all there will ever be, so that nobody who is late holds up the others.
    let room = (total / writers.max(1) as f64).ceil() as usize + 2;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..writers).map(|_| channel(room)).unzip();
    thread::Builder::new().name("pace".to_owned()).spawn(move || tell(&senders, per_second, begin, end, &progress))?;
    Ok(receivers)
}

fn tell(writers: &[Sender<Instant>], per_second: f64, begin: Instant, end: Instant, progress: &Progress) {
    for (number, writer) in (0u64..).zip(writers.iter().cycle()) {
        let due = begin + Duration::from_secs_f64(number as f64 / per_second);
        if due >= end {
            return;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // A writer that has ended wants to know no more, and it ends only when all do.
        if progress.is_stopped() || writer.try_send(due).is_err() {
            return;
        }
    }
}
