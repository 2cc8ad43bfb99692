//! A session: what it has seen, what it may be sent next, and what is due. Pure: the connection around it passes the
//! time and does what it asks for.
//!
//! ```text
//!            ┌──────────────── gap ────────────────┐
//!            ▼                                     │
//!  new ─▶ attaching ── answer ─▶ reading ── end ─▶ live
//!         pushes are             the queue         the queue
//!         thrown away            waits             is written
//! ```
//!
//! The high-water rises only with what is written to the client: from rows while reading, from pushes when live.

mod due;
mod held;
mod outstanding;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, ops::Range, time::Duration};

use axum::extract::ws::Utf8Bytes;
use chasqui_domain::{Day, DeviceId, LogId, Offset, Position, UserId};
use chasqui_telemetry::metrics::SessionMetrics;
use chasqui_wire::{
    Code,
    cursor::{self, Cursor},
    frames::{CaughtUp, NotResumed, ServerFrame},
    presence::PresenceKind,
};

use crate::{
    limits,
    options::Options,
    queue::{Delivery, Item, Popped, Queue},
    render::text,
};
use held::Held;
use outstanding::Outstanding;

/// What bounds a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) unacked_max: usize,
    pub(crate) outstanding_max: usize,
    pub(crate) idle: Duration,
    pub(crate) ping: Duration,
}

