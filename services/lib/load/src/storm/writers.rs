//! Those who stay connected and write to those who don't.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    direct,
    ledger::{Ledger, Written},
};
use crate::{
    Error, Options,
    frame::{Digits, Say, To},
    in_one_thread,
    login::{Door, Session},
    pace,
    side::{self, Side, Step},
};

const BUFFER_BYTES: usize = 16 * 1024;

const LOG_INS_AT_ONCE: usize = 64;

/// What they are told to do.
enum Order {
    /// Write so many messages to each of their readers, and say when all of them are accepted.
    Round(u64),
    /// Write to one reader after the other, whenever it is time.
    Keep(Receiver<Instant>),
    /// Write nothing more than what is due.
    Rest,
}

/// All of them, in a thread of their own: whatever the others have to do, it is not these who wait for it.
pub(super) struct Writers {
    orders: Vec<UnboundedSender<Order>>,
    /// How many of them have not ended their round.
    in_round: Arc<AtomicUsize>,
    options: Options,
    thread: Option<JoinHandle<Result<Vec<Wrote>, Error>>>,
}

/// What one of them saw.
pub(super) struct Wrote {
    pub(super) written: Written,
    /// How often the server says again that it has caught up: it fell behind then.
    pub(super) repaired: u64,
}

struct Writer {
    side: Side,
    ledger: Arc<Ledger>,
    /// Its readers, each with the user; and which one is next.
    readers: Vec<(usize, String)>,
    next: usize,
    /// Its readers by their chats.
    chats: HashMap<String, usize>,
    orders: UnboundedReceiver<Order>,
    due: Option<Receiver<Instant>>,
    /// What is to be written: to which of its readers, and since when, if that is not when it is sent.
    waiting: VecDeque<(usize, Option<Instant>)>,
    outstanding: usize,
    outstanding_max: usize,
    is_in_round: bool,
    in_round: Arc<AtomicUsize>,
    is_over: bool,
    wrote: Wrote,
}

impl Writers {
    /// Starts so many; readers, given by their users, are dealt out among them.
    pub(super) fn start(
        options: &Options,
        count: usize,
        readers: &[String],
        ledger: &Arc<Ledger>,
    ) -> Result<Self, Error> {
        let (orders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| unbounded_channel()).unzip();
        let (of_thread, readers, ledger) = (options.clone(), readers.to_vec(), ledger.clone());
        let in_round = Arc::new(AtomicUsize::new(0));
        let told = in_round.clone();
        let work = move || in_one_thread(write(of_thread, receivers, readers, ledger, told));
        let thread = thread::Builder::new().name("writers".to_owned()).spawn(work).map_err(Error::Runtime)?;
        Ok(Self { orders, in_round, options: options.clone(), thread: Some(thread) })
    }

    /// Why they have ended, if they have, which they do by themselves only for an error.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            self.join()?;
        }
        Ok(())
    }

    /// Each writes so many messages to each of its readers, as fast as it may.
    pub(super) fn round(&self, messages: u64) {
        self.in_round.fetch_add(self.orders.len(), Ordering::Relaxed);
        // Who has ended is asked why in the end.
        self.orders.iter().for_each(|orders| drop(orders.send(Order::Round(messages))));
    }

    /// Whether all that was written up to the end of the last round was accepted.
    pub(super) fn have_written(&self) -> bool {
        self.in_round.load(Ordering::Relaxed) == 0
    }

    /// From now on they write so many messages a second, all together.
    pub(super) fn keep(&self, per_second: f64, time: Duration) -> Result<(), Error> {
        let begin = Instant::now();
        let progress = self.options.progress.clone();
        let told = pace::keep(self.orders.len(), per_second, begin, begin + time, progress).map_err(Error::Runtime)?;
        self.orders.iter().zip(told).for_each(|(orders, due)| drop(orders.send(Order::Keep(due))));
        Ok(())
    }

    /// They write nothing more.
    pub(super) fn rest(&self) {
        self.orders.iter().for_each(|orders| drop(orders.send(Order::Rest)));
    }

    /// Ends them.
    pub(super) fn end(mut self) -> Result<Vec<Wrote>, Error> {
        self.orders.clear();
        self.join()
    }

    fn join(&mut self) -> Result<Vec<Wrote>, Error> {
        let joined = self.thread.take().and_then(|thread| thread.join().ok());
        joined.unwrap_or_else(|| Err(Error::Options("the writers failed".to_owned())))
    }
}

/// The name of one of them, who is the one of every so many readers.
pub(super) fn user(options: &Options, number: usize) -> String {
    format!("{}-writer-{number}", options.run)
}

