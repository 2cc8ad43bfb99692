//! Messages and changes on their way, and those that didn't arrive.

use std::collections::VecDeque;

use chasqui_client::{Asked, ChangeAsked, Draft, To};
use chasqui_domain::{Counter, Seq, UserId};
use chasqui_wire::frames::{Done, Failed, Sent};

use super::{
    super::{command, limits::OUTGOING_MAX, text::clean},
    Effect,
};

/// Names a message of this screen before the client has given it an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::chat) struct Ticket(pub(in crate::chat) u64);

/// How far a message has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chat) enum Stage {
    /// The client is being told.
    Handing,
    /// The client has it.
    Waiting,
    Delayed,
    Retrying(String),
    Failed(String),
}

/// What is sent or asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chat) struct Wish {
    /// The text; the command of a change.
    pub(in crate::chat) text: String,
    pub(in crate::chat) reply_to: Option<Seq>,
    pub(in crate::chat) mentions: Vec<UserId>,
    pub(in crate::chat) change: Option<ChangeAsked>,
}

impl Wish {
    pub(super) fn text(text: String, reply_to: Option<Seq>, mentions: Vec<UserId>) -> Self {
        Self { text, reply_to, mentions, change: None }
    }

    /// None for what is of no chat.
    fn of(asked: Asked) -> Option<Self> {
        match asked {
            Asked::Send(frame) => Some(Self::text(frame.text.unwrap_or_default(), frame.reply_to, frame.mentions)),
            Asked::Change(frame) => Some(frame.change.into()),
            Asked::Create(_) => None,
        }
    }
}

impl From<ChangeAsked> for Wish {
    fn from(change: ChangeAsked) -> Self {
        let text = command::line(&change);
        Self { text, reply_to: None, mentions: Vec::new(), change: Some(change) }
    }
}

/// A message on its way, or a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chat) struct Outgoing {
    pub(in crate::chat) ticket: Ticket,
    pub(in crate::chat) id: Option<Counter>,
    pub(in crate::chat) wish: Wish,
    /// Clean.
    pub(in crate::chat) shown: String,
    pub(in crate::chat) stage: Stage,
    /// The client that was told of it.
    life: u64,
    /// That client ended without an answer.
    is_cut: bool,
}

impl Outgoing {
    /// Has the client take it.
    fn effect(&self, to: &To) -> Effect {
        let Wish { text, reply_to, mentions, change } = self.wish.clone();
        match change {
            Some(change) => Effect::Change(self.ticket, change),
            None => {
                let draft = Draft { reply_to, mentions, ..Draft::text(to.clone(), text) };
                Effect::Send(self.ticket, Box::new(draft))
            }
        }
    }
}

/// How a message or a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent(Sent),
    Done(Done),
    Failed(Box<Failed>),
}

#[derive(Debug)]
pub(in crate::chat) struct Outgoings {
    to: To,
    list: VecDeque<Outgoing>,
    next_ticket: u64,
    /// Counts the clients.
    life: u64,
    /// Outcomes that overtook the id that they are of.
    early: VecDeque<(Counter, Outcome)>,
}

impl Outgoings {
    pub(super) fn new(to: To) -> Self {
        Self { to, list: VecDeque::new(), next_ticket: 0, life: 0, early: VecDeque::new() }
    }

    pub(in crate::chat) fn iter(&self) -> impl DoubleEndedIterator<Item = &Outgoing> {
        self.list.iter()
    }

    /// Takes what was typed; none when too many wait.
    pub(super) fn add(&mut self, wish: Wish) -> Option<Effect> {
        while self.list.len() >= OUTGOING_MAX {
            let failed = self.list.iter().position(|it| matches!(it.stage, Stage::Failed(_)))?;
            self.list.remove(failed);
        }
        self.push(wish, None, Stage::Handing);
        self.list.back().map(|it| it.effect(&self.to))
    }

    fn push(&mut self, wish: Wish, id: Option<Counter>, stage: Stage) {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let (shown, life) = (clean(&wish.text), self.life);
        self.list.push_back(Outgoing { ticket, id, wish, shown, stage, life, is_cut: false });
    }

    /// There is a new client, whose state holds these of the chat.
    pub(super) fn opened(&mut self, unsent: impl Iterator<Item = Asked>) -> Vec<Effect> {
        self.life += 1;
        for asked in unsent {
            let id = asked.id();
            let Some(wish) = Wish::of(asked) else { continue };
            let known = self.list.iter_mut().find(|it| it.id == Some(id));
            if known.is_some() {
                continue;
            }
            // It was taken, and only the answer was lost.
            match self.list.iter_mut().find(|it| it.id.is_none() && it.wish == wish) {
                Some(it) => (it.id, it.stage) = (Some(id), Stage::Waiting),
                None => self.push(wish, Some(id), Stage::Waiting),
            }
        }
        let life = self.life;
        let cut = self.list.iter_mut().filter(|it| it.id.is_none() && it.is_cut);
        let again = cut.map(|it| {
            (it.is_cut, it.life) = (false, life);
            it.effect(&self.to)
        });
        again.collect()
    }

    /// The client ended before it answered. Whether its state holds the message is known once there is another.
    pub(super) fn cut(&mut self, ticket: Ticket) -> Option<Effect> {
        let life = self.life;
        let it = self.list.iter_mut().find(|it| it.ticket == ticket && it.id.is_none())?;
        if it.life == life {
            it.is_cut = true;
            return None;
        }
        it.life = life;
        Some(it.effect(&self.to))
    }

    /// The client has given a message its id. Gives its outcome if that was faster.
    pub(super) fn queued(&mut self, ticket: Ticket, id: Counter) -> Option<Outcome> {
        let it = self.list.iter_mut().find(|it| it.ticket == ticket)?;
        (it.id, it.stage) = (Some(id), Stage::Waiting);
        let early = self.early.iter().position(|(early, _)| *early == id)?;
        self.early.remove(early).map(|(_, outcome)| outcome)
    }

    /// An outcome has no message that it is of, unless its id is still on the way.
    pub(super) fn overtook(&mut self, id: Counter, outcome: Outcome) {
        if self.list.iter().any(|it| it.id.is_none()) {
            self.early.push_back((id, outcome));
            if self.early.len() > OUTGOING_MAX {
                self.early.pop_front();
            }
        }
    }

    /// A message has no more to wait for.
    pub(super) fn take(&mut self, id: Counter) -> Option<Outgoing> {
        let at = self.list.iter().position(|it| it.id == Some(id))?;
        self.list.remove(at)
    }

    pub(super) fn take_ticket(&mut self, ticket: Ticket) -> Option<Outgoing> {
        let at = self.list.iter().position(|it| it.ticket == ticket)?;
        self.list.remove(at)
    }

    /// Gives the stage of a message; false when it is not known.
    pub(super) fn set(&mut self, id: Counter, stage: Stage) -> bool {
        let found = self.list.iter_mut().find(|it| it.id == Some(id));
        found.is_some_and(|it| {
            it.stage = stage;
            true
        })
    }
}
