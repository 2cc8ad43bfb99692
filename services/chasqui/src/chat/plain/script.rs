//! What is printed for what happens, without input, output and network.

mod actions;
mod group;
mod inbox;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chasqui_client::{Asked, To, Update};
use chasqui_domain::{ChatId, Counter, DeviceId, Seq, UserId};
use chasqui_wire::frames::{Changed, ChatItem, Failed, Message, Sent};
use jiff::tz::TimeZone;

use super::super::{changes::Key, limits::SCRIPT_SENT_MAX, model::why, text::clean_line, timeline::Item};
use group::Group;
use inbox::Inbox;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// To the output.
    Print(String),
    /// To whoever watches.
    Say(String),
    Read(Seq),
    /// What came meanwhile is not among the updates.
    ReadMissed,
    /// A message has its outcome, or the server is there.
    Progress,
}

/// A message whose receipts are awaited.
#[derive(Debug)]
struct Awaited {
    id: Counter,
    is_delivered: bool,
    /// On devices of so many, and opened by so many, as was told.
    told: (u32, u32),
}

#[derive(Debug)]
pub(super) struct Script {
    me: UserId,
    to: To,
    chat: ChatId,
    /// When it is one.
    group: Option<Group>,
    device: DeviceId,
    zone: TimeZone,
    pending: BTreeSet<Counter>,
    sent: BTreeMap<Seq, Awaited>,
    /// Everything up to here was printed, or read before.
    printed: Seq,
    refused: usize,
    /// The last message of this run.
    last_own: Option<Seq>,
    /// Who has written what was printed.
    authors: BTreeSet<UserId>,
    inbox: Inbox,
    /// Changes that are printed before the messages behind them.
    missed: VecDeque<Changed>,
    /// Which changes were printed last: they may be told again.
    told: VecDeque<Key>,
    /// What was missed before this run was asked for. Until then it may be anywhere: the state is that of all chats of
    /// the user, and another may have taken up messages of this one.
    has_asked: bool,
    was_caught_up: bool,
}

impl Script {
    pub(super) fn new(me: UserId, to: impl Into<To>, device: DeviceId, zone: TimeZone) -> Self {
        let to = to.into();
        let chat = to.chat(&me);
        let group = matches!(to, To::Group(_)).then(Group::default);
        let (pending, sent) = (BTreeSet::new(), BTreeMap::new());
        Self {
            me,
            to,
            chat,
            group,
            device,
            zone,
            pending,
            sent,
            printed: Seq(0),
            refused: 0,
            last_own: None,
            authors: BTreeSet::new(),
            inbox: Inbox::default(),
            missed: VecDeque::new(),
            told: VecDeque::new(),
            has_asked: false,
            was_caught_up: false,
        }
    }

    pub(super) fn to(&self) -> &To {
        &self.to
    }

    pub(super) fn chat(&self) -> ChatId {
        self.chat
    }

