//! In the end delivered is the last message of others that a device of the user has, or what the user has read.

use crate::{Evidence, Line, highest::Highest};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut arrived: Highest<(&str, &str)> = Highest::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Message(message) = line
            && message.from != transcript.user
        {
            arrived.raise((&message.chat, &transcript.user), message.seq);
        }
    }
    let mut broken = Vec::new();
    for (user, chat) in evidence.served_chats() {
        for member in &chat.members {
            let arrived = arrived.of(&(&chat.chat, &member.user));
            if member.delivered != arrived.max(member.read) {
                broken.push(format!("{user} is served {member:?} in {}, and {arrived} arrived there", chat.chat));
            }
        }
    }
    broken
}
