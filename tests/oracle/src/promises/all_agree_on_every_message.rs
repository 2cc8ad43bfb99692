//! Whoever tells of a message tells the same.

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages();
    let mut broken = Vec::new();
    for told in evidence.told() {
        if let Some(first) = messages.get(&(told.chat, told.seq))
            && !first.agrees_with(&told)
        {
            broken.push(format!("message {} of {} is {first} and {told}", told.seq, told.chat));
        }
    }
    broken
}
