//! Every message was sent by whom it is said to be from, and says what was sent, or what they have edited it to.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Evidence, InGroup, Line, told::Told};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let (mut sent, mut edited) = (BTreeMap::new(), BTreeSet::new());
    for (transcript, line) in evidence.lines() {
        let (user, device) = (transcript.user.as_str(), transcript.device.as_str());
        match line {
            Line::Sending { chat, text, .. } => {
                sent.entry((user, device, chat.as_str(), text.as_str())).or_insert(None);
            }
            Line::Send { chat, id, text } => {
                sent.insert((user, device, chat.as_str(), text.as_str()), Some(*id));
            }
            // On whichever device.
            Line::Group(InGroup::Writing { chat, text }) => {
                edited.insert((user, chat.as_str(), text.as_str()));
            }
            _ => {}
        }
    }
    let is_sent = |told: &Told<'_>| match told.text {
        None if told.edited_to.is_some_and(|text| !edited.contains(&(told.from, told.chat, text))) => false,
        // It is told by the device that sent it, and others tell its text.
        None => true,
        Some(text) => match sent.get(&(told.from, told.device, told.chat, text)) {
            None => false,
            Some(id) => id.is_none_or(|id| id == told.id),
        },
    };
    let made_up = evidence.told().into_iter().filter(|told| !is_sent(told));
    made_up.map(|told| format!("nobody sent message {} of {}: {told}", told.seq, told.chat)).collect()
}
