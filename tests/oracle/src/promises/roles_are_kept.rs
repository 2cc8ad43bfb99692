//! Nobody has changed a group who may not by their role, and a group with members has an owner.

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    evidence.group_folds().flat_map(|fold| fold.not_allowed).collect()
}
