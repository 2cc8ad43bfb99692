//! The client without its socket, clock and file: frames, time and the app's calls in; frames and updates out.
//!
//! ```text
//!  down ── connected ──▶ greeting ── welcome ──▶ up
//!   ▲                       │                    │
//!   └────── disconnected ───┴────────────────────┘
//! ```
//!
//! When the token has ended it stays down until the app brings another.

mod acks;
mod frames;
mod marks;
mod outbox;
mod parting;
mod questions;
#[cfg(test)]
mod tests;
mod time;
mod token;

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

use chasqui_domain::{ChatId, Counter, DeviceId, Seq, TimeMs, UserId};
use chasqui_wire::frames::{ClientFrame, Hello, Read, ReceiptsQuery, Token};

use crate::{
    asked::{Count, Wish},
    backoff::Dice,
    error::Error,
    update::{End, Update},
};
use acks::Acks;
pub(crate) use marks::{Mark, Marks};
pub(crate) use outbox::Outbox;
pub(crate) use parting::Parting;
use parting::Said;
use questions::Questions;
pub(crate) use time::Tick;
use token::Tokens;

/// How long what may be lost with the process waits to be saved with the rest.
const SAVE_WITHIN: Duration = Duration::from_secs(1);
/// The most chats that one frame names; the server takes no more in a question.
const CHATS_PER_FRAME: usize = 100;

/// Numbers of the protocol end where those of its records do.
const SEQ_MAX: u64 = i64::MAX as u64;

/// What outlives the process.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    /// Whose state it is, once that is known.
    pub(crate) user: Option<UserId>,
    pub(crate) device: DeviceId,
    /// Everything before it was handled by the app.
    pub(crate) cursor: Option<String>,
    pub(crate) outbox: Outbox,
    pub(crate) marks: Marks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Down,
    Greeting { since: Duration },
    Up { under_way_max: usize, idle: Duration },
}

/// Whether the state must be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dirty {
    Clean,
    /// Losing it costs a repetition.
    Since(Duration),
    /// Before anything is sent: an id that was seen by the server must never be given again.
    Now,
}

pub(crate) struct Core {
    tokens: Tokens,
    /// Whose token the app takes it for.
    user: Option<UserId>,
    state: State,
    dice: Dice,
    link: Link,
    /// Everything before it was received. The next session of this process begins here, since what is behind
    /// [`State::cursor`] is still on its way to the app.
    seen: Option<String>,
    acks: Acks,
    hello_due: bool,
    reads_due: BTreeSet<ChatId>,
    /// Chats whose watermarks are to be asked for.
    questions: Questions,
    updates: VecDeque<(u64, Update)>,
    dirty: Dirty,
    heard_at: Duration,
    pinged_at: Duration,
    failures: u32,
    /// What the server said last, if it was an error.
    said: Option<Said>,
    told_down: bool,
    /// The server's time at the last welcome, and ours.
    welcomed: (TimeMs, Duration),
    /// What the server said last.
    body_bytes_max: Option<usize>,
    ended: bool,
}

impl Core {
    pub(crate) fn new(state: State, token: Token, user: Option<UserId>, seed: u64) -> Self {
        Self {
            tokens: Tokens::new(token),
            user,
            seen: state.cursor.clone(),
            state,
            dice: Dice::new(seed),
            link: Link::Down,
            acks: Acks::default(),
            hello_due: false,
            reads_due: BTreeSet::new(),
            questions: Questions::default(),
            updates: VecDeque::new(),
            // A new device's id and floor must be on disk before they are used.
            dirty: Dirty::Now,
            heard_at: Duration::ZERO,
            pinged_at: Duration::ZERO,
            failures: 0,
            said: None,
            told_down: false,
            welcomed: (TimeMs(0), Duration::ZERO),
            body_bytes_max: None,
            ended: false,
        }
    }

    /// There is a connection.
    pub(crate) fn connected(&mut self, now: Duration) {
        self.link = Link::Greeting { since: now };
        self.hello_due = true;
        self.said = None;
        self.heard(now);
    }

    /// The app brings another token.
    pub(crate) fn renew(&mut self, token: Token) {
        let has_said_hello = self.link != Link::Down && !self.hello_due;
        self.tokens.bring(token, has_said_hello);
    }

    /// Whether there is a token to connect with.
    pub(crate) fn may_connect(&self) -> bool {
        !self.ended && !self.tokens.is_wanted()
    }

