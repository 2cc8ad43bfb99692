//! A chat's stored events are numbered from 1 without a hole or a repeat, its messages likewise; time never goes back; and
//! every receipt raises a watermark of a member, never beyond the last message.

use std::collections::BTreeSet;

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut stored = BTreeSet::new();
    for fold in evidence.folds() {
        if !stored.insert(fold.chat) {
            broken.push(format!("{} is stored twice", fold.chat));
        }
        broken.extend(fold.wrong);
    }
    broken
}
