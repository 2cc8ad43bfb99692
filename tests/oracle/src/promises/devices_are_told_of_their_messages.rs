//! In the end a device has been told how far the others are with its own messages. It is judged where the order of all lines is
//! known: elsewhere histories are asked for while devices may still be told.

use std::collections::BTreeMap;

use crate::{Evidence, Line};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if evidence.order.is_empty() {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for transcript in &evidence.transcripts {
        let (mut own, mut told) = (BTreeMap::new(), BTreeMap::<_, (u64, u64)>::new());
        for line in &transcript.lines {
            let (chat, all) = match line {
                Line::Sent { chat, seq, .. } => {
                    let last = own.entry(chat.as_str()).or_default();
                    *last = (*seq).max(*last);
                    continue;
                }
                Line::Receipt { chat, watermarks } => (chat, std::slice::from_ref(watermarks)),
                Line::Receipts { chat, members, .. } => (chat, members.as_slice()),
                _ => continue,
            };
            for watermarks in all {
                let (delivered, read) = told.entry((chat.as_str(), watermarks.user.as_str())).or_default();
                (*delivered, *read) = (watermarks.delivered.max(*delivered), watermarks.read.max(*read));
            }
        }
        let (user, device) = (&transcript.user, &transcript.device);
        for chat in evidence.served.iter().filter(|served| served.user == *user).flat_map(|served| &served.chats) {
            let Some(last) = own.get(chat.chat.as_str()).copied() else { continue };
            for member in chat.members.iter().filter(|member| member.user != *user) {
                let told = told.get(&(chat.chat.as_str(), member.user.as_str())).copied().unwrap_or_default();
                let due = (member.delivered.min(last), member.read.min(last));
                if told.0 < due.0 || told.1 < due.1 {
                    let (chat, other) = (&chat.chat, &member.user);
                    broken.push(format!(
                        "device {device} of {user} was told {told:?} of {other} in {chat}, and its messages are at {due:?}"
                    ));
                }
            }
        }
    }
    broken
}
