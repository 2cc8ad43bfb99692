//! Unread is the number of messages of others above what the user has read, whenever it is told.

use std::ops::Bound::{Excluded, Included};

use crate::{Evidence, Line, Watermarks};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages();
    let mut broken = Vec::new();
    let mut check = |user: &str, chat: &str, last: u64, members: &[Watermarks], told: u64| {
        let read = members.iter().find(|member| member.user == user).map_or(0, |member| member.read);
        let above = messages.range((Excluded((chat, read.min(last))), Included((chat, last))));
        let unread = above.filter(|(_, message)| message.from != user).count() as u64;
        if told != unread {
            broken.push(format!("{user} was told of {told} in {chat}, read up to {read} of {last}: it is {unread}"));
        }
    };
    for (transcript, line) in evidence.lines() {
        if let Line::Receipts { chat, last_seq, unread, members } = line {
            check(&transcript.user, chat, *last_seq, members, *unread);
        }
    }
    for (user, chat) in evidence.served_chats() {
        check(user, &chat.chat, chat.last_seq, &chat.members, chat.unread);
    }
    broken
}
