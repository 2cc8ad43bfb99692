//! Once a device has caught up, every session goes on where the device was: it never has to begin anew.

use crate::{Evidence, Line};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
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
