//! What can be refused is a message alone: no reading, and no client.

use crate::{Evidence, Line};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Failed { id: None, retry: false, code, .. } = line {
            broken.push(format!("device {} of {} was refused: {code}", transcript.device, transcript.user));
        }
    }
    broken
}
