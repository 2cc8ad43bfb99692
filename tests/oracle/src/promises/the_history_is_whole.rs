//! A user is served every chat with a message in it that they are a member of, with all of its messages.

use std::collections::BTreeSet;

use crate::Evidence;

pub(crate) fn judge(evidence: &Evidence) -> Vec<String> {
    let (chats, last_seqs) = (evidence.members(), evidence.last_seqs());
    let mut broken = Vec::new();
    for served in &evidence.served {
        let user = served.user.as_str();
        let is_theirs = |chat: &str| chats.get(chat).is_some_and(|members| members.contains(user));
        let expected: Vec<_> = last_seqs.keys().copied().filter(|chat| is_theirs(chat)).collect();
        let mut listed: Vec<_> = served.chats.iter().map(|chat| chat.chat.as_str()).collect();
        listed.sort_unstable();
        if listed != expected {
            broken.push(format!("{user} is served the chats {listed:?} and is in {expected:?}"));
        }
        for chat in &served.chats {
            let last = last_seqs.get(chat.chat.as_str()).copied().unwrap_or_default();
            let members: BTreeSet<_> = [user, chat.with.as_str()].into();
            let listed: BTreeSet<_> = chat.members.iter().map(|member| member.user.as_str()).collect();
            let seqs: Vec<_> = chat.messages.iter().map(|message| message.seq).collect();
            let shown = chat.last_message.as_ref().map(|message| (message.seq, message.time <= chat.last_time));
            let is_whole = seqs.iter().copied().eq(1..=last)
                && chat.last_seq == last
                && shown == Some((last, true))
                && listed == members
                && chats.get(chat.chat.as_str()) == Some(&members);
            if !is_whole {
                let (chat, seq) = (&chat.chat, chat.last_seq);
                broken.push(format!(
                    "{user} is served {chat} of {listed:?} up to {seq}, shown {shown:?}, with the messages {seqs:?}; \
                     it has {last} and the members {members:?}"
                ));
            }
        }
    }
    broken
}
