//! Every frame is one that the documents allow.

use crate::{Evidence, Line};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Undocumented { why } = line {
            broken.push(format!("device {} of {}: {why}", transcript.device, transcript.user));
        }
    }
    broken
}
