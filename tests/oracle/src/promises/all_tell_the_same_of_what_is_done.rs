//! Whoever is told of an edit or of a reaction is told what was asked.

use crate::{Act, Change, Evidence, InGroup, Line};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let said = evidence.said();
    let mut broken = Vec::new();
    for (transcript, line) in evidence.lines() {
        let Line::Group(InGroup::Changed(changed)) = line else { continue };
        let says_something = matches!(changed.change, Change::Acted { act: Act::Edited | Act::Reacted, .. });
        let asked = (changed.chat.as_str(), changed.by.as_str(), changed.device.as_str(), changed.id);
        let expected = said.get(&asked).copied().filter(|_| says_something);
        if changed.says.as_deref() != expected {
            let (user, device) = (&transcript.user, &transcript.device);
            broken.push(format!("device {device} of {user} was told {changed:?}, and asked was {expected:?}"));
        }
    }
    broken
}