    /// The app asks for something. It is on its way once the state was saved.
    pub(crate) fn ask(&mut self, wish: Wish) -> Result<Counter, Error> {
        if let Some(user) = &self.state.user
            && wish.count() == Count::User(user.clone())
        {
            return Err(Error::ToOneself { user: user.clone() });
        }
        let id = self.state.outbox.add(wish, self.body_bytes_max)?;
        self.dirty = Dirty::Now;
        Ok(id)
    }

    /// The user has opened a chat up to a seq.
    pub(crate) fn read(&mut self, chat: ChatId, seq: Seq, now: Duration) -> Result<(), Error> {
        if seq.0 > SEQ_MAX {
            return Err(Error::Seq { seq });
        }
        if !self.state.marks.raise(chat, Mark { read: seq, ..Mark::default() }) {
            return Err(Error::Full);
        }
        self.reads_due.insert(chat);
        self.save_soon(now);
        Ok(())
    }

    /// The app has handled all updates up to this one.
    pub(crate) fn taken(&mut self, number: u64, now: Duration) {
        while let Some(kept) = self.acks.take(number, now) {
            if let Some(cursor) = kept.cursor {
                self.state.cursor = Some(cursor);
            }
            if let Some((chat, delivered)) = kept.delivered
                && self.state.marks.raise(chat, Mark { delivered, ..Mark::default() })
            {
                self.acks.delivered(chat);
            }
            if let Some((chat, read)) = kept.others_read {
                self.state.marks.others_read(chat, read);
            }
            self.save_soon(now);
        }
    }

    /// The next frame to write.
    pub(crate) fn next_frame(&mut self, now: Duration) -> Option<ClientFrame> {
        if self.dirty == Dirty::Now || self.ended {
            return None;
        }
        if std::mem::take(&mut self.hello_due) {
            let (device, cursor) = (self.state.device.clone(), self.seen.clone());
            return Some(ClientFrame::Hello(Hello { token: self.tokens.current().clone(), device, cursor }));
        }
        let Link::Up { under_way_max, .. } = self.link else { return None };
        if let Some(renew) = self.tokens.renewal(now) {
            return Some(ClientFrame::Renew(renew));
        }
        if let Some(cursor) = &self.state.cursor
            && let Some(ack) = self.acks.due(cursor, &self.state.marks, now)
        {
            return Some(ClientFrame::Ack(ack));
        }
        while let Some(chat) = self.reads_due.pop_first() {
            let seq = self.state.marks.of(chat).read;
            if seq > Seq(0) {
                return Some(ClientFrame::Read(Read { chat, seq }));
            }
        }
        if let Some(chats) = self.questions.next(now) {
            return Some(ClientFrame::Receipts(ReceiptsQuery { chats }));
        }
        self.state.outbox.next(now, under_way_max).map(|asked| asked.frame())
    }

    /// Whether [`Core::next_frame`] was left with more.
    pub(crate) fn has_frames(&self, now: Duration) -> bool {
        let Link::Up { under_way_max, .. } = self.link else { return self.hello_due };
        self.tokens.is_renewal_due(now)
            || !self.reads_due.is_empty()
            || self.questions.is_due(now)
            || self.state.outbox.has_next(now, under_way_max)
    }

    /// The next update for the app, and its number.
    pub(crate) fn next_update(&mut self) -> Option<(u64, Update)> {
        self.updates.pop_front()
    }

    pub(crate) fn has_updates(&self) -> bool {
        !self.updates.is_empty()
    }

    /// Whether the last update was told.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The client ends by itself.
    pub(crate) fn end(&mut self, why: End) {
        if !std::mem::replace(&mut self.ended, true) {
            self.tell(Update::Ended(why));
        }
    }

    /// The app closes the client: what waits to be told or saved is due.
    pub(crate) fn close(&mut self) {
        self.acks.hurry();
        if self.dirty != Dirty::Clean {
            self.dirty = Dirty::Now;
        }
    }

    /// The state, when it is to be saved; [`Core::saved`] comes next.
    pub(crate) fn to_save(&self, now: Duration) -> Option<&State> {
        let is_due = match self.dirty {
            Dirty::Clean => false,
            Dirty::Since(since) => since + SAVE_WITHIN <= now,
            Dirty::Now => true,
        };
        is_due.then_some(&self.state)
    }

    pub(crate) fn saved(&mut self) {
        self.dirty = Dirty::Clean;
    }

    fn save_soon(&mut self, now: Duration) {
        if self.dirty == Dirty::Clean {
            self.dirty = Dirty::Since(now);
        }
    }

    fn tell(&mut self, update: Update) {
        self.updates.push_back((self.acks.number(), update));
    }
}
