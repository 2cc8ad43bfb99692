//! Time goes on with the messages of a chat.

use std::collections::BTreeMap;

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for ((chat, seq), told) in evidence.messages() {
        let last = last.entry(chat).or_default();
        if told.time < *last {
            broken.push(format!("message {seq} of {chat} has the time {} behind {last}", told.time));
        }
        *last = told.time;
    }
    broken
}
