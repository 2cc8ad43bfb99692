//! Deciding all commands again from the first gives the events that are stored, and places in the inboxes what is there.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Evidence, StoredChat, StoredEvent};

/// The digests of what an inbox has of a chat, in order; by user and chat.
type Inboxes<'a> = BTreeMap<(&'a str, &'a str), Vec<&'a str>>;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if evidence.replayed.is_empty() {
        return Vec::new();
    }
    let (stored, replayed) = (events(&evidence.chats), events(evidence.replayed.iter().map(|replayed| &replayed.chat)));
    let mut broken = Vec::new();
    for (chat, at, stored, replayed) in differences(&stored, &replayed) {
        broken.push(format!("{chat} has {stored:?} at {at}, and replay gives {replayed:?}"));
    }
    for ((user, chat), at, read, placed) in differences(&inboxes(evidence), &placed(evidence)) {
        broken.push(format!("the inbox of {user} has {read:?} at {at} of {chat}, and replay places {placed:?}"));
    }
    broken
}

/// Chats in which nothing has happened are there or not.
fn events<'a>(chats: impl IntoIterator<Item = &'a StoredChat>) -> BTreeMap<&'a str, Vec<&'a StoredEvent>> {
    let mut events: BTreeMap<&str, Vec<&StoredEvent>> = BTreeMap::new();
    for chat in chats {
        events.entry(&chat.chat).or_default().extend(&chat.events);
    }
    events
}

fn inboxes(evidence: &Evidence) -> Inboxes<'_> {
    let mut inboxes = Inboxes::new();
    for (user, reading) in evidence.last_readings() {
        for row in &reading.rows {
            inboxes.entry((user, &row.chat)).or_default().push(&row.digest);
        }
    }
    inboxes
}

fn placed(evidence: &Evidence) -> Inboxes<'_> {
    let mut inboxes = Inboxes::new();
    for replayed in &evidence.replayed {
        for placed in &replayed.placed {
            let digests = placed.digests.iter().map(String::as_str);
            inboxes.entry((&placed.user, &replayed.chat.chat)).or_default().extend(digests);
        }
    }
    inboxes
}

/// Where one list differs from the other of the same key for the first time: the key, the index, and what is there.
fn differences<'a, K: Copy + Ord, T: Copy + PartialEq>(
    one: &'a BTreeMap<K, Vec<T>>,
    other: &'a BTreeMap<K, Vec<T>>,
) -> impl Iterator<Item = (K, usize, Option<T>, Option<T>)> {
    let keys: BTreeSet<K> = one.keys().chain(other.keys()).copied().collect();
    keys.into_iter().filter_map(move |key| {
        let [one, other] = [one, other].map(|all| all.get(&key).map_or(&[][..], Vec::as_slice));
        let mut at = 0..one.len().max(other.len());
        let at = at.find(|&at| one.get(at) != other.get(at))?;
        Some((key, at, one.get(at).copied(), other.get(at).copied()))
    })
}
