//! What is promised of sessions.

use super::{Evidence, Line};

/// Once a device has caught up, every session goes on where the device was: it never has to begin anew.
pub(super) fn resume(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for transcript in &evidence.transcripts {
        let mut has_begun = false;
        for line in &transcript.lines {
            match line {
                Line::CaughtUp => has_begun = true,
                Line::Connected { resumed: false } if has_begun => {
                    broken.push(format!("device {} of {} had to begin anew", transcript.device, transcript.user));
                }
                _ => {}
            }
        }
    }
    broken
}

/// Every frame is one that the documents allow.
pub(super) fn frames_are_documented(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Undocumented { why } = line {
            broken.push(format!("device {} of {}: {why}", transcript.device, transcript.user));
        }
    }
    broken
}

/// What can be refused is a message alone: no reading, and no client.
pub(super) fn only_messages_are_refused(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Failed { id: None, retry: false, code, .. } = line {
            broken.push(format!("device {} of {} was refused: {code}", transcript.device, transcript.user));
        }
    }
    broken
}
