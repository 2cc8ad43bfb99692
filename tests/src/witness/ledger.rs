//! What clients were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chasqui_client::{Draft, Update};
use chasqui_domain::{ChatId, Counter, DeviceId, Seq, UserId};
use chasqui_wire::{
    Code,
    frames::{Message, Receipt, Sent},
};
use tokio::sync::watch;

/// A user's device.
pub type Owner = (UserId, DeviceId);

/// A message, by what its sender calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mail {
    /// Who sent it.
    pub from: Owner,
    /// In which chat.
    pub chat: ChatId,
    /// The client message id.
    pub id: Counter,
}

/// What became of a message, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was accepted.
    Sent(Seq),
    /// It was refused.
    Failed(Code),
}

/// A message as a device saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its number.
    pub seq: Seq,
    /// Which it is.
    pub mail: Mail,
    /// What it said; none on the device that sent it, which is told the outcome instead.
    pub message: Option<Box<Message>>,
}

/// What one device was told.
#[derive(Debug, Default)]
pub struct View {
    /// The messages of each chat, in the order in which they came.
    pub chats: BTreeMap<ChatId, Vec<Seen>>,
    /// The watermarks of each member of each chat: delivered and read.
    pub receipts: BTreeMap<(ChatId, UserId), (Seq, Seq)>,
    /// How often it was told that it has all that was before.
    pub caught_up: u64,
    /// Whether there is a session.
    pub is_connected: bool,
}

/// All that was said and told.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What was given to clients to be sent.
    pub offered: BTreeMap<Mail, Draft>,
    /// What of it has no outcome yet, by sender.
    pub open: BTreeMap<Owner, BTreeSet<Mail>>,
    /// What became of it.
    pub outcomes: BTreeMap<Mail, Outcome>,
    /// What each device was told.
    pub views: BTreeMap<Owner, View>,
    /// Why messages had to be sent again.
    pub retries: BTreeSet<&'static str>,
    /// How often a message was called late.
    pub delays: u64,
    /// What a client must never be told.
    pub wrong: Vec<String>,
}

impl Ledger {
    /// Writes down what a client was given to send. It may have had its outcome by now.
    pub(super) fn offer(&mut self, mail: Mail, draft: Draft) {
        if !self.outcomes.contains_key(&mail) {
            self.open.entry(mail.from.clone()).or_default().insert(mail.clone());
        }
        self.offered.insert(mail, draft);
    }

    /// How many messages of a device have no outcome yet.
    #[must_use]
    pub fn open_of(&self, owner: &Owner) -> usize {
        self.open.get(owner).map_or(0, BTreeSet::len)
    }

