//! What a run has to wait for before it can be judged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::journal::Journal;

/// What has to come yet: outcomes, messages, and the user's own watermarks.
///
/// `journals` are those of all devices, with their users.
#[must_use]
pub fn missing(journals: &[(String, Arc<Journal>)]) -> Vec<String> {
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut chats: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut wanted: BTreeMap<(&str, String), (u64, u64)> = BTreeMap::new();
    let mut told: BTreeMap<(&str, String), (u64, u64)> = BTreeMap::new();
    for (user, journal) in journals {
        let view = journal.view(Clone::clone);
        for (chat, seq) in &view.seen {
            raise(last.entry(chat.clone()).or_default(), *seq);
            chats.entry(user.clone()).or_default().insert(chat.clone());
        }
        for (chat, peer) in view.peers {
            chats.entry(peer).or_default().insert(chat);
        }
        for (chat, seq) in &view.arrived {
            raise(&mut wanted.entry((user, chat.clone())).or_default().0, *seq);
        }
        for (chat, seq) in &view.opened {
            let (delivered, read) = wanted.entry((user, chat.clone())).or_default();
            raise(delivered, *seq);
            raise(read, *seq);
        }
        for ((chat, _), own) in view.watermarks.iter().filter(|((_, member), _)| member == user) {
            let (delivered, read) = told.entry((user, chat.clone())).or_default();
            raise(delivered, own.0);
            raise(read, own.1);
        }
    }
    let mut missing = Vec::new();
    for (user, journal) in journals {
        journal.view(|view| {
            missing.extend(view.open.iter().map(|open| format!("{user}: the outcome of {open:?}")));
            if !view.is_caught_up {
                missing.push(format!("{user}: a device catches up"));
            }
            for chat in chats.get(user.as_str()).into_iter().flatten() {
                let (seen, last) = (view.seen.get(chat).copied().unwrap_or_default(), last.get(chat));
                if Some(&seen) != last {
                    missing.push(format!("{user}: {chat} is seen up to {seen} of {last:?}"));
                }
            }
        });
    }
    for (of, wanted) in wanted {
        let told = told.get(&of).copied().unwrap_or_default();
        if told.0 < wanted.0 || told.1 < wanted.1 {
            missing.push(format!("{of:?}: the watermarks are {told:?} and not {wanted:?}"));
        }
    }
    missing
}

fn raise(seq: &mut u64, to: u64) {
    *seq = to.max(*seq);
}
