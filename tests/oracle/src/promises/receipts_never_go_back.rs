//! Watermarks rise: every one that is pushed to a device is news, no answer lies below an earlier one, and none of what
//! was told is taken back in the end.

use std::collections::BTreeMap;

use crate::{Evidence, Line, Watermarks};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut highest: BTreeMap<(&str, &str), Watermarks> = BTreeMap::new();
    for transcript in &evidence.transcripts {
        let (mut pushed, mut answered) = (BTreeMap::new(), BTreeMap::new());
        for line in &transcript.lines {
            let (chat, all, last, is_push) = match line {
                Line::Receipt { chat, watermarks } => (chat, std::slice::from_ref(watermarks), &mut pushed, true),
                // What a killed app saw last it sees again.
                Line::Ended { killed: true } => {
                    pushed.clear();
                    continue;
                }
                Line::Receipts { chat, members, .. } => (chat, members.as_slice(), &mut answered, false),
                _ => continue,
            };
            for watermarks in all {
                let key = (chat.as_str(), watermarks.user.as_str());
                let before: Option<&Watermarks> = last.insert(key, watermarks);
                let went_back = before.is_some_and(|before| is_back(before, watermarks));
                let is_no_news = is_push && before == Some(watermarks);
                if went_back || is_no_news {
                    let (device, user) = (&transcript.device, &transcript.user);
                    broken.push(format!("device {device} of {user} saw {watermarks:?} in {chat} after {before:?}"));
                }
                raise(highest.entry(key).or_insert_with(|| watermarks.clone()), watermarks);
            }
        }
    }
    for (user, chat) in evidence.served_chats() {
        for watermarks in &chat.members {
            let told = highest.get(&(chat.chat.as_str(), watermarks.user.as_str()));
            if let Some(told) = told.filter(|told| is_back(told, watermarks)) {
                broken.push(format!("{user} is served {watermarks:?} in {} after {told:?} was told", chat.chat));
            }
        }
    }
    broken
}

fn is_back(before: &Watermarks, after: &Watermarks) -> bool {
    after.delivered < before.delivered || after.read < before.read
}

fn raise(highest: &mut Watermarks, to: &Watermarks) {
    highest.delivered = to.delivered.max(highest.delivered);
    highest.read = to.read.max(highest.read);
}
