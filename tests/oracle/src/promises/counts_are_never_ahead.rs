//! An author is not told that so many of a group have a message before devices of so many were shown it, or that so many
//! have read it before they opened it; who came behind a message is taken to have it.
//!
//! It can be judged where the order over all devices is known.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Evidence, InGroup, Line, group::fold::GroupFold, highest::Highest};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: BTreeMap<&str, GroupFold<'_>> = evidence.group_folds().map(|fold| (fold.chat, fold)).collect();
    // By group and user.
    let mut shown: Highest<(&str, &str)> = Highest::new();
    let mut opened: Highest<(&str, &str)> = Highest::new();
    let mut broken = Vec::new();
    for (transcript, line) in evidence.in_order() {
        let user = transcript.user.as_str();
        match line {
            Line::Group(InGroup::Message(message)) if message.from != user => {
                shown.raise((&message.chat, user), message.seq);
            }
            Line::Group(InGroup::Reading { chat, seq }) => opened.raise((chat, user), *seq),
            Line::Group(InGroup::Counts { chat, messages, .. }) => {
                let Some(fold) = folds.get(chat.as_str()) else { continue };
                let others: BTreeSet<_> = fold.things.iter().flat_map(|thing| &thing.to).copied().collect();
                for count in messages {
                    let has = |other: &&&str, seq: u64| {
                        let came_later = fold.joined_after(other).any(|after| after >= count.seq);
                        **other != user && (came_later || seq >= count.seq)
                    };
                    let have = others
                        .iter()
                        .filter(|other| has(other, shown.of(&(chat, **other)).max(opened.of(&(chat, **other)))));
                    let have = have.count() as u64;
                    let read = others.iter().filter(|other| has(other, opened.of(&(chat, **other)))).count() as u64;
                    let is_own = fold.things.iter().any(|thing| thing.by == user && thing.seq() == Some(count.seq));
                    if !is_own || count.delivered > have || count.read > read {
                        let device = &transcript.device;
                        broken.push(format!(
                            "device {device} of {user} was told {count:?} in {chat} when {have} had it and {read} had \
                             read it; it is their own: {is_own}"
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    broken
}