    /// How much has no outcome.
    pub(super) fn unsent(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn refused(&self) -> usize {
        self.refused
    }

    /// Whether everything has its outcome, and what waited was read.
    pub(super) fn is_done(&self) -> bool {
        self.pending.is_empty() && self.was_caught_up
    }

    /// Awaits what is in the client's state.
    pub(super) fn waits(&mut self, asked: &Asked) {
        if asked.to().as_ref() == Some(&self.to) {
            self.pending.insert(asked.id());
        }
    }

    pub(super) fn queued(&mut self, id: Counter) {
        self.pending.insert(id);
    }

    /// A line won't be sent.
    pub(super) fn refuse(&mut self) {
        self.refused += 1;
    }

    /// From where on messages were missed; none where there is no chat. What was read before, wherever, is not printed any
    /// more.
    pub(super) fn missed_after(&mut self, item: Option<&ChatItem>) -> Option<Seq> {
        let Some(item) = item else {
            self.not_in_it();
            return None;
        };
        let mine = item.members.iter().find(|member| member.user == self.me);
        self.printed = mine.map_or(Seq(0), |member| member.read).max(self.printed);
        Some(self.printed)
    }

    pub(super) fn update(&mut self, update: Update) -> Vec<Effect> {
        match update {
            Update::Connected { resumed, .. } => {
                let connected = Effect::Say(format!("connected as {}", clean_line(self.me.as_str())));
                let has_asked = std::mem::replace(&mut self.has_asked, true);
                let missed = self.missed_now(resumed, has_asked).then_some(Effect::ReadMissed);
                [connected, Effect::Progress].into_iter().chain(missed).collect()
            }
            Update::CaughtUp => {
                self.was_caught_up = true;
                let missed = self.stops_waiting().then_some(Effect::ReadMissed);
                std::iter::once(Effect::Progress).chain(missed).collect()
            }
            Update::Disconnected { code, .. } => {
                let why = code.map_or(String::new(), |code| format!(" ({})", code.meaning()));
                vec![Effect::Say(format!("no connection{why}; trying again"))]
            }
            // They are read with what was missed.
            Update::Message(_) if self.waits_for_inbox() => Vec::new(),
            Update::Message(message) if message.chat == self.chat => self.message(*message),
            Update::Sent { sent, .. } if sent.chat == self.chat => self.sent(&sent),
            Update::Changed(changed) if changed.chat == self.chat => self.told(*changed),
            Update::Done { asked, done } if done.chat == self.chat => self.done(asked.as_deref(), &done),
            Update::Counts(counts) if counts.chat == self.chat => self.counts(&counts),
            Update::Failed(failed) => self.failed(&failed),
            Update::Retrying(failed) if self.is_here(&failed) => {
                let id = failed.id.map_or(String::new(), |id| format!("{id} "));
                vec![Effect::Say(format!("{id}is tried again: {}", why(&failed)))]
            }
            Update::Delayed { chat, id } if chat == self.chat => vec![Effect::Print(format!("… {id} delayed"))],
            Update::Receipt(receipt) if receipt.chat == self.chat && self.is_peer(&receipt.user) => {
                self.receipt(receipt.delivered, receipt.read)
            }
            Update::Receipts(receipts) if receipts.chat == self.chat => {
                let theirs = receipts.members.iter().find(|member| self.is_peer(&member.user));
                let theirs = theirs.map(|theirs| (theirs.delivered, theirs.read));
                let others = receipts.others.map(|others| (others.delivered, others.read));
                theirs.or(others).map_or_else(Vec::new, |(delivered, read)| self.receipt(delivered, read))
            }
            _ => Vec::new(),
        }
    }

    fn is_peer(&self, user: &UserId) -> bool {
        matches!(&self.to, To::User(peer) if peer == user)
    }

    /// A message, live or from the history, which come in order; one that was printed before is a repeat.
    pub(super) fn message(&mut self, message: Message) -> Vec<Effect> {
        let item = Item::from(message);
        if item.seq <= self.printed {
            return Vec::new();
        }
        self.printed = item.seq;
        let mut effects = self.missed_before(item.seq);
        if item.from == self.me && item.device == self.device {
            return effects;
        }
        effects.extend(self.lines(&item).into_iter().map(Effect::Print));
        self.knows(&item.from);
        effects.extend((item.from != self.me).then_some(Effect::Read(item.seq)));
        effects
    }

    fn sent(&mut self, sent: &Sent) -> Vec<Effect> {
        if !self.pending.remove(&sent.id) {
            return Vec::new();
        }
        self.sent.insert(sent.seq, Awaited { id: sent.id, is_delivered: false, told: (0, 0) });
        if self.sent.len() > SCRIPT_SENT_MAX {
            self.sent.pop_first();
        }
        self.last_own = self.last_own.max(Some(sent.seq));
        vec![Effect::Print(format!("✓ {} #{}", sent.id, sent.seq)), Effect::Progress]
    }

    fn failed(&mut self, failed: &Failed) -> Vec<Effect> {
        let why = why(failed);
        match failed.id {
            Some(id) if self.is_here(failed) => {
                self.pending.remove(&id);
                self.refused += 1;
                self.stays(id);
                vec![Effect::Print(format!("✗ {id} {why}")), Effect::Progress]
            }
            Some(_) => Vec::new(),
            None => vec![Effect::Say(format!("a receipt failed: {why}"))],
        }
    }

    fn is_here(&self, failed: &Failed) -> bool {
        failed.chat == Some(self.chat) || failed.to.as_ref().is_some_and(|to| self.is_peer(to))
    }

    fn receipt(&mut self, delivered: Seq, read: Seq) -> Vec<Effect> {
        let mut effects = Vec::new();
        let unread = self.sent.split_off(&read.next());
        for awaited in std::mem::replace(&mut self.sent, unread).into_values() {
            effects.push(Effect::Print(format!("✓✓ {} read", awaited.id)));
        }
        for awaited in self.sent.range_mut(..=delivered).map(|(_, awaited)| awaited) {
            if !std::mem::replace(&mut awaited.is_delivered, true) {
                effects.push(Effect::Print(format!("✓✓ {} delivered", awaited.id)));
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests;
