//! The states of chats that were needed lately, bounded by their bytes.

use std::collections::{BTreeMap, BTreeSet};

use chasqui_domain::{
    Chat, ChatId, Event, EventKind, Message, Version,
    chat::{Inapplicable, NotAbout},
};
use chasqui_store::ChatUpdate;
use lru::LruCache;

use crate::{Error, touched::Touched};

/// A chat's state as the sequencer holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cached {
    /// The state.
    pub(crate) chat: Chat,
    /// The messages that the last batch was about, by version; none where there is no message.
    pub(crate) messages: BTreeMap<Version, Option<Message>>,
    /// The version of its newest snapshot; 0 when it has none.
    pub(crate) snapshot: Version,
    /// What changed by events of which this is not written yet.
    pub(crate) touched: Touched,
}

impl Cached {
    /// A chat in which nothing has happened yet.
    pub(crate) fn empty(id: ChatId) -> Self {
        Self { chat: Chat::new(id), messages: BTreeMap::new(), snapshot: Version(0), touched: Touched::default() }
    }

    /// Folds an event into the states.
    ///
    /// # Errors
    /// When it can't follow them.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<(), Unfit> {
        self.chat.apply(event)?;
        match (&event.kind, event.kind.target()) {
            (EventKind::Message { .. }, _) => {
                // Somebody may be about to act upon it.
                if let Some(message) = self.messages.get_mut(&event.version) {
                    *message = Message::written(event);
                }
            }
            (_, Some(target)) => {
                if let Some(message) = self.messages.get_mut(&target.version).and_then(Option::as_mut) {
                    message.apply(event)?;
                }
            }
            _ => {}
        }
        self.touched.note(event, &self.chat);
        Ok(())
    }

    /// Those messages that are not known yet, of those that commands are about. Others are forgotten.
    pub(crate) fn missing(&mut self, wanted: &BTreeSet<Version>) -> Vec<Version> {
        self.messages.retain(|version, _| wanted.contains(version));
        wanted.iter().filter(|version| !self.messages.contains_key(version)).copied().collect()
    }

    /// What is to be written of what is shown, as of the states.
    ///
    /// # Errors
    /// When a number is above 2^63 - 1.
    pub(crate) fn update(&self) -> Result<ChatUpdate, Error> {
        self.touched.update(&self.chat, &self.messages)
    }

    /// A snapshot has all members in it, so that one of many comes behind as many more events.
    pub(crate) fn wants_snapshot(&self, every: u64) -> bool {
        self.chat.version.0 - self.snapshot.0 >= every.max(self.chat.members.len() as u64)
    }

    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        let members: usize = self.chat.members.iter().map(|member| 160 + 16 * member.own.iter().len()).sum();
        let devices: usize = self.chat.devices.iter().map(|device| 128 + 24 * device.accepted.len()).sum();
        let messages: usize = self.messages.values().map(|message| message.as_ref().map_or(32, bytes_of)).sum();
        512 + members + devices + messages
    }
}

/// About what a message takes in memory.
fn bytes_of(message: &Message) -> usize {
    let reactions: usize = message.reactions.iter().map(|reaction| 256 + 48 * reaction.users.len()).sum();
    256 + 16 * message.edits.len() + reactions + 80 * message.actions.len()
}

/// An event doesn't follow the states.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// That of the chat.
    #[error(transparent)]
    Chat(#[from] Inapplicable),
    /// That of the message.
    #[error(transparent)]
    Message(#[from] NotAbout),
}

/// The states that were used last.
pub(crate) struct Cache {
    chats: LruCache<ChatId, Cached>,
    bytes: usize,
    bytes_max: usize,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { chats: LruCache::unbounded(), bytes: 0, bytes_max }
    }

    /// Takes a state out: a batch that is under way holds its chats itself, so that none of them can be forgotten.
    pub(crate) fn take(&mut self, chat: &ChatId) -> Option<Cached> {
        let cached = self.chats.pop(chat)?;
        self.bytes -= cached.bytes();
        Some(cached)
    }

    /// Puts a state back, and forgets those that were not used for the longest time while there are too many.
    pub(crate) fn put(&mut self, cached: Cached) {
        self.bytes += cached.bytes();
        if let Some((_, former)) = self.chats.push(cached.chat.id, cached) {
            self.bytes -= former.bytes();
        }
        while self.bytes > self.bytes_max
            && let Some((_, oldest)) = self.chats.pop_lru()
        {
            self.bytes -= oldest.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use chasqui_domain::UserId;

    use super::*;

    fn cached(number: u32) -> Cached {
        let peer = UserId::new(format!("user-{number}")).unwrap();
        Cached::empty(ChatId::direct(&UserId::new("me").unwrap(), &peer))
    }

    #[test]
    fn those_not_used_for_the_longest_time_go() {
        let mut cache = Cache::new(2 * cached(0).bytes());
        cache.put(cached(0));
        cache.put(cached(1));
        let zero = cache.take(&cached(0).chat.id).unwrap();
        cache.put(zero);
        cache.put(cached(2));
        assert!(cache.take(&cached(1).chat.id).is_none(), "it was used before the others");
        assert!(cache.take(&cached(0).chat.id).is_some() && cache.take(&cached(2).chat.id).is_some());
        assert_eq!(cache.bytes, 0);
    }

    #[test]
    fn putting_twice_counts_once() {
        let mut cache = Cache::new(usize::MAX);
        cache.put(cached(0));
        cache.put(cached(0));
        assert_eq!(cache.bytes, cached(0).bytes());
    }
}
