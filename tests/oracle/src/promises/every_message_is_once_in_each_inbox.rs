//! In the end the inbox of every member of a chat has each of its messages once, of a group those while they were one, and no other message.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Evidence, InboxReading};

/// The messages of a user's chats: by chat and seq.
type Messages<'a> = BTreeSet<(&'a str, u64)>;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if evidence.inboxes.is_empty() {
        return Vec::new();
    }
    let (readings, mut expected) = (evidence.last_readings(), expected(evidence));
    let mut broken = Vec::new();
    for user in expected.keys().filter(|user| !readings.contains_key(*user)) {
        broken.push(format!("{user} is in a chat, and their inbox was not read"));
    }
    for (user, reading) in readings {
        broken.extend(of_user(reading, expected.remove(user).unwrap_or_default()));
    }
    broken
}

fn of_user<'a>(reading: &'a InboxReading, mut missing: Messages<'a>) -> Vec<String> {
    let mut broken = Vec::new();
    for row in &reading.rows {
        if let Some(seq) = row.seq
            && !missing.remove(&(row.chat.as_str(), seq))
        {
            broken.push(format!("the inbox of {} has {row:?} once more, or of a chat of others", reading.user));
        }
    }
    broken.extend(missing.iter().map(|(chat, seq)| format!("the inbox of {} lacks {seq} of {chat}", reading.user)));
    broken
}

/// The messages that anybody knows of, by who must have them.
fn expected(evidence: &Evidence) -> BTreeMap<&str, Messages<'_>> {
    let mut expected: BTreeMap<&str, Messages<'_>> = BTreeMap::new();
    let (members, last_seqs) = (evidence.members(), evidence.last_seqs());
    for (chat, members) in &members {
        let last = last_seqs.get(chat).copied().unwrap_or_default();
        for user in members {
            expected.entry(user).or_default().extend((1..=last).map(|seq| (*chat, seq)));
        }
    }
    for fold in evidence.folds() {
        for user in fold.members.keys() {
            expected.entry(user).or_default().extend(fold.messages.iter().map(|message| (message.chat, message.seq)));
        }
    }
    for fold in evidence.group_folds() {
        for thing in &fold.things {
            let Some(seq) = thing.seq() else { continue };
            for user in &thing.to {
                expected.entry(user).or_default().insert((fold.chat, seq));
            }
        }
    }
    expected
}
