//! What was refused was not accepted and is in nobody's chat; and no client is told the outcome of what it took twice.

use std::collections::BTreeSet;

use crate::{
    Evidence, Line,
    sends::{Send, outcome, outcomes},
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let (accepted, refused) = outcomes(evidence);
    let seen: BTreeSet<Send<'_>> =
        evidence.messages().values().map(|told| (told.from, told.device, told.chat, told.id)).collect();
    let mut broken = Vec::new();
    for send in refused {
        if accepted.contains(&send) || seen.contains(&send) {
            broken.push(format!("{send:?} was refused and is there"));
        }
    }
    for transcript in &evidence.transcripts {
        for life in transcript.lives() {
            let taken: BTreeSet<_> = life.iter().filter_map(taken).collect();
            let mut told = BTreeSet::new();
            for send in life.iter().filter_map(outcome).filter(|send| taken.contains(send)) {
                if !told.insert(send) {
                    broken.push(format!(
                        "{} on {} was told the outcome of {send:?} twice",
                        transcript.user, transcript.device
                    ));
                }
            }
        }
    }
    broken
}

fn taken(line: &Line) -> Option<(&str, u64)> {
    match line {
        Line::Send { chat, id, .. } => Some((chat, *id)),
        _ => None,
    }
}
