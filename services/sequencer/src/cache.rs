//! The states of chats that were needed lately, bounded by their bytes.

use chasqui_domain::{Chat, ChatId, Event, EventKind, Version};
use lru::LruCache;

/// A chat's state as the sequencer holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cached {
    /// The state.
    pub(crate) chat: Chat,
    /// The version of its newest snapshot; 0 when it has none.
    pub(crate) snapshot: Version,
    /// The last message, without its body. The summary names it, and must not depend on what a batch happens to hold.
    pub(crate) last_message: Option<Event>,
    /// Whether its members changed by events whose rows are not written yet.
    pub(crate) members_changed: bool,
}

impl Cached {
    /// Remembers what summaries tell of an event beside the state.
    pub(crate) fn note(&mut self, event: &Event) {
        self.members_changed |= matches!(event.kind, EventKind::Opened { .. });
        if matches!(event.kind, EventKind::Message { .. }) {
            let mut event = event.clone();
            if let EventKind::Message { body, .. } = &mut event.kind {
                body.bytes.clear();
            }
            self.last_message = Some(event);
        }
    }

    pub(crate) fn wants_snapshot(&self, every: u64) -> bool {
        self.chat.version.0 - self.snapshot.0 >= every
    }

    /// About what it takes in memory.
    fn bytes(&self) -> usize {
        let members: usize = self.chat.members.iter().map(|member| 160 + 16 * member.own.iter().len()).sum();
        let devices: usize = self.chat.devices.iter().map(|device| 128 + 24 * device.accepted.len()).sum();
        512 + members + devices
    }
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
        let chat = Chat::new(ChatId::direct(&UserId::new("me").unwrap(), &peer));
        Cached { chat, snapshot: Version(0), last_message: None, members_changed: false }
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
