//! What a device sends in a chat comes in the order in which it was sent. Only what could not be
//! written for a while may come behind a later one, which was under way by then.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Evidence, Line, sends::Send};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let unwritten = evidence.unwritten.iter();
    let mut was_not_written: BTreeSet<Send<'_>> =
        unwritten.map(|it| (it.user.as_str(), it.device.as_str(), it.chat.as_str(), it.id)).collect();
    for (transcript, line) in evidence.lines() {
        if let Line::Failed { chat: Some(chat), id: Some(id), code, retry: true } = line
            && code == "disk_full"
        {
            was_not_written.insert((transcript.user.as_str(), transcript.device.as_str(), chat, *id));
        }
    }
    let mut last: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for ((chat, seq), told) in evidence.messages() {
        let last = last.entry((chat, told.from, told.device)).or_default();
        if told.id < *last && !was_not_written.contains(&(told.from, told.device, chat, told.id)) {
            broken.push(format!("message {seq} of {chat} comes behind id {last} and is {told}"));
        }
        *last = told.id.max(*last);
    }
    broken
}
