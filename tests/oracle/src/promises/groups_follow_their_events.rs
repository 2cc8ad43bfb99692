//! A group's stored events are numbered from 1 without a hole or a repeat, its messages likewise; time never goes back; who
//! writes is a member; and every receipt raises a watermark of a member, never beyond the last message.

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    evidence.group_folds().flat_map(|fold| fold.wrong).collect()
}
