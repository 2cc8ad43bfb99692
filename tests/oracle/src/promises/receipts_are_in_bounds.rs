//! Whoever has read something has it, and nobody has what isn't there.

use crate::{Evidence, Line, Watermarks};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let last_seqs = evidence.last_seqs();
    let last_of = |chat: &str| last_seqs.get(chat).copied().unwrap_or_default();
    let mut all: Vec<(&str, u64, &Watermarks)> = Vec::new();
    for (_, line) in evidence.lines() {
        match line {
            Line::Receipt { chat, watermarks } => all.push((chat, last_of(chat), watermarks)),
            Line::Receipts { chat, last_seq, members, .. } => {
                all.extend(members.iter().map(|member| (chat.as_str(), *last_seq, member)));
            }
            _ => {}
        }
    }
    for (_, chat) in evidence.served_chats() {
        all.extend(chat.members.iter().map(|member| (chat.chat.as_str(), chat.last_seq, member)));
    }
    let is_in_bounds = |last: u64, of: &Watermarks| of.read <= of.delivered && of.delivered <= last;
    let outside = all.into_iter().filter(|(_, last, watermarks)| !is_in_bounds(*last, watermarks));
    outside.map(|(chat, last, watermarks)| format!("{watermarks:?} in {chat}, whose last message is {last}")).collect()
}
