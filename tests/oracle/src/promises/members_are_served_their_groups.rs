//! A user is served the groups that they are in, and of each what the stored events give: who is in it, how far they
//! are, and all that has happened since they came.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Evidence, ServedGroup,
    group::fold::{GroupFold, Thing},
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    if evidence.chats.is_empty() {
        return Vec::new();
    }
    let folds: BTreeMap<&str, GroupFold<'_>> = evidence.group_folds().map(|fold| (fold.chat, fold)).collect();
    let mut broken = Vec::new();
    for served in &evidence.served {
        let user = served.user.as_str();
        let theirs: BTreeSet<_> =
            folds.values().filter(|fold| fold.members.contains_key(user)).map(|fold| fold.chat).collect();
        let listed: BTreeSet<_> = served.groups.iter().map(|group| group.chat.as_str()).collect();
        if listed != theirs {
            broken.push(format!("{user} is served the groups {listed:?} and is in {theirs:?}"));
        }
        for group in &served.groups {
            if let Some(fold) = folds.get(group.chat.as_str()) {
                broken.extend(of_group(user, fold, group));
            }
        }
    }
    broken
}

fn of_group(user: &str, fold: &GroupFold<'_>, served: &ServedGroup) -> Vec<String> {
    let Some(own) = fold.members.get(user) else { return Vec::new() };
    let mut broken = Vec::new();
    let mut compare = |what: &str, served_is: String, stored_is: String| {
        if served_is != stored_is {
            broken.push(format!("{user} is served {what} of {} as {served_is}, stored is {stored_is}", served.chat));
        }
    };
    let shown = fold.shown_to(user);
    let written: Vec<_> = shown.iter().filter_map(|thing| thing.seq()).collect();
    let served_messages: Vec<_> = served.messages.iter().map(|message| message.seq).collect();
    let changed: Vec<_> = shown.iter().filter(|thing| thing.is_of_group()).map(|thing| thing.version).collect();
    let at = |at: Option<usize>| at.map_or(0, |at| fold.things[at].version);
    let served_changes: Vec<_> = served.changes.iter().map(|changed| at(fold.changed(changed))).collect();
    let members: Vec<_> = fold.members.iter().map(|(user, it)| (*user, it.role, it.joined_time)).collect();
    let served_members: Vec<_> = served.members.iter().map(|it| (it.user.as_str(), it.role, it.joined)).collect();
    let watermarks: Vec<_> = served.own.iter().map(|it| (it.user.as_str(), it.delivered, it.read)).collect();
    let last_time = fold.things.last().map_or(0, |thing: &Thing<'_>| thing.time);
    compare("the last message", format!("{}", served.last_seq), format!("{}", fold.last_seq));
    compare("the last time", format!("{}", served.last_time), format!("{last_time}"));
    compare("the messages", format!("{served_messages:?}"), format!("{written:?}"));
    compare("the changes", format!("{served_changes:?}"), format!("{changed:?}"));
    compare("the members", format!("{served_members:?}"), format!("{members:?}"));
    compare("how many members", format!("{}", served.members_count), format!("{}", members.len()));
    compare("their receipts", format!("{watermarks:?}"), format!("{:?}", [(user, own.delivered, own.read)]));
    compare("their role", format!("{:?}", served.role), format!("{:?}", own.role));
    compare("their joining", format!("{}", served.joined), format!("{}", own.joined_time));
    compare("the others", format!("{:?}", served.others), format!("{:?}", Some(fold.others(user))));
    let last = served.last_message.as_ref().map(|message| message.seq);
    compare("the message in the list", format!("{last:?}"), format!("{:?}", written.last().copied()));
    broken
}
