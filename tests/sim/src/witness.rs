//! Looks at what goes over the log, for what can't be seen in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chasqui_domain::{Action, ChatId, Counter, DeviceId, Entry, Offset, UserId};
use chasqui_log::{Append, Topic};
use chasqui_oracle::{InLog, InboxPlace, Repeated, Unwritten};
use chasqui_store::{Store, memory::MemoryStore};
use chasqui_wire::{command, entry, gateway_record::GatewayRecord, inbox::InboxRecord};
use futures::FutureExt;
use parking_lot::Mutex;

use crate::world::LOG;

/// What a device has asked of a chat.
type Asked = (ChatId, UserId, DeviceId, Counter);

/// What it has seen. Clones are the same.
#[derive(Clone)]
pub(crate) struct Witness {
    store: Arc<MemoryStore>,
    /// What was asked of groups, or to be done to messages, and how often.
    changes: Arc<Mutex<BTreeMap<Asked, usize>>>,
    unwritten: Arc<Mutex<Vec<Unwritten>>>,
    repeats: Arc<Mutex<Vec<Repeated>>>,
    pushed_without_row: Arc<Mutex<Vec<InboxPlace>>>,
}

impl Witness {
    pub(crate) fn new(store: Arc<MemoryStore>) -> Self {
        Self {
            store,
            changes: Arc::default(),
            unwritten: Arc::default(),
            repeats: Arc::default(),
            pushed_without_row: Arc::default(),
        }
    }

    /// A record is about to be in the log.
    pub(crate) fn appended(&self, append: &Append) {
        match append.to.topic {
            Topic::Gateway(_) => self.pushed(append),
            Topic::Inbox => self.published(append),
            Topic::Commands => self.asked(append),
            _ => {}
        }
    }

    fn asked(&self, append: &Append) {
        let Ok(command) = command::decode(&append.value) else { return };
        let counter = match &command.action {
            Action::Send(send) => send.counter,
            Action::Create(create) => create.counter,
            Action::Change { counter, .. } => *counter,
            Action::Delivered { .. } | Action::Read { .. } => return,
        };
        if command.chat.is_group() || command.action.target().is_some() {
            let asked = (command.chat, command.sender, command.device, counter);
            *self.changes.lock().entry(asked).or_default() += 1;
        }
    }

    /// Looks for the rows of a push.
    fn pushed(&self, append: &Append) {
        let Ok(GatewayRecord::Push { offset, recipients, entry, .. }) = GatewayRecord::decode(&append.value) else {
            return;
        };
        if !entry::decode(&entry).is_ok_and(|entry| entry.is_kept()) {
            return;
        }
        for user in recipients {
            let rows = self.store.inbox(&user, LOG, offset..Offset(offset.0 + 1), 1).now_or_never();
            if !rows.is_some_and(|rows| rows.is_ok_and(|rows| !rows.is_empty())) {
                self.pushed_without_row.lock().push(InboxPlace { user: user.to_string(), position: offset.0 });
            }
        }
    }

    fn published(&self, append: &Append) {
        let Ok(InboxRecord { recipients, entry, .. }) = InboxRecord::decode(&append.value) else { return };
        let Entry::Repeated { chat, device, counter, seq, time } = entry else { return };
        self.repeats.lock().extend(recipients.iter().map(|user| Repeated {
            user: user.to_string(),
            device: device.to_string(),
            chat: chat.to_string(),
            id: counter.0,
            seq: seq.0,
            time: time.0,
        }));
    }

    /// A batch was not written when its time was, or its writer was not told.
    pub(crate) fn failed(&self, batch: &[Append]) {
        for append in batch.iter().filter(|append| append.to.topic == Topic::Commands) {
            let Ok(command) = command::decode(&append.value) else { continue };
            if let Action::Send(send) = command.action {
                self.unwritten.lock().push(Unwritten {
                    user: command.sender.to_string(),
                    device: command.device.to_string(),
                    chat: command.chat.to_string(),
                    id: send.counter.0,
                });
            }
        }
    }

    /// The groups of which something was asked.
    pub(crate) fn groups(&self) -> Vec<ChatId> {
        let groups: BTreeSet<_> = self.changes.lock().keys().map(|(chat, ..)| *chat).filter(ChatId::is_group).collect();
        groups.into_iter().collect()
    }

    /// What was asked of groups, or to be done to messages, more than once.
    pub(crate) fn asked_again(&self) -> Vec<InLog> {
        let again = |((chat, user, device, counter), times): (&(ChatId, UserId, DeviceId, Counter), &usize)| InLog {
            user: user.to_string(),
            device: device.to_string(),
            chat: chat.to_string(),
            id: counter.0,
            times: *times,
        };
        self.changes.lock().iter().filter(|(_, times)| **times > 1).map(again).collect()
    }

    /// The messages that could not be written.
    pub(crate) fn unwritten(&self) -> Vec<Unwritten> {
        self.unwritten.lock().clone()
    }

    /// What those are told who sent a message again.
    pub(crate) fn repeats(&self) -> Vec<Repeated> {
        self.repeats.lock().clone()
    }

    /// What was pushed when its row was not there.
    pub(crate) fn pushed_without_row(&self) -> Vec<InboxPlace> {
        self.pushed_without_row.lock().clone()
    }
}
