//! In the end all members are served the same watermarks.

use std::collections::BTreeMap;

use crate::{Evidence, ServedChat};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut first: BTreeMap<&str, (&str, &ServedChat)> = BTreeMap::new();
    let mut broken = Vec::new();
    for (user, chat) in evidence.served_chats() {
        let (other, theirs) = *first.entry(&chat.chat).or_insert((user, chat));
        if theirs.members != chat.members {
            let (of, members, others) = (&chat.chat, &chat.members, &theirs.members);
            broken.push(format!("{user} is served {members:?} in {of}, and {other} {others:?}"));
        }
    }
    broken
}
