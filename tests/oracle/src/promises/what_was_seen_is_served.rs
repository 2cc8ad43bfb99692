//! Whatever a device saw before the histories were asked for is in those of all members, at its place; and what is
//! there of a device says what the device sent, unless it was edited or deleted. So it must be at any time, however
//! much is under way.

use crate::{Evidence, Message, told::Told};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let (chats, seen, texts) = (evidence.members(), evidence.seen(), evidence.texts());
    let mut broken = Vec::new();
    for served in &evidence.served {
        let user = served.user.as_str();
        for chat in &served.chats {
            for (message, seq) in chat.messages.iter().zip(1..) {
                let send = (message.from.as_str(), message.device.as_str(), chat.chat.as_str(), message.id);
                if message.seq != seq || message.chat != chat.chat {
                    broken.push(format!("{user} is served {message:?} where {seq} of {} should be", chat.chat));
                } else if let Some(text) = texts.get(&send).filter(|text| is_other(message, text)) {
                    broken.push(format!("{user} is served {message:?}, and {text:?} was sent"));
                }
            }
        }
        let is_theirs = |told: &&Told<'_>| chats.get(told.chat).is_some_and(|members| members.contains(user));
        for told in seen.iter().filter(is_theirs) {
            let chat = served.chats.iter().find(|chat| chat.chat == told.chat);
            let found = chat.and_then(|chat| chat.messages.iter().find(|message| message.seq == told.seq));
            let found = found.map(Told::served);
            if !found.as_ref().is_some_and(|found| found.agrees_with(told)) {
                let found = found.map_or("nothing".to_owned(), |found| found.to_string());
                broken.push(format!("message {} of {} is {told}, and {user} is served {found}", told.seq, told.chat));
            }
        }
    }
    broken
}

/// Whether a message that says what it was written with says something else.
fn is_other(message: &Message, text: &str) -> bool {
    message.became.is_as_written() && message.text != text
}
