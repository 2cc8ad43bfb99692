//! Unread is the number of messages of others above what the user has read that are not deleted, whenever it is told.

use std::ops::Bound::{Excluded, Included};

use crate::{Evidence, Line, Watermarks, deletions::Deleted};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let (messages, deleted) = (evidence.messages(), evidence.deleted());
    let mut broken = Vec::new();
    // What was deleted by now may not have been by then, unless somebody had been told.
    let mut check = |user: &str, chat: &str, last: u64, members: &[Watermarks], told: u64, by_then: &Deleted<'_>| {
        let read = members.iter().find(|member| member.user == user).map_or(0, |member| member.read);
        let above = messages.range((Excluded((chat, read.min(last))), Included((chat, last))));
        let above: Vec<_> = above.filter(|(_, message)| message.from != user).map(|(place, _)| place).collect();
        let count = |gone: &Deleted<'_>| above.iter().filter(|place| !gone.contains(*place)).count() as u64;
        let (least, most) = (count(&deleted), count(by_then));
        if !(least..=most).contains(&told) {
            broken.push(format!(
                "{user} was told of {told} in {chat}, read up to {read} of {last}: it is {least} to {most}"
            ));
        }
    };
    for (transcript, line, by_then) in evidence.answers() {
        if let Line::Receipts { chat, last_seq, unread, members } = line {
            check(&transcript.user, chat, *last_seq, members, *unread, &by_then);
        }
    }
    for (user, chat) in evidence.served_chats() {
        for unread in [Some(chat.unread), chat.unread_in_receipts].into_iter().flatten() {
            check(user, &chat.chat, chat.last_seq, &chat.members, unread, &deleted);
        }
    }
    broken
}
