//! What a client took that is asked of a group, or to be done to a message of any chat, is done or refused.
//!
//! An app that ends may not learn of a refusal, or that there was nothing to change: its client forgets what it has asked when
//! the outcome comes, and the app may end before it takes that. What it then doesn't know has not happened.

use std::collections::BTreeSet;

use crate::{Evidence, InGroup, Line, group::seen::outcome};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: Vec<_> = evidence.all_folds().collect();
    let mut broken = Vec::new();
    for transcript in &evidence.transcripts {
        let (user, device) = (transcript.user.as_str(), transcript.device.as_str());
        let outcomes = transcript.lines.iter().filter_map(outcome);
        let settled: BTreeSet<_> = outcomes.map(|(chat, id, _)| (chat, id)).collect();
        let has_happened = |chat: &str, id: u64| {
            let mut things = folds.iter().filter(|fold| fold.chat == chat).flat_map(|fold| &fold.things);
            things.any(|thing| (thing.by, thing.device, thing.id) == (user, device, id))
        };
        for life in transcript.lives() {
            let ends = matches!(life.last(), Some(Line::Ended { .. }));
            for line in life {
                let Line::Group(InGroup::Asked { chat, id, what, .. }) = line else { continue };
                let may_be_lost = ends && !has_happened(chat, *id);
                if !settled.contains(&(chat.as_str(), *id)) && !may_be_lost {
                    broken.push(format!("{what} of {user} on {device} with id {id} in {chat} has no outcome"));
                }
            }
        }
    }
    broken
}
