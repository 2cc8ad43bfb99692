//! Unread in a group is the number of messages of others above what the user has read, from joining on; what somebody wrote
//! who has gone since counts as read.

use std::collections::BTreeMap;

use crate::{Evidence, InGroup, Line, group::fold::GroupFold};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: BTreeMap<&str, GroupFold<'_>> = evidence.group_folds().map(|fold| (fold.chat, fold)).collect();
    let mut broken = Vec::new();
    for (transcript, line) in evidence.lines() {
        let Line::Group(InGroup::Receipts { chat, last_seq, unread, own: Some(own), .. }) = line else { continue };
        let Some(fold) = folds.get(chat.as_str()) else { continue };
        let user = transcript.user.as_str();
        let above = fold
            .things
            .iter()
            .filter(|thing| thing.by != user && thing.seq().is_some_and(|seq| own.read < seq && seq <= *last_seq));
        let above: Vec<_> = above.collect();
        // By then some of those who have gone may have been there.
        let least = above.iter().filter(|thing| !thing.is_of_gone).count() as u64;
        if *unread < least || *unread > above.len() as u64 {
            let most = above.len();
            broken.push(format!("{user} was told of {unread} unread: {line:?}; it is {least} to {most}"));
        }
    }
    for (user, group) in evidence.served_groups() {
        let Some(fold) = folds.get(group.chat.as_str()) else { continue };
        let unread = fold.unread(user);
        if fold.members.contains_key(user) && group.unread != unread {
            broken.push(format!("{user} is served {} unread of {}: it is {unread}", group.unread, group.chat));
        }
    }
    broken
}
