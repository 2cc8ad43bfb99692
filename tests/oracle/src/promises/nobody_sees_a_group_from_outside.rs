//! What a device is told of a group, and what its user is served, has happened between joining and removal, both included.

use std::collections::BTreeMap;

use crate::{
    Evidence,
    group::{
        fold::GroupFold,
        seen::{Seen, seen},
    },
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let folds: BTreeMap<&str, GroupFold<'_>> = evidence.group_folds().map(|fold| (fold.chat, fold)).collect();
    for fold in folds.values() {
        for transcript in &evidence.transcripts {
            let (device, user) = (&transcript.device, &transcript.user);
            for seen in seen(fold, transcript) {
                if let Seen::At(at) = seen
                    && !fold.things[at].to.contains(user.as_str())
                {
                    broken.push(format!("device {device} of {user} saw {:?} of {}", fold.things[at], fold.chat));
                }
            }
        }
    }
    for (user, group) in evidence.served_groups() {
        let Some(fold) = folds.get(group.chat.as_str()) else { continue };
        let since = fold.members.get(user).map_or(u64::MAX, |member| member.joined_version);
        let shown = group.messages.iter().chain(&group.last_message).map(|message| fold.message(message));
        for at in shown.chain(group.changes.iter().map(|changed| fold.changed(changed))).flatten() {
            if fold.things[at].version < since {
                broken.push(format!("{user} is served {:?} of {}, and came later", fold.things[at], fold.chat));
            }
        }
    }
    broken
}
