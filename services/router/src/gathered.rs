//! Counts of receipts in groups on their way to authors: gathered over a short window, so that an author is told a bounded
//! amount however many members read at once.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    time::Duration,
};

use chasqui_domain::{AuthorCounts, ChatId, GroupCounts, MessageCount, UserId, Version};

/// How long counts wait for others.
pub(crate) const WINDOW: Duration = Duration::from_millis(250);
/// How many of their messages an author is told of in a chat and window: the newest.
const MESSAGES_MAX: usize = 6;
/// Of how many chats an author is told in a window. With [`MESSAGES_MAX`] it fits in 1 KiB of frames.
const CHATS_MAX: usize = 2;
/// So many counts wait for a later window; beyond that they go at once.
const WAITING_MAX: usize = 4096;

/// What authors are to be told, the newest of each chat.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    authors: BTreeMap<UserId, BTreeMap<ChatId, Waiting>>,
    due: Option<Duration>,
}

#[derive(Debug)]
struct Waiting {
    since: Duration,
    version: Version,
    counts: AuthorCounts,
}

impl Gathered {
    /// Goes on with what a former owner had gathered.
    pub(crate) fn new(counts: Vec<GroupCounts>, now: Duration) -> Self {
        let mut gathered = Self::default();
        counts.into_iter().for_each(|counts| gathered.add(counts, now));
        gathered
    }

    /// Counts that wait from now on.
    pub(crate) fn add(&mut self, counts: GroupCounts, now: Duration) {
        let GroupCounts { chat, version, authors } = counts;
        for counts in authors {
            match self.authors.entry(counts.author.clone()).or_default().entry(chat) {
                Entry::Vacant(place) => drop(place.insert(Waiting { since: now, version, counts })),
                Entry::Occupied(mut stands) => {
                    let waiting = stands.get_mut();
                    merge(&mut waiting.counts, counts, version > waiting.version);
                    waiting.version = version.max(waiting.version);
                }
            }
            self.due.get_or_insert(now + WINDOW);
        }
    }

    /// When the next are to be told; none when none wait.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// What is to be told now, each of one author. The rest waits for the next window.
    pub(crate) fn take(&mut self, now: Duration) -> Vec<GroupCounts> {
        let mut taken = Vec::new();
        let waiting: usize = self.authors.values().map(BTreeMap::len).sum();
        let chats_max = if waiting > WAITING_MAX { usize::MAX } else { CHATS_MAX };
        for chats in self.authors.values_mut() {
            let mut by_age: Vec<_> = chats.iter().map(|(chat, waiting)| (waiting.since, *chat)).collect();
            by_age.sort_unstable();
            for (_, chat) in by_age.into_iter().take(chats_max) {
                if let Some(Waiting { version, counts, .. }) = chats.remove(&chat) {
                    taken.push(GroupCounts { chat, version, authors: vec![counts] });
                }
            }
        }
        self.authors.retain(|_, chats| !chats.is_empty());
        self.due = (!self.authors.is_empty()).then(|| now + WINDOW);
        taken
    }

    /// What is not told yet, for whoever goes on.
    pub(crate) fn waiting(&self) -> Vec<GroupCounts> {
        let all = self.authors.values().flatten();
        let one = |(chat, waiting): (&ChatId, &Waiting)| GroupCounts {
            chat: *chat,
            version: waiting.version,
            authors: vec![waiting.counts.clone()],
        };
        all.map(one).collect()
    }
}

/// Of each message the newer count, and of all messages the newest.
fn merge(told: &mut AuthorCounts, other: AuthorCounts, is_newer: bool) {
    let (newer, older) = if is_newer { (other, told.clone()) } else { (told.clone(), other) };
    let mut messages: BTreeMap<_, MessageCount> = older.messages.iter().map(|it| (it.seq, *it)).collect();
    messages.extend(newer.messages.iter().map(|it| (it.seq, *it)));
    let newest = messages.into_values().rev().take(MESSAGES_MAX).collect::<Vec<_>>();
    *told = AuthorCounts { messages: newest.into_iter().rev().collect(), ..newer };
}

#[cfg(test)]
mod tests;
