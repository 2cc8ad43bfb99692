//! In the end each user is served what has become of the messages: what is deleted says nothing, what was edited says
//! what it was edited to last, reactions are counted as they stand, and what is pinned is listed.

use std::collections::BTreeMap;

use crate::{
    Became, Evidence, Message, Reaction,
    group::{
        acts::{Acted, Doing},
        fold::GroupFold,
    },
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: BTreeMap<&str, GroupFold<'_>> = evidence.all_folds().map(|fold| (fold.chat, fold)).collect();
    let said = evidence.said();
    let mut broken = Vec::new();
    let mut check = |user: &str, chat: &str, messages: &[Message], listed: Option<&Message>, pinned: &[u64]| {
        let Some(fold) = folds.get(chat) else { return };
        for message in messages.iter().chain(listed) {
            if let Some(why) = fold.acts.messages.get(&message.seq).and_then(|acted| {
                differs(message, acted, user, |doing| said.get(&(chat, doing.by, doing.device, doing.id)).copied())
            }) {
                broken.push(format!("{user} is served {message:?}: {why}"));
            }
        }
        let since = fold.members.get(user).map_or(u64::MAX, |member| member.joined_version);
        let is_shown = |seq: &u64| fold.acts.messages.get(seq).is_some_and(|message| message.version >= since);
        let pins: Vec<_> = fold.acts.pins.iter().copied().filter(is_shown).collect();
        if pinned != pins {
            broken.push(format!("{user} is served {pinned:?} as pinned in {chat}: it is {pins:?}"));
        }
    };
    for (user, chat) in evidence.served_chats() {
        check(user, &chat.chat, &chat.messages, chat.last_message.as_ref(), &chat.pinned);
    }
    for (user, group) in evidence.served_groups() {
        check(user, &group.chat, &group.messages, group.last_message.as_ref(), &group.pinned);
    }
    broken
}

/// What is told otherwise than it is.
fn differs<'a>(
    message: &Message,
    acted: &Acted<'_>,
    user: &str,
    says: impl Fn(&Doing<'_>) -> Option<&'a str>,
) -> Option<String> {
    let Became { edited, deleted, reactions } = &message.became;
    if *deleted != acted.deleted {
        return Some(format!("it was deleted at {:?}", acted.deleted));
    }
    if deleted.is_some() {
        let says_nothing = message.text.is_empty() && edited.is_none() && reactions.is_empty();
        return (!says_nothing).then(|| "it is deleted".to_owned());
    }
    if *edited != acted.edited.map(|doing| doing.time) {
        return Some(format!("the last edit is {:?}", acted.edited));
    }
    if let Some(text) = acted.edited.as_ref().and_then(&says)
        && text != message.text
    {
        return Some(format!("it was edited to {text:?}"));
    }
    let stand = counted(acted, user, &says);
    let is_known = acted.reactions.values().all(|doing| says(doing).is_some());
    let is_same = if is_known { sorted(reactions) == stand } else { total(reactions) == total(&stand) };
    (!is_same).then(|| format!("reactions are {stand:?}"))
}

fn sorted(reactions: &[Reaction]) -> Vec<Reaction> {
    let mut sorted = reactions.to_vec();
    sorted.sort();
    sorted
}

/// How many react, and whether the user does.
fn total(reactions: &[Reaction]) -> (u64, bool) {
    (reactions.iter().map(|it| it.count).sum(), reactions.iter().any(|it| it.own))
}

/// How a message is reacted to, in ascending order of kind.
fn counted<'a>(acted: &Acted<'_>, user: &str, says: impl Fn(&Doing<'_>) -> Option<&'a str>) -> Vec<Reaction> {
    let mut kinds: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    for (by, doing) in &acted.reactions {
        let (count, own) = kinds.entry(says(doing).unwrap_or("(not known)")).or_default();
        (*count, *own) = (*count + 1, *own || *by == user);
    }
    kinds.into_iter().map(|(kind, (count, own))| Reaction { kind: kind.to_owned(), count, own }).collect()
}
