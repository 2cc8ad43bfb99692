//! What is printed for what happens, without input, output and network.

use std::collections::{BTreeMap, BTreeSet};

use chasqui_client::Update;
use chasqui_domain::{ChatId, Counter, DeviceId, Seq, UserId};
use chasqui_wire::frames::{ChatItem, Failed, Message, SendFrame, Sent};
use jiff::tz::TimeZone;

use super::super::{limits::SCRIPT_SENT_MAX, text::clean_line, timeline::Item, times};

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
}

#[derive(Debug)]
pub(super) struct Script {
    me: UserId,
    peer: UserId,
    chat: ChatId,
    device: DeviceId,
    zone: TimeZone,
    pending: BTreeSet<Counter>,
    sent: BTreeMap<Seq, Awaited>,
    /// Everything up to here was printed, or read before.
    printed: Seq,
    refused: usize,
    /// What was missed before this run was asked for. Until then it may be anywhere: the state is that of all chats of
    /// the user, and another may have taken up messages of this one.
    has_asked: bool,
    was_caught_up: bool,
}

impl Script {
    pub(super) fn new(me: UserId, peer: UserId, device: DeviceId, zone: TimeZone) -> Self {
        let chat = ChatId::direct(&me, &peer);
        let (pending, sent) = (BTreeSet::new(), BTreeMap::new());
        Self {
            me,
            peer,
            chat,
            device,
            zone,
            pending,
            sent,
            printed: Seq(0),
            refused: 0,
            has_asked: false,
            was_caught_up: false,
        }
    }

    pub(super) fn peer(&self) -> &UserId {
        &self.peer
    }

    pub(super) fn chat(&self) -> ChatId {
        self.chat
    }

    /// How many messages have no outcome.
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

    /// Awaits a message of the client's state.
    pub(super) fn waits(&mut self, frame: &SendFrame) {
        if frame.to == self.peer {
            self.pending.insert(frame.id);
        }
    }

    pub(super) fn queued(&mut self, id: Counter) {
        self.pending.insert(id);
    }

    /// A line won't be sent.
    pub(super) fn refuse(&mut self) {
        self.refused += 1;
    }

    /// From where on messages were missed. What was read before, wherever, is not printed any more.
    pub(super) fn missed_after(&mut self, item: &ChatItem) -> Seq {
        let mine = item.members.iter().find(|member| member.user == self.me);
        self.printed = mine.map_or(Seq(0), |member| member.read).max(self.printed);
        self.printed
    }

    pub(super) fn update(&mut self, update: Update) -> Vec<Effect> {
        match update {
            Update::Connected { resumed, .. } => {
                let connected = Effect::Say(format!("connected as {}", clean_line(self.me.as_str())));
                let has_asked = std::mem::replace(&mut self.has_asked, true);
                let missed = (!resumed || !has_asked).then_some(Effect::ReadMissed);
                [connected, Effect::Progress].into_iter().chain(missed).collect()
            }
            Update::CaughtUp => {
                self.was_caught_up = true;
                vec![Effect::Progress]
            }
            Update::Disconnected { code, .. } => {
                let why = code.map_or(String::new(), |code| format!(" ({})", code.meaning()));
                vec![Effect::Say(format!("no connection{why}; trying again"))]
            }
            Update::Message(message) if message.chat == self.chat => self.message(*message),
            Update::Sent { sent, .. } if sent.chat == self.chat => self.sent(&sent),
            Update::Failed(failed) => self.failed(&failed),
            Update::Retrying(failed) if self.is_here(&failed) => {
                let id = failed.id.map_or(String::new(), |id| format!("{id} "));
                vec![Effect::Say(format!("{id}is tried again: {}", clean_line(&failed.message)))]
            }
            Update::Delayed { chat, id } if chat == self.chat => vec![Effect::Print(format!("… {id} delayed"))],
            Update::Receipt(receipt) if receipt.chat == self.chat && receipt.user == self.peer => {
                self.receipt(receipt.delivered, receipt.read)
            }
            Update::Receipts(receipts) if receipts.chat == self.chat => {
                let theirs = receipts.members.iter().find(|member| member.user == self.peer);
                theirs.map_or_else(Vec::new, |theirs| self.receipt(theirs.delivered, theirs.read))
            }
            _ => Vec::new(),
        }
    }

    /// A message, live or from the history, which come in order; one that was printed before is a repeat.
    pub(super) fn message(&mut self, message: Message) -> Vec<Effect> {
        let item = Item::from(message);
        if item.seq <= self.printed {
            return Vec::new();
        }
        self.printed = item.seq;
        if item.from == self.me && item.device == self.device {
            return Vec::new();
        }
        let from = clean_line(item.from.as_str());
        let line = format!("{} {from}: {}", times::clock(item.time, &self.zone), clean_line(&item.text));
        let read = (item.from != self.me).then_some(Effect::Read(item.seq));
        std::iter::once(Effect::Print(line)).chain(read).collect()
    }

    fn sent(&mut self, sent: &Sent) -> Vec<Effect> {
        if !self.pending.remove(&sent.id) {
            return Vec::new();
        }
        self.sent.insert(sent.seq, Awaited { id: sent.id, is_delivered: false });
        if self.sent.len() > SCRIPT_SENT_MAX {
            self.sent.pop_first();
        }
        vec![Effect::Print(format!("✓ {}", sent.id)), Effect::Progress]
    }

    fn failed(&mut self, failed: &Failed) -> Vec<Effect> {
        let why = clean_line(&failed.message);
        match failed.id {
            Some(id) if self.is_here(failed) => {
                self.pending.remove(&id);
                self.refused += 1;
                vec![Effect::Print(format!("✗ {id} {why}")), Effect::Progress]
            }
            Some(_) => Vec::new(),
            None => vec![Effect::Say(format!("a receipt failed: {why}"))],
        }
    }

    fn is_here(&self, failed: &Failed) -> bool {
        failed.chat == Some(self.chat) || failed.to.as_ref() == Some(&self.peer)
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
