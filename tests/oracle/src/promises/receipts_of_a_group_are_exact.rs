//! In the end delivered is the last message of others since joining that a device of the user has, or what the user has
//! read; and nothing is read that was not opened.

use crate::{Evidence, InGroup, Line};

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    for fold in evidence.group_folds() {
        for (user, member) in &fold.members {
            let (mut arrived, mut opened) = (member.joined_after, vec![member.joined_after]);
            for (transcript, line) in evidence.lines().filter(|(transcript, _)| transcript.user == *user) {
                match line {
                    Line::Group(InGroup::Message(message))
                        if message.chat == fold.chat && message.from != transcript.user =>
                    {
                        arrived = arrived.max(message.seq);
                    }
                    Line::Group(InGroup::Reading { chat, seq }) if chat == fold.chat => opened.push(*seq),
                    _ => {}
                }
            }
            if member.delivered != arrived.max(member.read) || !opened.contains(&member.read) {
                broken.push(format!(
                    "{user} is at {member:?} in {}, {arrived} arrived there, and opened were {opened:?}",
                    fold.chat
                ));
            }
        }
    }
    broken
}
