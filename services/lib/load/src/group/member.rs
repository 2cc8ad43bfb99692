//! Who is in a group, online, and writes nothing.

use std::{future::poll_fn, rc::Rc, task::Context};

use super::shared::Shared;
use crate::{
    Error, Receipts,
    flights::Fault,
    frame::{Delivered, Say},
    login::Session,
    side::{self, Side, Step},
};

pub(super) struct Member {
    number: usize,
    side: Side,
    /// The last message that it has said to have.
    said: u64,
    group: Rc<Shared>,
}

impl Member {
    /// The `number`th of those in a group who are online.
    pub(super) fn new(number: usize, session: Session, group: Rc<Shared>) -> Self {
        Self { number, side: Side::of(session), said: 0, group }
    }

    /// Takes what comes. Only an error ends it.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        poll_fn(|cx| side::steps(|| self.step(cx))).await
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Result<Step, Error> {
        let came = self.take(cx)?;
        self.acknowledge(cx)?;
        self.side.socket.poll_flush(cx)?;
        Ok(if came > 0 { Step::More } else { Step::Wait })
    }

    fn take(&mut self, cx: &mut Context<'_>) -> Result<usize, Error> {
        let Self { number, side, group, .. } = self;
        side.take(cx, |side, frame| {
            match frame.kind {
                "message" => {
                    side.came(frame.cursor);
                    group.received(*number, frame.number()?, frame);
                }
                // It was told of the group already.
                "changed" => {
                    side.came(frame.cursor);
                    group.fault(Fault::Repeated);
                }
                // It has written nothing.
                "counts" => group.fault(Fault::Untrue),
                "failed" | "error" => return Err(side.refused(frame)),
                _ => {}
            }
            Ok(())
        })
    }

    /// Says at once what it has, where it says so; otherwise only in time, before it gets nothing more.
    fn acknowledge(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let receipts = self.group.common.receipts;
        if receipts == Receipts::None && !self.side.is_half_full() {
            return Ok(());
        }
        let Some(cursor) = self.side.acknowledges() else { return Ok(()) };
        let group = self.group.clone();
        let (chat, seq) = (&group.chat, group.copies.borrow().last_received(self.number));
        let is_news = receipts != Receipts::None && seq > self.said;
        if is_news {
            // Before it is written, since from then on the author may be told.
            self.said(seq);
        }
        let delivered = is_news.then_some(Delivered { chat, seq });
        self.side.socket.put(cx, Say::Ack { cursor: &cursor, delivered }.text()?)?;
        if is_news && receipts == Receipts::Read {
            self.side.socket.put(cx, Say::Read { chat, seq }.text()?)?;
        }
        Ok(())
    }

    fn said(&mut self, seq: u64) {
        let mut counts = self.group.counts.borrow_mut();
        counts.delivered(self.number, seq);
        if self.group.common.receipts == Receipts::Read {
            counts.read(self.number, seq);
        }
        self.said = seq;
    }
}
