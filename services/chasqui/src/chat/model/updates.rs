//! What the client and the REST API tell.

use std::time::Duration;

use chasqui_client::{Asked, End, To, Update};
use chasqui_domain::{Counter, DeviceId};
use chasqui_wire::{
    Code,
    frames::{Failed, Message, Sent},
};

use super::{
    super::{
        scroll::Scroll,
        text::clean_line,
        timeline::{Item, Load},
    },
    Effect, Link, Model, Outgoing, Stage, Ticket,
    outgoing::Outcome,
};

impl Model {
    pub(super) fn opened(&mut self, device: DeviceId, unsent: Vec<Asked>, effects: &mut Vec<Effect>) {
        self.device = Some(device);
        self.link = Link::Connecting;
        let of_chat = unsent.into_iter().filter(|asked| asked.to().as_ref() == Some(&self.to));
        let again = self.outgoing.opened(of_chat);
        effects.extend(again);
    }

    pub(super) fn update(&mut self, update: Update, now: Duration) {
        match update {
            Update::Connected { resumed, .. } => {
                self.link = Link::CatchingUp;
                if !resumed {
                    self.missed();
                }
            }
            Update::CaughtUp => self.link = Link::Online,
            Update::Disconnected { code, .. } => self.link = Link::Offline { why: code.map(Code::meaning) },
            Update::Message(message) if message.chat == self.chat => self.message(*message),
            Update::Sent { sent, .. } if sent.chat == self.chat => self.sent(sent),
            Update::Changed(changed) if changed.chat == self.chat => self.changed(&changed),
            Update::Done { asked, done } if done.chat == self.chat => self.done(asked.as_deref(), done, now),
            Update::Counts(counts) if counts.chat == self.chat => self.counts(counts),
            Update::Failed(failed) => self.failed(failed, now),
            Update::Retrying(failed) => {
                if let Some(id) = failed.id.filter(|_| self.is_here(&failed)) {
                    self.outgoing.set(id, Stage::Retrying(why(&failed)));
                }
            }
            Update::Delayed { chat, id } if chat == self.chat => drop(self.outgoing.set(id, Stage::Delayed)),
            Update::Receipt(receipt) if receipt.chat == self.chat => {
                if let Some(marks) = self.marks_of(&receipt.user) {
                    marks.raise(receipt.delivered, receipt.read);
                }
            }
            Update::Receipts(receipts) if receipts.chat == self.chat => {
                self.members(&receipts.members);
                self.timeline.know(receipts.last_seq);
                if let (Some(group), Some(others)) = (&mut self.group, receipts.others) {
                    group.others(others);
                }
            }
            Update::Ended(end) => self.link = Link::Over(reason(&end)),
            // Of other chats.
            Update::Message(_)
            | Update::Sent { .. }
            | Update::Changed(_)
            | Update::Done { .. }
            | Update::Counts(_)
            | Update::Delayed { .. }
            | Update::Receipt(_)
            | Update::Receipts(_)
            // The session sees to it.
            | Update::TokenExpires { .. }
            | Update::Renewed { .. }
            | Update::NotRenewed(_) => {}
        }
    }

    fn message(&mut self, message: Message) {
        let item = Item::from(message);
        let is_new = item.from != self.me && item.seq > self.mine.read && !self.timeline.has(item.seq);
        if is_new && !self.is_looking() && self.unread() == (0, true) {
            self.divider = Some(item.seq);
        }
        self.timeline.insert(item, self.scroll == Scroll::Following);
    }

    fn is_looking(&self) -> bool {
        self.is_focused && self.scroll == Scroll::Following
    }

    fn sent(&mut self, sent: Sent) {
        match self.outgoing.take(sent.id) {
            Some(outgoing) => self.arrived(outgoing, &sent),
            None => {
                self.timeline.know(sent.seq);
                self.outgoing.overtook(sent.id, Outcome::Sent(sent));
            }
        }
    }

