//! Who writes to a group.

use std::{future::poll_fn, rc::Rc, task::Context, time::Instant};

use super::{counts::Moment, shared::Shared};
use crate::{
    Error,
    flights::Fault,
    frame::{Digits, Say, To},
    login::Session,
    pace::Turn,
    side::{self, Side, Step},
};

pub(super) struct Author {
    side: Side,
    turn: Turn,
    /// How many messages of a session may be without an outcome.
    outstanding_max: u64,
    /// The `counts` frames that came lately.
    moment: Moment,
    group: Rc<Shared>,
}

impl Author {
    pub(super) fn new(session: Session, turn: Turn, group: Rc<Shared>) -> Self {
        let outstanding_max = session.outstanding_max as u64;
        Self { side: Side::of(session), turn, outstanding_max, moment: Moment::default(), group }
    }

    /// Writes until it is over, and waits for what is under way. Cancel safe: what is missing then is missing.
    pub(super) async fn run(&mut self) -> Result<(), Error> {
        poll_fn(|cx| side::steps(|| self.step(cx))).await
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        self.group.author.register(cx.waker());
        let came = self.take(cx)?;
        self.acknowledge(cx)?;
        let sent = self.send(cx)?;
        self.side.socket.poll_flush(cx)?;
        Ok(match (came + sent, self.turn.is_over(&self.group.common.progress) && self.group.is_quiet()) {
            (0, true) => Step::Done,
            (0, false) => Step::Wait,
            _ => Step::More,
        })
    }

    fn take(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let Self { side, moment, group, .. } = self;
        side.take(cx, |side, frame| {
            match frame.kind {
                "sent" => {
                    side.came(frame.cursor);
                    group.sent(frame.number()?, frame.seq);
                }
                "counts" => {
                    let now = Instant::now();
                    let moment_bytes = moment.add(now, frame.bytes);
                    group.common.tally.borrow_mut().counted(frame.bytes, moment_bytes, now);
                    group.must(group.counts.borrow_mut().told(frame.others, &frame.messages));
                }
                // It was told of the group already, and `sent` stands in the place of the message.
                "message" | "changed" | "done" => {
                    side.came(frame.cursor);
                    group.fault(Fault::Repeated);
                }
                "failed" | "error" => return Err(side.refused(frame)),
                _ => {}
            }
            Ok(())
        })
    }

    /// Only in time, before it gets nothing more.
    fn acknowledge(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.side.is_half_full()
            && let Some(cursor) = self.side.acknowledges()
        {
            self.side.socket.put(cx, Say::Ack { cursor: &cursor, delivered: None }.text()?)?;
        }
        Ok(())
    }

    fn send(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let mut sent = 0;
        while let Some(since) = self.next_turn(cx) {
            let (id, text) = self.group.begin(since);
            let say = Say::Send { id: Digits(id), to: To::Group(&self.group.chat), text: &text };
            self.side.socket.put(cx, say.text()?)?;
            sent += 1;
        }
        Ok(sent)
    }

    fn next_turn(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let copies = self.group.copies.borrow();
        let may_send = copies.without_outcome() < self.outstanding_max;
        self.turn.next(cx, may_send, copies.under_way(), &self.group.common.progress)
    }
}
