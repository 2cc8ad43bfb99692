//! What is promised of messages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Line, Transcript};

/// What a client took is accepted, or refused and then in nobody's chat.
pub(super) fn every_send_has_one_outcome(evidence: &Evidence) -> Vec<String> {
    let (mut accepted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for (transcript, line) in evidence.lines() {
        let (user, device) = (transcript.user.as_str(), transcript.device.as_str());
        match line {
            Line::Sent { chat, id, .. } => drop(accepted.insert((user, device, chat.as_str(), *id))),
            Line::Failed { chat: Some(chat), id: Some(id), retry: false, .. } => {
                refused.insert((user, device, chat.as_str(), *id));
            }
            _ => {}
        }
    }
    let seen: BTreeSet<_> =
        evidence.messages().values().map(|told| (told.from, told.device, told.chat, told.id)).collect();
    let mut broken = Vec::new();
    for ((user, device, chat, id), text) in evidence.texts() {
        let send = (user, device, chat, id);
        let what = match (accepted.contains(&send), refused.contains(&send)) {
            (false, false) => "has no outcome",
            (true, true) => "was accepted and refused",
            (false, true) if seen.contains(&send) => "was refused and is there",
            _ => continue,
        };
        broken.push(format!("{text:?} of {user} on {device} in {chat} with id {id} {what}"));
    }
    broken
}

/// Every message was sent by whom it is said to be from, and says what was sent.
pub(super) fn nothing_is_made_up(evidence: &Evidence) -> Vec<String> {
    let mut sent = BTreeMap::new();
    for (transcript, line) in evidence.lines() {
        let (user, device) = (transcript.user.as_str(), transcript.device.as_str());
        match line {
            Line::Sending { chat, text, .. } => {
                sent.entry((user, device, chat.as_str(), text.as_str())).or_insert(None);
            }
            Line::Send { chat, id, text } => {
                sent.insert((user, device, chat.as_str(), text.as_str()), Some(*id));
            }
            _ => {}
        }
    }
    let is_sent = |told: &super::Told<'_>| match told.text {
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

/// However often something had to be sent again, it is there once.
pub(super) fn no_text_is_there_twice(evidence: &Evidence) -> Vec<String> {
    let mut places: BTreeMap<(String, &str), BTreeSet<(&str, u64)>> = BTreeMap::new();
    for told in evidence.told() {
        if let Some(text) = told.text {
            places.entry((told.teller, text)).or_default().insert((told.chat, told.seq));
        }
    }
    let twice = places.into_iter().filter(|(_, places)| places.len() > 1);
    twice.map(|((teller, text), places)| format!("{teller} has {text:?} at {places:?}")).collect()
}

/// A device sees the messages of a chat one after the other: none is left out, and none comes again, but for those that
/// a killed client saw last.
pub(super) fn devices_see_a_chat_in_order(evidence: &Evidence) -> Vec<String> {
    evidence.transcripts.iter().flat_map(out_of_order).collect()
}

fn out_of_order(transcript: &Transcript) -> Vec<String> {
    // Per chat, the last message that was seen, and whether the next may lie below it.
    let mut seen: BTreeMap<&str, (u64, bool)> = BTreeMap::new();
    let mut broken = Vec::new();
    for line in &transcript.lines {
        let (chat, seq) = match line {
            Line::Ended { killed: true } => {
                seen.values_mut().for_each(|(_, may_repeat)| *may_repeat = true);
                continue;
            }
            Line::Message(message) => (message.chat.as_str(), message.seq),
            Line::Sent { chat, seq, repeated: false, .. } => (chat.as_str(), *seq),
            _ => continue,
        };
        let (last, may_repeat) = seen.get(chat).copied().unwrap_or_default();
        if seq != last + 1 && !(may_repeat && (1..=last).contains(&seq)) {
            let (device, user) = (&transcript.device, &transcript.user);
            broken.push(format!("device {device} of {user} saw message {seq} of {chat} after {last}"));
        }
        seen.insert(chat, (seq, false));
    }
    broken
}

/// Whoever tells of a message tells the same.
pub(super) fn all_agree_on_every_message(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages();
    let mut broken = Vec::new();
    for told in evidence.told() {
        if let Some(first) = messages.get(&(told.chat, told.seq))
            && !first.agrees_with(&told)
        {
            broken.push(format!("message {} of {} is {first} and {told}", told.seq, told.chat));
        }
    }
    broken
}

/// Every message is on every device of every member.
pub(super) fn all_have_everything(evidence: &Evidence) -> Vec<String> {
    let (chats, last_seqs) = (evidence.chats(), evidence.last_seqs());
    let mut broken = Vec::new();
    for transcript in &evidence.transcripts {
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        for line in &transcript.lines {
            let (chat, seq) = match line {
                Line::Message(message) => (message.chat.as_str(), message.seq),
                Line::Sent { chat, seq, .. } => (chat.as_str(), *seq),
                _ => continue,
            };
            let last = seen.entry(chat).or_default();
            *last = seq.max(*last);
        }
        for (chat, last) in &last_seqs {
            let is_member = chats.get(chat).is_some_and(|members| members.contains(transcript.user.as_str()));
            let has = seen.get(chat).copied().unwrap_or_default();
            if is_member && has < *last {
                let (device, user) = (&transcript.device, &transcript.user);
                broken.push(format!("device {device} of {user} has {has} of the {last} messages of {chat}"));
            }
        }
    }
    broken
}

/// What a device sends in a chat comes in the order in which it was sent.
pub(super) fn a_devices_messages_keep_their_order(evidence: &Evidence) -> Vec<String> {
    let mut last: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for ((chat, seq), told) in evidence.messages() {
        let last = last.entry((chat, told.from, told.device)).or_default();
        if told.id < *last {
            broken.push(format!("message {seq} of {chat} comes behind id {last} and is {told}"));
        }
        *last = told.id.max(*last);
    }
    broken
}

/// Time goes on with the messages of a chat.
pub(super) fn time_never_goes_back(evidence: &Evidence) -> Vec<String> {
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for ((chat, seq), told) in evidence.messages() {
        let last = last.entry(chat).or_default();
        if told.time < *last {
            broken.push(format!("message {seq} of {chat} has the time {} behind {last}", told.time));
        }
        *last = told.time;
    }
    broken
}

/// A user is served every chat with a message in it that they are a member of, with all of its messages.
pub(super) fn the_history_is_whole(evidence: &Evidence) -> Vec<String> {
    let (chats, last_seqs) = (evidence.chats(), evidence.last_seqs());
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
