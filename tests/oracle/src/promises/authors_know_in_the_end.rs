//! In the end a device that has written in a group has been told how far all others are with its messages: of those
//! that somebody else was to have, since its user is there, and that are not deleted.

use std::collections::BTreeMap;

use crate::{
    Evidence, InGroup, Line,
    group::fold::{GroupFold, Thing},
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if evidence.order.is_empty() {
        return Vec::new();
    }
    let folds: BTreeMap<&str, GroupFold<'_>> = evidence.group_folds().map(|fold| (fold.chat, fold)).collect();
    let mut broken = Vec::new();
    for transcript in &evidence.transcripts {
        let (user, device) = (transcript.user.as_str(), &transcript.device);
        for (chat, fold) in &folds {
            let Some(member) = fold.members.get(user) else { continue };
            let mut told = (0, 0);
            for line in &transcript.lines {
                match line {
                    Line::Group(
                        InGroup::Counts { chat: of, others, .. } | InGroup::Receipts { chat: of, others, .. },
                    ) if of == chat => {
                        told = (others.delivered.max(told.0), others.read.max(told.1));
                    }
                    _ => {}
                }
            }
            let own = fold.things.iter().filter(|thing| {
                (thing.by, thing.device) == (user, device)
                    && thing.version > member.joined_version
                    && thing.to.len() > 1
                    && !thing.is_deleted
            });
            let own: Vec<_> = own.filter_map(Thing::seq).collect();
            let others = fold.others(user);
            let up_to = |seq| own.iter().copied().filter(|own| *own <= seq).max().unwrap_or_default();
            let due = (up_to(others.delivered), up_to(others.read));
            if others.count > 0 && (told.0 < due.0 || told.1 < due.1) {
                broken.push(format!("device {device} of {user} was told {told:?} in {chat}, and it is {due:?}"));
            }
        }
    }
    broken
}
