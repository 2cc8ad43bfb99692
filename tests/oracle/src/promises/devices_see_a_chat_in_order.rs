//! A device sees the messages of a chat one after the other: none is left out, and none comes again, but for those that
//! a killed client saw last.

use std::collections::BTreeMap;

use crate::{Evidence, Line, Transcript};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    evidence.transcripts.iter().flat_map(out_of_order).collect()
}

fn out_of_order(transcript: &Transcript) -> Vec<String> {
    // Per chat, the last message that was seen, and whether the next may lie below it.
    let mut seen: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    let mut broken = Vec::new();
    for line in &transcript.lines {
        let (chat, seq) = match line {
            Line::Ended { killed: true } => {
                seen.values_mut().for_each(|(_, may_repeat)| *may_repeat = true);
                continue;
            }
            Line::Joins { chat, seq } => {
                seen.insert(chat, (*seq, false));
                continue;
            }
            Line::Message(message) => (message.chat.as_str(), message.seq),
            Line::Sent { chat, seq, repeated: false, .. } => (chat.as_str(), *seq),
            _ => continue,
        };
        let (last, may_repeat) = seen.get(chat).copied().unwrap_or_default();
        if seq != last + 1 && !(may_repeat && (1..=last).contains(&seq)) {
            let (device, user) = (&transcript.device, &transcript.user);
            broken.push(format!("device {device} of {user} saw message {seq} of {chat} after {last}"));
        }
        seen.insert(chat, (seq, false));
    }
    broken
}
