//! In the end delivered is the last message of others that a device of the user has, or what the user has read.

use std::collections::BTreeMap;

use crate::{Evidence, Line};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut arrived: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Message(message) = line
            && message.from != transcript.user
        {
            let seq = arrived.entry((&message.chat, &transcript.user)).or_default();
            *seq = message.seq.max(*seq);
        }
    }
    let mut broken = Vec::new();
    for (user, chat) in evidence.served_chats() {
        for member in &chat.members {
            let arrived = arrived.get(&(chat.chat.as_str(), member.user.as_str())).copied().unwrap_or_default();
            if member.delivered != arrived.max(member.read) {
                broken.push(format!("{user} is served {member:?} in {}, and {arrived} arrived there", chat.chat));
            }
        }
    }
    broken
}
