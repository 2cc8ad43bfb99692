//! What a deleted message said, and was edited to, is kept nowhere in the end; and once anybody was told that it is
//! deleted, no history that is asked for shows it. That can be judged where the order over all devices is known.

use std::collections::BTreeMap;

use crate::{
    Act, Change, Evidence, InGroup, Line, StoredChat,
    deletions::{Deleted, Told},
    group::fold::{GroupFold, What},
};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut told = Told::nothing(evidence);
    // By device and question: what was known when it was asked.
    let mut asked: BTreeMap<(&str, &str, u64), Deleted<'_>> = BTreeMap::new();
    let mut broken: Vec<_> = evidence.chats.iter().zip(evidence.all_folds()).flat_map(kept).collect();
    for (transcript, line) in evidence.in_order() {
        let (user, device) = (transcript.user.as_str(), transcript.device.as_str());
        match line {
            Line::Group(InGroup::Looks { look, .. }) => {
                asked.insert((user, device, *look), told.deleted.clone());
            }
            Line::Group(InGroup::Shown { chat, look, messages }) => {
                let known = asked.remove(&(user, device, *look)).unwrap_or_default();
                let is_known = |seq: u64| known.contains(&(chat.as_str(), seq));
                for message in messages.iter().filter(|message| is_known(message.seq)) {
                    if !message.text.is_empty() || message.became.deleted.is_none() {
                        broken.push(format!("device {device} of {user} is shown {message:?}, which is deleted"));
                    }
                }
            }
            _ => {}
        }
        told.look_at(transcript, line);
    }
    broken
}

/// What is still stored.
fn kept((stored, fold): (&StoredChat, GroupFold<'_>)) -> Vec<String> {
    let is_deleted = |seq: &u64| fold.acts.messages.get(seq).is_some_and(|message| message.deleted.is_some());
    let is_kept = |version: &u64| stored.bodies.contains(version);
    let said = fold.things.iter().filter(|thing| match thing.what {
        What::Message { seq } => is_deleted(&seq),
        What::Change { change: Change::Acted { seq, act: Act::Edited }, .. } => is_deleted(seq),
        What::Change { .. } => false,
    });
    let kept = said.filter(|thing| is_kept(&thing.version));
    kept.map(|thing| format!("version {} of {} has what a deleted message said", thing.version, fold.chat)).collect()
}