    /// An own message takes its place among the others.
    fn arrived(&mut self, outgoing: Outgoing, sent: &Sent) {
        let Some(device) = self.device.clone() else { return };
        let item = Item {
            seq: sent.seq,
            time: sent.time,
            from: self.me.clone(),
            device,
            id: sent.id,
            text: outgoing.shown,
            reply_to: outgoing.wish.reply_to,
            edited: None,
            is_deleted: false,
            reactions: Vec::new(),
        };
        self.timeline.insert(item, self.scroll == Scroll::Following);
        if sent.repeated {
            // It was accepted long ago, and something may have been done to it since.
            self.loads.doubt(sent.seq, &self.timeline);
        }
    }

    pub(super) fn queued(&mut self, ticket: Ticket, id: Counter, now: Duration) {
        // The draft holds the text until here.
        self.edited(now);
        match self.outgoing.queued(ticket, id) {
            Some(Outcome::Sent(sent)) => self.sent(sent),
            Some(Outcome::Done(done)) => self.done(None, done, now),
            Some(Outcome::Failed(failed)) => self.failed(failed, now),
            None => {}
        }
    }

    /// The text goes back to where it was typed.
    pub(super) fn not_sent(&mut self, ticket: Ticket, why: &str, now: Duration) {
        let Some(outgoing) = self.outgoing.take_ticket(ticket) else { return };
        self.notify(format!("not sent: {why}"), now);
        let given_back = Self::as_typed(&outgoing);
        let text = match self.line.text() {
            "" => given_back,
            typed => format!("{given_back}\n{typed}"),
        };
        self.line = super::Line::new(&text);
        self.edited(now);
    }

    fn failed(&mut self, failed: Box<Failed>, now: Duration) {
        let why = why(&failed);
        if failed.code == Code::NotAMember && failed.chat == Some(self.chat) {
            // Whether the user is still in the group is in the list.
            self.loads.refresh_summary();
        }
        match failed.id {
            Some(id) if self.is_here(&failed) => {
                if !self.outgoing.set(id, Stage::Failed(why)) {
                    self.outgoing.overtook(id, Outcome::Failed(failed));
                }
            }
            Some(_) => {
                let to = failed.to.as_ref().map_or_else(|| "another chat".to_owned(), |to| clean_line(to.as_str()));
                self.notify(format!("a message to {to} failed: {why}"), now);
            }
            // Who is in a group no more has receipts that were on their way.
            None if self.over().is_some() => {}
            None => self.notify(format!("a receipt failed: {why}"), now),
        }
    }

    fn is_here(&self, failed: &Failed) -> bool {
        failed.chat == Some(self.chat) || failed.to.clone().map(To::User).as_ref() == Some(&self.to)
    }

    pub(super) fn loaded(&mut self, load: Load, messages: Vec<Message>, now: Duration) {
        // An own message may be found in the history before its outcome is here.
        let mine =
            messages.iter().filter(|message| message.from == self.me && Some(&message.device) == self.device.as_ref());
        mine.for_each(|message| drop(self.outgoing.take(message.id)));
        let last = messages.iter().map(|message| message.seq).max();
        let is_new = self.timeline.loaded(load, messages);
        self.loads.answered(load, last, is_new, now);
    }
}

/// Why something failed: the code, and what it means.
pub(in crate::chat) fn why(failed: &Failed) -> String {
    format!("{}: {}", failed.code.as_str(), clean_line(&failed.message))
}

/// Why there won't be another session.
pub(in crate::chat) fn reason(end: &End) -> String {
    match end {
        End::Refused(Code::Banned) => "you are banned from this server".to_owned(),
        End::Refused(Code::Replaced) => "this device has connected from elsewhere".to_owned(),
        End::Refused(code) => format!("the server says: {}", code.meaning()),
        End::OtherUser { expected, given } => {
            format!("the token is that of {}, and not of {}", clean_line(given.as_str()), clean_line(expected.as_str()))
        }
        End::State(why) => format!("nothing more can be kept: {why}"),
    }
}
