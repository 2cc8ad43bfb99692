//! A device sees what happens in a group while its user is in it, one after the other: nothing is left out, and nothing
//! comes again, but for what a killed client saw last. What it asked for itself has its `sent` or `done` in its place.
//!
//! Likewise what is done to messages of a direct chat, among its messages: of those alone another promise tells.

use crate::{
    Evidence, Transcript,
    group::{
        fold::GroupFold,
        seen::{Seen, seen},
    },
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: Vec<_> = evidence.all_folds().collect();
    let judged = |fold| evidence.transcripts.iter().flat_map(move |transcript| out_of_order(fold, transcript));
    folds.iter().flat_map(judged).collect()
}

fn out_of_order(fold: &GroupFold<'_>, transcript: &Transcript) -> Vec<String> {
    let (user, device) = (transcript.user.as_str(), &transcript.device);
    let theirs: Vec<_> = (0..fold.things.len()).filter(|at| fold.things[*at].to.contains(user)).collect();
    // How many were seen, and whether the next may be one of them.
    let (mut count, mut may_repeat) = (0, false);
    let mut broken = Vec::new();
    for seen in seen(fold, transcript) {
        let at = match seen {
            Seen::Killed => {
                may_repeat = true;
                continue;
            }
            Seen::At(at) => at,
            Seen::Nowhere(_) => continue,
        };
        let Some(place) = theirs.iter().position(|other| *other == at) else { continue };
        let passed = &theirs[place.min(count)..=place.max(count.min(theirs.len() - 1))];
        let is_asked = fold.is_group || passed.iter().any(|at| fold.things[*at].seq().is_none());
        if is_asked && place != count && !(may_repeat && place < count) {
            let (thing, last) = (&fold.things[at], count.checked_sub(1).map(|last| &fold.things[theirs[last]]));
            broken.push(format!("device {device} of {user} saw {thing:?} of {} after {last:?}", fold.chat));
        }
        (count, may_repeat) = (place + 1, false);
    }
    broken
}
