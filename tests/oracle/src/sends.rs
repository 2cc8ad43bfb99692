//! What became of what devices sent.

use std::collections::BTreeSet;

use crate::{Evidence, Line};

/// A message, by what its sender calls it: the user, the device, the chat and the id.
pub(crate) type Send<'a> = (&'a str, &'a str, &'a str, u64);

/// What was accepted, and what was refused.
pub(crate) fn outcomes(evidence: &Evidence) -> (BTreeSet<Send<'_>>, BTreeSet<Send<'_>>) {
    let (mut accepted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for (transcript, line) in evidence.lines() {
        let Some((chat, id)) = outcome(line) else { continue };
        let all = if matches!(line, Line::Sent { .. }) { &mut accepted } else { &mut refused };
        all.insert((transcript.user.as_str(), transcript.device.as_str(), chat, id));
    }
    (accepted, refused)
}

/// What a line tells of the end of a message: its chat and id.
pub(crate) fn outcome(line: &Line) -> Option<(&str, u64)> {
    match line {
        Line::Sent { chat, id, .. } | Line::Failed { chat: Some(chat), id: Some(id), retry: false, .. } => {
            Some((chat, *id))
        }
        _ => None,
    }
}
