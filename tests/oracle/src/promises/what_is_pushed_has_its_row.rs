//! What is pushed to a user's devices is in the inbox by then: whoever sees it may be gone before it is acknowledged, and
//! reads it from there.

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let missing = evidence.pushed_without_row.iter();
    missing.map(|it| format!("{} was pushed {} without a row", it.user, it.position)).collect()
}
