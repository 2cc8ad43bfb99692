//! What is promised of histories.

use std::collections::BTreeSet;

use super::{Evidence, Told};

/// Whatever a device saw before the histories were asked for is in those of all members, at its place; and what is there
/// of a device says what the device sent. So it must be at any time, however much is under way.
pub(super) fn what_was_seen_is_served(evidence: &Evidence) -> Vec<String> {
    let (chats, seen, texts) = (evidence.chats(), evidence.seen(), evidence.texts());
    let mut broken = Vec::new();
    for served in &evidence.served {
        let user = served.user.as_str();
        for chat in &served.chats {
            for (message, seq) in chat.messages.iter().zip(1..) {
                let send = (message.from.as_str(), message.device.as_str(), chat.chat.as_str(), message.id);
                if message.seq != seq || message.chat != chat.chat {
                    broken.push(format!("{user} is served {message:?} where {seq} of {} should be", chat.chat));
                } else if let Some(text) = texts.get(&send).filter(|text| **text != message.text) {
                    broken.push(format!("{user} is served {message:?}, and {text:?} was sent"));
                }
            }
        }
        let is_theirs = |told: &&Told<'_>| chats.get(told.chat).is_some_and(|members| members.contains(user));
        for told in seen.iter().filter(is_theirs) {
            let chat = served.chats.iter().find(|chat| chat.chat == told.chat);
            let found = chat.and_then(|chat| chat.messages.iter().find(|message| message.seq == told.seq));
            let found = found.map(|message| Told::of("served".to_owned(), message));
            if !found.as_ref().is_some_and(|found| found.agrees_with(told)) {
                let found = found.map_or("nothing".to_owned(), |found| found.to_string());
                broken.push(format!("message {} of {} is {told}, and {user} is served {found}", told.seq, told.chat));
            }
        }
    }
    broken
}

/// A user is served every chat with a message in it that they are a member of, with all of its messages.
pub(super) fn the_history_is_whole(evidence: &Evidence) -> Vec<String> {
    let (chats, last_seqs) = (evidence.chats(), evidence.last_seqs());
    let mut broken = Vec::new();
    for served in &evidence.served {
        let user = served.user.as_str();
        let is_theirs = |chat: &str| chats.get(chat).is_some_and(|members| members.contains(user));
        let expected: Vec<_> = last_seqs.keys().copied().filter(|chat| is_theirs(chat)).collect();
        let mut listed: Vec<_> = served.chats.iter().map(|chat| chat.chat.as_str()).collect();
        listed.sort_unstable();
        if listed != expected {
            broken.push(format!("{user} is served the chats {listed:?} and is in {expected:?}"));
        }
        for chat in &served.chats {
            let last = last_seqs.get(chat.chat.as_str()).copied().unwrap_or_default();
            let members: BTreeSet<_> = [user, chat.with.as_str()].into();
            let listed: BTreeSet<_> = chat.members.iter().map(|member| member.user.as_str()).collect();
            let seqs: Vec<_> = chat.messages.iter().map(|message| message.seq).collect();
            let shown = chat.last_message.as_ref().map(|message| (message.seq, message.time <= chat.last_time));
            let is_whole = seqs.iter().copied().eq(1..=last)
                && chat.last_seq == last
                && shown == Some((last, true))
                && listed == members
                && chats.get(chat.chat.as_str()) == Some(&members);
            if !is_whole {
                let (chat, seq) = (&chat.chat, chat.last_seq);
                broken.push(format!(
                    "{user} is served {chat} of {listed:?} up to {seq}, shown {shown:?}, with the messages {seqs:?}; \
                     it has {last} and the members {members:?}"
                ));
            }
        }
    }
    broken
}
