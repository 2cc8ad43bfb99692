//! Only who wrote a message edits and deletes it, and only for a while; nobody does anything to one that was written
//! before they came, or when they are gone; nothing is done to what is deleted; in a group admins and owners pin, and
//! no more than so many; and what would change nothing doesn't happen.

use crate::{
    Act, Change, Evidence,
    group::fold::{GroupFold, What},
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for fold in evidence.all_folds() {
        broken.extend(too_late(evidence, &fold));
        broken.extend(fold.acts.not_allowed.iter().map(|what| format!("{what}, in {}", fold.chat)));
    }
    broken
}

fn too_late(evidence: &Evidence, fold: &GroupFold<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for thing in &fold.things {
        let What::Change { change: Change::Acted { seq, act }, .. } = thing.what else { continue };
        let within = match act {
            Act::Edited => evidence.edit_within_ms,
            Act::Deleted => evidence.delete_within_ms,
            _ => None,
        };
        let written = fold.acts.messages.get(seq).map_or(thing.time, |message| message.time);
        let age = thing.time.saturating_sub(written);
        if within.is_some_and(|within| age > within) {
            broken.push(format!("{act:?} of message {seq} of {} when it is {age} ms old", fold.chat));
        }
    }
    broken
}
