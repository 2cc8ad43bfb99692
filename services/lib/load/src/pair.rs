//! Two users, of whom one writes and the other receives, in one task.

use std::{cell::RefCell, future::poll_fn, rc::Rc, sync::Arc, task::Context, time::Instant};

use chasqui_domain::{ChatId, UserId};

use crate::{
    Error, Progress,
    flights::{Fault, Flights, Missing},
    frame::{Delivered, Digits, Frame, Say, To},
    login::Session,
    pace::Turn,
    side::{self, Side, Step},
    tally::{Stage, Tally},
    text::Texts,
};

/// What is the same for all pairs.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) texts: Rc<Texts>,
    pub(crate) reads: bool,
    pub(crate) tally: Rc<RefCell<Tally>>,
    pub(crate) progress: Arc<Progress>,
}

/// A user who writes, one who receives, and what is under way between them.
pub(crate) struct Pair {
    writer: Side,
    recipient: Side,
    chat: String,
    flights: Flights,
    turn: Turn,
    /// How many messages of a session may be without an outcome.
    outstanding_max: u64,
    /// The last message that the recipient has said to have.
    acked: u64,
    common: Common,
}

impl Pair {
    pub(crate) fn new(writer: Session, recipient: Session, turn: Turn, common: Common) -> Result<Self, Error> {
        let user = |session: &Session| UserId::new(&session.user).map_err(|error| Error::Options(error.to_string()));
        let chat = ChatId::direct(&user(&writer)?, &user(&recipient)?).to_string();
        let outstanding_max = writer.outstanding_max as u64;
        let flights = Flights::new(common.reads);
        let (writer, recipient) = (Side::of(writer), Side::of(recipient));
        Ok(Self { writer, recipient, chat, flights, turn, outstanding_max, acked: 0, common })
    }

    /// Sends until it is over, and waits for what is under way. Cancel safe: what is missing then is missing.
    pub(crate) async fn run(&mut self) -> Result<(), Error> {
        poll_fn(|cx| side::steps(|| self.step(cx))).await
    }

    /// What has not come.
    pub(crate) fn missing(&self) -> Missing {
        self.flights.missing()
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let came = self.take_of_recipient(cx)? + self.take_of_writer(cx)?;
        self.acknowledge(cx)?;
        let sent = self.send(cx)?;
        self.recipient.socket.poll_flush(cx)?;
        self.writer.socket.poll_flush(cx)?;
        Ok(match (came + sent, self.is_over() && self.flights.under_way() == 0) {
            (0, true) => Step::Done,
            (0, false) => Step::Wait,
            _ => Step::More,
        })
    }

    fn take_of_recipient(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let Self { recipient, flights, common, .. } = self;
        recipient.take(cx, |side, frame| {
            match frame.kind {
                "message" => {
                    side.came(frame.cursor);
                    let id = frame.number()?;
                    let is_intact = frame.text.is_some_and(|text| common.texts.is(id, text));
                    common.note(Stage::Received, flights.received(id, frame.seq, is_intact));
                }
                "failed" | "error" => return Err(side.refused(frame)),
                _ => {}
            }
            Ok(())
        })
    }

    fn take_of_writer(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let Self { writer, flights, common, .. } = self;
        writer.take(cx, |side, frame| {
            match frame.kind {
                "sent" => {
                    side.came(frame.cursor);
                    common.note(Stage::Sent, flights.sent(frame.number()?, frame.seq));
                }
                // The writer's own watermarks say nothing here.
                "receipt" if frame.user != Some(&*side.user) => common.receipt(flights, frame),
                "failed" | "error" => return Err(side.refused(frame)),
                _ => {}
            }
            Ok(())
        })
    }

    /// The recipient says at once what it has; the writer only in time, before it gets nothing more.
    fn acknowledge(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if let Some(cursor) = self.recipient.acknowledges() {
            let seq = self.flights.last_received();
            let delivered = (seq > self.acked).then_some(Delivered { chat: &self.chat, seq });
            self.recipient.socket.put(cx, Say::Ack { cursor: &cursor, delivered }.text()?)?;
            if self.common.reads && seq > self.acked {
                self.recipient.socket.put(cx, Say::Read { chat: &self.chat, seq }.text()?)?;
            }
            self.acked = seq;
        }
        if self.writer.is_half_full()
            && let Some(cursor) = self.writer.acknowledges()
        {
            self.writer.socket.put(cx, Say::Ack { cursor: &cursor, delivered: None }.text()?)?;
        }
        Ok(())
    }

    fn send(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let mut sent = 0;
        while let Some(since) = self.next_turn(cx) {
            let id = self.flights.begin(since);
            let text = self.common.texts.of(id);
            let say = Say::Send { id: Digits(id), to: To::User(&self.recipient.user), text: &text };
            self.writer.socket.put(cx, say.text()?)?;
            sent += 1;
        }
        Ok(sent)
    }

    /// When the message should be sent that is to be sent now.
    fn next_turn(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let may_send = self.flights.without_outcome() < self.outstanding_max;
        self.turn.next(cx, may_send, self.flights.under_way(), &self.common.progress)
    }

    /// Whether there will be no more to send.
    fn is_over(&self) -> bool {
        self.turn.is_over(&self.common.progress)
    }
}

impl Common {
    fn note(&self, stage: Stage, came: Result<Option<Instant>, Fault>) {
        let mut tally = self.tally.borrow_mut();
        match came {
            Ok(since) => since.into_iter().for_each(|since| tally.note(stage, since, Instant::now())),
            Err(fault) => tally.fault(fault),
        }
    }

    fn receipt(&self, flights: &mut Flights, frame: &Frame<'_>) {
        let (now, before) = (Instant::now(), flights.under_way());
        let mut tally = self.tally.borrow_mut();
        let receipt = flights.receipt(frame.delivered, frame.read, |stage, since| tally.note(stage, since, now));
        if let Err(fault) = receipt {
            tally.fault(fault);
        }
        self.progress.more_done((before - flights.under_way()) as u64);
    }
}
