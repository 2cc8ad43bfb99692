//! Every message is on every device of every member.

use crate::{Evidence, Line, highest::Highest};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let (chats, last_seqs) = (evidence.members(), evidence.last_seqs());
    let mut broken = Vec::new();
    for transcript in &evidence.transcripts {
        let mut seen: Highest<&str> = Highest::new();
        for line in &transcript.lines {
            let (chat, seq) = match line {
                Line::Message(message) => (message.chat.as_str(), message.seq),
                Line::Sent { chat, seq, .. } | Line::Joins { chat, seq } => (chat.as_str(), *seq),
                _ => continue,
            };
            seen.raise(chat, seq);
        }
        for (chat, last) in &last_seqs {
            let is_member = chats.get(chat).is_some_and(|members| members.contains(transcript.user.as_str()));
            let has = seen.of(chat);
            if is_member && has < *last {
                let (device, user) = (&transcript.device, &transcript.user);
                broken.push(format!("device {device} of {user} has {has} of the {last} messages of {chat}"));
            }
        }
    }
    broken
}
