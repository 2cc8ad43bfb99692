//! In the end read is the highest that the user has opened. An opening that a killed client was told of may be lost.

use std::collections::BTreeMap;

use crate::{Evidence, Line, highest::Highest};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut opened: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    let mut must: Highest<(&str, &str)> = Highest::new();
    for transcript in &evidence.transcripts {
        for life in transcript.lives() {
            let was_killed = matches!(life.last(), Some(Line::Ended { killed: true }));
            for line in life {
                let Line::Reading { chat, seq } = line else { continue };
                let key = (chat.as_str(), transcript.user.as_str());
                opened.entry(key).or_default().push(*seq);
                if !was_killed {
                    must.raise(key, *seq);
                }
            }
        }
    }
    let mut broken = Vec::new();
    for (user, chat) in evidence.served_chats() {
        for member in &chat.members {
            let key = (chat.chat.as_str(), member.user.as_str());
            let least = must.of(&key);
            let was_opened = member.read == 0 || opened.get(&key).is_some_and(|opened| opened.contains(&member.read));
            if !was_opened || member.read < least {
                broken.push(format!("{user} is served {member:?} in {}, opened was {least}", chat.chat));
            }
        }
    }
    broken
}
