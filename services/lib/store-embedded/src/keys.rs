//! The table of keys: an index in memory over the slot file, and the one thread that appends to the file.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use chasqui_disk::File;
use chasqui_domain::{ChatId, Epoch};
use chasqui_store::{Error, WrappedKey};
use parking_lot::RwLock;
use tokio::sync::oneshot;

use crate::{
    Shared,
    fault::{Fault, fail_here, guard},
    options::{KEY_SLOTS_MAX, KEYS_TOGETHER_MAX},
    queue::{Queue, Queued},
    slots::{self, Index, Slot},
};

/// A creation that waits for its answer.
#[derive(Debug)]
pub(crate) struct Creation {
    pub(crate) chat: ChatId,
    pub(crate) epoch: Epoch,
    pub(crate) wrapped: WrappedKey,
    pub(crate) answer: oneshot::Sender<Result<WrappedKey, Error>>,
}

/// The keys that are durable.
#[derive(Debug)]
pub(crate) struct Keys {
    file: Arc<dyn File>,
    slots: RwLock<HashMap<(ChatId, Epoch), u32>>,
}

impl Keys {
    /// Reads a key. Blocks.
    pub(crate) fn read(&self, chat: ChatId, epoch: Epoch) -> Result<Option<WrappedKey>, Fault> {
        // Copied out, so that the lock isn't held while the file is read.
        let slot = self.slots.read().get(&(chat, epoch)).copied();
        slot.map(|slot| slots::read(&*self.file, slot, chat, epoch)).transpose()
    }

    /// Any of the keys, with what it is for; none when there is none. Blocks.
    pub(crate) fn any(&self) -> Result<Option<(ChatId, Epoch, WrappedKey)>, Fault> {
        let any = self.slots.read().iter().next().map(|((chat, epoch), slot)| (*chat, *epoch, *slot));
        let Some((chat, epoch, slot)) = any else { return Ok(None) };
        Ok(Some((chat, epoch, slots::read(&*self.file, slot, chat, epoch)?)))
    }
}

/// The state of the thread.
pub(crate) struct KeyWriter {
    shared: Arc<Shared>,
    queue: Arc<Queue<Creation>>,
    keys: Arc<Keys>,
    next: u32,
}

impl KeyWriter {
    pub(crate) fn new(
        shared: Arc<Shared>,
        queue: Arc<Queue<Creation>>,
        file: Arc<dyn File>,
        index: Index,
    ) -> (Self, Arc<Keys>) {
        let keys = Arc::new(Keys { file, slots: RwLock::new(index.slots) });
        (Self { shared, queue, keys: keys.clone(), next: index.next }, keys)
    }

    /// Creates keys until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        while let Some(creations) = self.queue.take(true, KEYS_TOGETHER_MAX) {
            let shared = self.shared.clone();
            let answers = match shared.failure.get() {
                Some(error) => Err(error),
                None => guard(|| self.create(&creations)).map_err(|fault| shared.fail(fault)),
            };
            match answers {
                Ok(answers) => {
                    for (creation, answer) in creations.into_iter().zip(answers) {
                        // Whoever asked may have gone away: then nobody wants to know.
                        let _ = creation.item.answer.send(Ok(answer));
                    }
                }
                Err(error) => {
                    for creation in creations {
                        let _ = creation.item.answer.send(Err(error.clone()));
                    }
                }
            }
        }
    }

    /// Makes what isn't there yet durable by one sync; gives what stands there then, for each.
    fn create(&mut self, creations: &[Queued<Creation>]) -> Result<Vec<WrappedKey>, Fault> {
        let mut batch: HashMap<(ChatId, Epoch), (u32, WrappedKey)> = HashMap::new();
        let mut bytes = Vec::new();
        let mut answers = Vec::with_capacity(creations.len());
        for Queued { item: Creation { chat, epoch, wrapped, .. }, .. } in creations {
            if let Some(winner) = self.keys.read(*chat, *epoch)? {
                answers.push(winner);
                continue;
            }
            let count = batch.len() as u32;
            answers.push(match batch.entry((*chat, *epoch)) {
                Entry::Occupied(winner) => winner.get().1,
                Entry::Vacant(place) => {
                    let slot = self.next.checked_add(count).filter(|&slot| slot < KEY_SLOTS_MAX);
                    let slot = slot.ok_or_else(|| Fault::Database("the file of keys has no slots left".into()))?;
                    bytes.extend_from_slice(&Slot { batch: self.next, key: Some((*chat, *epoch, *wrapped)) }.encode());
                    place.insert((slot, *wrapped)).1
                }
            });
        }
        if batch.is_empty() {
            return Ok(answers);
        }
        self.keys.file.write_all_at(&bytes, slots::place(self.next))?;
        fail_here!("keys::before_sync");
        self.keys.file.sync()?;
        self.next += batch.len() as u32;
        self.keys.slots.write().extend(batch.into_iter().map(|(key, (slot, _))| (key, slot)));
        Ok(answers)
    }
}