async fn write(
    options: Options,
    orders: Vec<UnboundedReceiver<Order>>,
    readers: Vec<String>,
    ledger: Arc<Ledger>,
    in_round: Arc<AtomicUsize>,
) -> Result<Vec<Wrote>, Error> {
    let door = Door::new(&options, LOG_INS_AT_ONCE, BUFFER_BYTES);
    let count = orders.len();
    let one = |(number, orders)| {
        let (door, ledger, in_round) = (&door, ledger.clone(), in_round.clone());
        let readers = readers.iter().cloned().enumerate().skip(number).step_by(count).collect();
        let user = user(&options, number);
        async move {
            let mut writer = Writer::new(door.enter(user, number).await?, readers, orders, ledger, in_round)?;
            poll_fn(|cx| side::steps(|| writer.step(cx))).await?;
            Ok(writer.wrote)
        }
    };
    try_join_all(orders.into_iter().enumerate().map(one)).await
}

impl Writer {
    fn new(
        session: Session,
        readers: Vec<(usize, String)>,
        orders: UnboundedReceiver<Order>,
        ledger: Arc<Ledger>,
        in_round: Arc<AtomicUsize>,
    ) -> Result<Self, Error> {
        let chat = |(number, reader): &(usize, String)| Ok((direct(&session.user, reader)?, *number));
        let chats = readers.iter().map(chat).collect::<Result<_, Error>>()?;
        Ok(Self {
            chats,
            outstanding_max: session.outstanding_max,
            side: Side::of(session),
            ledger,
            readers,
            next: 0,
            orders,
            due: None,
            waiting: VecDeque::new(),
            outstanding: 0,
            is_in_round: false,
            in_round,
            is_over: false,
            wrote: Wrote { written: Vec::new(), repaired: 0 },
        })
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let came = self.take(cx)?;
        self.acknowledge(cx)?;
        self.listen(cx);
        let sent = self.send(cx)?;
        self.side.socket.poll_flush(cx)?;
        if self.is_in_round && self.outstanding == 0 && self.waiting.is_empty() {
            self.is_in_round = false;
            self.in_round.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(match (came + sent, self.is_over) {
            (_, true) => Step::Done,
            (0, false) => Step::Wait,
            _ => Step::More,
        })
    }

    fn take(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let Self { side, ledger, chats, outstanding, wrote, .. } = self;
        side.take(cx, |side, frame| {
            let reader = frame.chat.and_then(|chat| chats.get(chat)).copied();
            match (frame.kind, reader) {
                ("sent", Some(reader)) => {
                    side.came(frame.cursor);
                    *outstanding = outstanding.saturating_sub(1);
                    let since = ledger.sent(reader, frame.number()?, frame.seq);
                    wrote.written.extend(since.map(|since| (since, since.elapsed())));
                }
                // The writer's own watermarks say nothing here.
                ("receipt", Some(reader)) if frame.user != Some(&*side.user) => {
                    ledger.receipt(reader, frame.delivered, frame.read);
                }
                ("caught_up", _) => {
                    side.came(frame.cursor);
                    wrote.repaired += 1;
                }
                ("failed" | "error", _) => return Err(side.refused(frame)),
                _ => {}
            }
            Ok(())
        })
    }

    /// In time, before it gets nothing more.
    fn acknowledge(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.side.is_half_full()
            && let Some(cursor) = self.side.acknowledges()
        {
            self.side.socket.put(cx, Say::Ack { cursor: &cursor, delivered: None }.text()?)?;
        }
        Ok(())
    }

    fn listen(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(order) = self.orders.poll_recv(cx) {
            match order {
                Some(Order::Round(messages)) => {
                    let each = (0..messages).flat_map(|_| 0..self.readers.len());
                    self.waiting.extend(each.map(|place| (place, None)));
                    self.is_in_round = true;
                }
                Some(Order::Keep(due)) => self.due = Some(due),
                Some(Order::Rest) => self.due = None,
                None => {
                    self.is_over = true;
                    return;
                }
            }
        }
        while let Some(due) = &mut self.due
            && let Poll::Ready(told) = due.poll_recv(cx)
        {
            match told {
                Some(since) if !self.readers.is_empty() => {
                    self.waiting.push_back((self.next, Some(since)));
                    self.next = (self.next + 1) % self.readers.len();
                }
                _ => self.due = None,
            }
        }
    }

    fn send(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let mut sent = 0;
        while self.outstanding < self.outstanding_max
            && let Some((place, since)) = self.waiting.pop_front()
        {
            let (number, reader) = &self.readers[place];
            let (id, text) = self.ledger.begin(*number, since.unwrap_or_else(Instant::now));
            self.side.socket.put(cx, Say::Send { id: Digits(id), to: To::User(reader), text: &text }.text()?)?;
            self.outstanding += 1;
            sent += 1;
        }
        Ok(sent)
    }
}