impl From<&Options> for Limits {
    fn from(options: &Options) -> Self {
        Self {
            unacked_max: options.unacked_max,
            outstanding_max: options.outstanding_max,
            idle: options.idle(),
            ping: options.ping(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Waits for the answer to its attach, which is repeated at `again`.
    Attaching { again: Duration, wait: Duration },
    /// Reads its inbox up to a place.
    Reading { up_to: Offset, page: Page },
    /// Writes what is pushed.
    Live,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Wanted,
    Asked,
    /// The last page was read.
    Last,
}

/// A session's state.
#[derive(Debug)]
pub(crate) struct Session {
    limits: Limits,
    user: UserId,
    device: DeviceId,
    log: LogId,
    phase: Phase,
    /// The attach that is to be answered.
    attempt: u32,
    /// Why it doesn't go on at a cursor.
    not_resumed: Option<NotResumed>,
    /// No entry at the high-water or behind it is older.
    day: Day,
    /// The high-water: the next offset wanted. None while a session without a cursor has no answer.
    wanted: Option<Offset>,
    /// Rows that were read and not yet written.
    page: VecDeque<Delivery>,
    /// The kept entries that were written and not yet acknowledged.
    unacked: VecDeque<Offset>,
    outstanding: Outstanding,
    held: Held,
    /// Answers and notices, which go before entries.
    control: VecDeque<Utf8Bytes>,
    announce: Option<PresenceKind>,
    refresh_at: Duration,
    heard_at: Duration,
    pinged_at: Duration,
    ping_due: bool,
    /// Whether the frame that was given last is in a hurry.
    hurries: bool,
    /// The first thing said is the welcome.
    is_welcomed: bool,
    /// Since when there is something to write and no room for it among the unacknowledged, or in the socket.
    stuck_since: Option<Duration>,
    blocked_since: Option<Duration>,
    metrics: SessionMetrics,
}

impl Session {
    /// A session that goes on at `from`, or at the present, which is `today`.
    pub(crate) fn new(
        limits: Limits,
        user: UserId,
        device: DeviceId,
        log: LogId,
        from: Result<Offset, NotResumed>,
        today: Day,
        now: Duration,
    ) -> Self {
        let mut session = Self {
            limits,
            user,
            device,
            log,
            phase: Phase::Live,
            attempt: 0,
            not_resumed: from.err(),
            day: today,
            wanted: from.ok(),
            page: VecDeque::new(),
            unacked: VecDeque::new(),
            outstanding: Outstanding::new(limits.outstanding_max),
            held: Held::default(),
            control: VecDeque::new(),
            announce: None,
            refresh_at: now + limits::REFRESH_EVERY,
            heard_at: now,
            pinged_at: now,
            ping_due: false,
            hurries: true,
            is_welcomed: false,
            stuck_since: None,
            blocked_since: None,
            metrics: SessionMetrics::default(),
        };
        session.attach(now);
        session
    }

    pub(crate) fn user(&self) -> &UserId {
        &self.user
    }

    pub(crate) fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Why no cursor was taken up; none when one was.
    pub(crate) fn not_resumed(&self) -> Option<NotResumed> {
        self.not_resumed
    }

    /// Queues an answer or a notice.
    pub(crate) fn say(&mut self, frame: &ServerFrame) {
        self.control.extend(text(frame));
    }

    /// Whether a client's frame may be handled: its answer needs room.
    pub(crate) fn takes_frames(&self) -> bool {
        self.control.len() < limits::CONTROL_FRAMES_MAX
    }

    /// Whether the frame that [`Session::next`] gave last is in a hurry, or may wait for others to be flushed with.
    pub(crate) fn hurries(&self) -> bool {
        self.hurries
    }

    /// The next frame to write.
    pub(crate) fn next(&mut self, queue: &Queue, now: Duration) -> Option<Utf8Bytes> {
        self.hurries = true;
        if let Some(frame) = self.control.pop_front() {
            // Whether the client is there is asked at once.
            self.ping_due |= !std::mem::replace(&mut self.is_welcomed, true);
            return Some(frame);
        }
        loop {
            match self.phase {
                Phase::Attaching { .. } => match queue.pop() {
                    Popped::Item(Item::Answer { attempt, up_to }) if attempt == self.attempt => self.read(up_to),
                    // What is pushed before the answer has a row by then, and what is told live is asked for behind it.
                    Popped::Item(_) => {}
                    Popped::Gap => self.repair(now),
                    Popped::Empty => return None,
                },
                Phase::Reading { up_to, page } => match self.page.is_empty() {
                    true if page == Page::Last => return self.caught_up(up_to),
                    true => return None,
                    false if !self.has_room(now) => return None,
                    false => {
                        if let Some(frame) = self.page.pop_front().and_then(|delivery| self.write(delivery)) {
                            return Some(frame);
                        }
                    }
                },
                Phase::Live => {
                    if !queue.has_more() || !self.has_room(now) {
                        return None;
                    }
                    match queue.pop() {
                        Popped::Item(Item::Entry(delivery)) => {
                            if let Some(frame) = self.write(delivery) {
                                return Some(frame);
                            }
                        }
                        // The router had forgotten the session and took it up again, or answers a repeated attach; in
                        // that case there is nothing between.
                        Popped::Item(Item::Answer { attempt, up_to })
                            if attempt == self.attempt && Some(up_to) > self.wanted =>
                        {
                            self.read(up_to);
                        }
                        Popped::Item(Item::Answer { .. }) => {}
                        Popped::Item(Item::Live(frame)) => return Some(frame),
                        Popped::Gap => self.repair(now),
                        Popped::Empty => return None,
                    }
                }
            }
        }
    }

    /// Counts together with others.
    pub(crate) fn counted_by(self, metrics: &SessionMetrics) -> Self {
        Self { metrics: metrics.clone(), ..self }
    }

    /// Something may have been missed.
    fn repair(&mut self, now: Duration) {
        self.metrics.repairs.inc();
        self.attach(now);
    }

    fn attach(&mut self, now: Duration) {
        self.attempt = self.attempt.wrapping_add(1);
        self.phase = Phase::Attaching { again: now + limits::ATTACH_WAIT, wait: limits::ATTACH_WAIT };
        self.announce = Some(PresenceKind::Attach);
    }

    fn read(&mut self, up_to: Offset) {
        let wanted = *self.wanted.get_or_insert(up_to);
        let page = if wanted < up_to { Page::Wanted } else { Page::Last };
        self.phase = Phase::Reading { up_to, page };
    }

    /// The rows to read now, given once: the page is then to be brought to [`Session::page_read`].
    pub(crate) fn page_wanted(&mut self) -> Option<Range<Offset>> {
        let Phase::Reading { up_to, page: Page::Wanted } = self.phase else { return None };
        if !self.page.is_empty() {
            return None;
        }
        self.phase = Phase::Reading { up_to, page: Page::Asked };
        Some(self.wanted.unwrap_or(up_to)..up_to)
    }

    /// Takes the rows that were asked for, and whether they are all.
    pub(crate) fn page_read(&mut self, rows: Vec<Delivery>, is_last: bool) {
        let Phase::Reading { up_to, page: Page::Asked } = self.phase else { return };
        self.page = rows.into();
        self.phase = Phase::Reading { up_to, page: if is_last { Page::Last } else { Page::Wanted } };
    }

    fn caught_up(&mut self, up_to: Offset) -> Option<Utf8Bytes> {
        // A new owner of the partition may stand behind what this device has seen already.
        let offset = self.wanted.map_or(up_to, |wanted| wanted.max(up_to));
        self.wanted = Some(offset);
        self.page = VecDeque::new();
        self.phase = Phase::Live;
        let position = Position { log: self.log, offset };
        let cursor = cursor::encode(&self.user, &Cursor { position, day: self.day });
        text(&ServerFrame::CaughtUp(CaughtUp { cursor }))
    }

    fn write(&mut self, delivery: Delivery) -> Option<Utf8Bytes> {
        if self.wanted.is_some_and(|wanted| delivery.offset < wanted) {
            return None;
        }
        self.wanted = Some(delivery.offset.next());
        self.day = self.day.max(delivery.day);
        if let Some((chat, counter)) = delivery.settles {
            self.settled(chat, counter);
        }
        if delivery.kept && delivery.frame.is_some() {
            self.unacked.push_back(delivery.offset);
        }
        self.hurries = !delivery.may_wait;
        delivery.frame
    }

    fn has_room(&mut self, now: Duration) -> bool {
        let has_room = self.unacked.len() < self.limits.unacked_max;
        if has_room {
            self.stuck_since = None;
        } else {
            if self.stuck_since.is_none() {
                self.metrics.stuck.inc();
            }
            self.stuck_since.get_or_insert(now);
        }
        has_room
    }

    /// The client has everything below the cursor.
    ///
    /// # Errors
    /// [`Code::BadFrame`] when it is not a cursor that this session was given.
    pub(crate) fn acked(&mut self, cursor: &str) -> Result<(), Code> {
        let position = cursor::decode(&self.user, cursor).map_err(|_| Code::BadFrame)?.position;
        if position.log != self.log || self.wanted.is_none_or(|wanted| position.offset > wanted) {
            return Err(Code::BadFrame);
        }
        while self.unacked.front().is_some_and(|offset| *offset < position.offset) {
            self.unacked.pop_front();
            self.stuck_since = None;
        }
        Ok(())
    }
}