    /// Whether every message that was offered has its outcome.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.open.values().all(BTreeSet::is_empty)
    }

    /// The highest seq of a chat that somebody was told of.
    #[must_use]
    pub fn last_seq(&self, chat: ChatId) -> Seq {
        let of = |view: &View| view.chats.get(&chat).and_then(|seen| seen.last()).map(|seen| seen.seq);
        self.views.values().filter_map(of).max().unwrap_or_default()
    }

    /// Whether the device was told as much of the chat as anybody.
    #[must_use]
    pub fn is_level(&self, owner: &Owner, chat: ChatId) -> bool {
        let last = self.last_seq(chat);
        let seen = self.views.get(owner).and_then(|view| view.chats.get(&chat)).and_then(|seen| seen.last());
        last == Seq(0) || seen.is_some_and(|seen| seen.seq >= last)
    }

    /// Writes down what a device was told.
    pub(super) fn tell(&mut self, owner: &Owner, update: Update) {
        match update {
            Update::Connected { resumed, .. } => self.connected(owner, resumed),
            Update::Disconnected { .. } => self.view(owner).is_connected = false,
            Update::CaughtUp => self.view(owner).caught_up += 1,
            Update::Message(message) => self.message(owner, message),
            Update::Sent { sent, .. } => self.sent(owner, &sent),
            Update::Failed(failed) => match (failed.chat, failed.id) {
                (Some(chat), Some(id)) => {
                    self.outcome(Mail { from: owner.clone(), chat, id }, Outcome::Failed(failed.code));
                }
                _ => self.wrong.push(format!("{owner:?} was refused something that is no message: {failed:?}")),
            },
            Update::Retrying(failed) => drop(self.retries.insert(failed.code.as_str())),
            Update::Delayed { .. } => self.delays += 1,
            Update::Receipt(receipt) => self.receipt(owner, receipt),
            // A row may be ahead of what is pushed, so these are not of the same order.
            Update::Receipts(_) => {}
            Update::Ended(end) => self.wrong.push(format!("the client of {owner:?} ended: {end:?}")),
        }
    }

    fn view(&mut self, owner: &Owner) -> &mut View {
        self.views.entry(owner.clone()).or_default()
    }

    fn connected(&mut self, owner: &Owner, resumed: bool) {
        let view = self.view(owner);
        view.is_connected = true;
        if view.caught_up > 0 && !resumed {
            self.wrong.push(format!("the inbox of {owner:?} doesn't go on where it was"));
        }
    }

    fn message(&mut self, owner: &Owner, message: Box<Message>) {
        let mail = Mail { from: (message.from.clone(), message.device.clone()), chat: message.chat, id: message.id };
        let seen = Seen { seq: message.seq, mail, message: Some(message) };
        self.saw(owner, seen);
    }

    fn sent(&mut self, owner: &Owner, sent: &Sent) {
        let mail = Mail { from: owner.clone(), chat: sent.chat, id: sent.id };
        self.outcome(mail.clone(), Outcome::Sent(sent.seq));
        self.saw(owner, Seen { seq: sent.seq, mail, message: None });
    }

    fn saw(&mut self, owner: &Owner, seen: Seen) {
        let all = self.view(owner).chats.entry(seen.mail.chat).or_default();
        // A device that came later begins anywhere. Whether it should is seen by comparing with the history.
        let expected = all.last().map_or(seen.seq, |last| last.seq.next());
        let wrong = (seen.seq != expected)
            .then(|| format!("{owner:?} was told of seq {} where {expected} should be: {:?}", seen.seq, seen.mail));
        all.push(seen);
        self.wrong.extend(wrong);
    }

    fn outcome(&mut self, mail: Mail, outcome: Outcome) {
        if let Some(open) = self.open.get_mut(&mail.from) {
            open.remove(&mail);
        }
        if let Some(before) = self.outcomes.insert(mail.clone(), outcome) {
            self.wrong.push(format!("{mail:?} had the outcome {before:?}, and then {outcome:?}"));
        }
    }

    fn receipt(&mut self, owner: &Owner, receipt: Receipt) {
        let Receipt { chat, user, delivered, read, .. } = receipt;
        let before = self.view(owner).receipts.insert((chat, user.clone()), (delivered, read)).unwrap_or_default();
        if delivered < before.0 || read < before.1 {
            let now = (delivered, read);
            self.wrong.push(format!("{owner:?} saw the watermarks of {user} in {chat} go from {before:?} to {now:?}"));
        }
        if read > delivered {
            self.wrong.push(format!("{user} has read {read} in {chat} and has only {delivered}"));
        }
    }
}

/// A ledger that can be waited for.
#[derive(Debug, Default)]
pub(super) struct Shared(watch::Sender<Ledger>);

impl Shared {
    pub(super) fn change(&self, change: impl FnOnce(&mut Ledger)) {
        self.0.send_modify(change);
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.0.borrow())
    }

    /// Waits until something is so, or something is wrong. Says whether it came to be within the time.
    pub(super) async fn until(&self, is_so: impl Fn(&Ledger) -> bool, patience: Duration) -> bool {
        let mut ledger = self.0.subscribe();
        let so = ledger.wait_for(|ledger| !ledger.wrong.is_empty() || is_so(ledger));
        tokio::time::timeout(patience, so).await.is_ok_and(|so| so.is_ok())
    }
}
