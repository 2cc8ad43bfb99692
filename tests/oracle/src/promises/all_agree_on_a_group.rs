//! Whatever is told of a group, or of what is done to messages of a direct chat, has happened, is told by all alike,
//! and says what was written.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Evidence, InGroup, Line, Message,
    group::{
        fold::GroupFold,
        seen::{Seen, seen},
    },
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let folds: Vec<_> = evidence.all_folds().collect();
    if evidence.chats.is_empty() {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for fold in &folds {
        for transcript in &evidence.transcripts {
            for seen in seen(fold, transcript) {
                if let Seen::Nowhere(line) = seen {
                    let (device, user) = (&transcript.device, &transcript.user);
                    broken.push(format!("device {device} of {user} saw {line:?}, which has not happened"));
                }
            }
        }
        for (user, group) in evidence.served_groups().filter(|(_, group)| group.chat == fold.chat) {
            let messages = group.messages.iter().chain(&group.last_message);
            for message in messages.filter(|message| fold.message(message).is_none()) {
                broken.push(format!("{user} is served {message:?}, which has not happened"));
            }
            for changed in group.changes.iter().filter(|changed| fold.changed(changed).is_none()) {
                broken.push(format!("{user} is served {changed:?}, which has not happened"));
            }
        }
    }
    broken.extend(unknown(evidence, &folds));
    broken.extend(texts(evidence));
    broken
}

/// What is told of groups that are not there.
fn unknown(evidence: &Evidence, folds: &[GroupFold<'_>]) -> Vec<String> {
    let known: BTreeSet<_> = folds.iter().map(|fold| fold.chat).collect();
    let mut broken = Vec::new();
    for (transcript, line) in evidence.lines() {
        let chat = match line {
            Line::Group(InGroup::Message(Message { chat, .. }) | InGroup::Sent { chat, .. }) => chat,
            Line::Group(InGroup::Changed(changed)) => &changed.chat,
            _ => continue,
        };
        if !known.contains(chat.as_str()) {
            broken.push(format!("{} on {} saw {line:?} of no group", transcript.user, transcript.device));
        }
    }
    broken
}

/// Whoever shows a message shows what was written, and each text once.
fn texts(evidence: &Evidence) -> Vec<String> {
    // What is written, and, on whichever device, what is edited.
    let (mut written, mut edited) = (BTreeSet::new(), BTreeSet::new());
    let mut shown: Vec<(String, &Message)> = Vec::new();
    for (transcript, line) in evidence.lines() {
        let (user, device) = (transcript.user.as_str(), transcript.device.as_str());
        match line {
            Line::Group(InGroup::Writing { chat, text }) => {
                written.insert((user, device, chat.as_str(), text.as_str()));
                edited.insert((user, chat.as_str(), text.as_str()));
            }
            Line::Group(InGroup::Message(message)) => shown.push((format!("device {device} of {user}"), message)),
            _ => {}
        }
    }
    for (user, group) in evidence.served_groups() {
        let messages = group.messages.iter().chain(&group.last_message);
        shown.extend(messages.map(|message| (format!("the history of {user}"), message)));
    }
    let (mut places, mut broken) = (BTreeMap::new(), Vec::new());
    for (teller, message) in shown {
        let Message { chat, seq, from, device, id: _, text, time: _, became } = message;
        if became.deleted.is_some() {
            continue;
        }
        let is_written = match became.edited {
            None => written.contains(&(from.as_str(), device.as_str(), chat.as_str(), text.as_str())),
            Some(_) => edited.contains(&(from.as_str(), chat.as_str(), text.as_str())),
        };
        let place = *places.entry((chat.as_str(), text.as_str())).or_insert(*seq);
        if !is_written || place != *seq {
            broken.push(format!("{teller} shows {message:?}: written is {is_written}, and {place} says it, too"));
        }
    }
    broken
}
