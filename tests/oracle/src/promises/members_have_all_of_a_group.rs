//! In the end every device has what happened in a group while its user was in it, and what was done to messages of its
//! direct chats.

use crate::{
    Evidence,
    group::seen::{Seen, seen},
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for fold in evidence.all_folds() {
        for transcript in &evidence.transcripts {
            let last = fold.things.iter().rposition(|thing| thing.to.contains(transcript.user.as_str()));
            let seen = seen(&fold, transcript);
            let last = last.filter(|last| fold.is_group || fold.things[*last].seq().is_none());
            let has = seen.iter().any(|seen| matches!(seen, Seen::At(at) if Some(*at) == last));
            if let Some(last) = last.filter(|_| !has) {
                let (device, user, last) = (&transcript.device, &transcript.user, &fold.things[last]);
                broken.push(format!("device {device} of {user} has not seen {last:?} of {}", fold.chat));
            }
        }
    }
    broken
}
