//! Unread in a group is the number of messages of others above what the user has read, from joining on; what somebody
//! wrote who has gone since counts as read, and so does what is deleted.

use std::collections::BTreeMap;

use crate::{
    Evidence, InGroup, Line,
    group::fold::{GroupFold, Thing},
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: BTreeMap<&str, GroupFold<'_>> = evidence.group_folds().map(|fold| (fold.chat, fold)).collect();
    let mut broken = Vec::new();
    for (transcript, line, by_then) in evidence.answers() {
        let Line::Group(InGroup::Receipts { chat, last_seq, unread, own: Some(own), .. }) = line else { continue };
        let Some(fold) = folds.get(chat.as_str()) else { continue };
        let user = transcript.user.as_str();
        let above = fold
            .things
            .iter()
            .filter(|thing| thing.by != user && thing.seq().is_some_and(|seq| own.read < seq && seq <= *last_seq));
        let above: Vec<_> = above.collect();
        // By then some of those who have gone may have been there, and some of what was deleted, unless somebody had
        // been told.
        let least = above.iter().filter(|thing| !thing.is_for_nobody()).count() as u64;
        let is_deleted = |thing: &Thing<'_>| thing.seq().is_some_and(|seq| by_then.contains(&(fold.chat, seq)));
        let most = above.iter().filter(|thing| !is_deleted(thing)).count() as u64;
        if !(least..=most).contains(unread) {
            broken.push(format!("{user} was told of {unread} unread: {line:?}; it is {least} to {most}"));
        }
    }
    for (user, group) in evidence.served_groups() {
        let Some(fold) = folds.get(group.chat.as_str()) else { continue };
        let unread = fold.unread(user);
        for told in [Some(group.unread), group.unread_in_receipts].into_iter().flatten() {
            if fold.members.contains_key(user) && told != unread {
                broken.push(format!("{user} is served {told} unread of {}: it is {unread}", group.chat));
            }
        }
    }
    broken
}
