//! What is promised of messages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Line, Transcript};

/// What a client took is accepted or refused.
pub(super) fn every_send_has_an_outcome(evidence: &Evidence) -> Vec<String> {
    let (accepted, refused) = outcomes(evidence);
    let texts = evidence.texts();
    let open = texts.into_iter().filter(|(send, _)| !accepted.contains(send) && !refused.contains(send));
    open.map(|((user, device, chat, id), text)| format!("{text:?} of {user} on {device} in {chat} with id {id}"))
        .collect()
}

/// What was refused was not accepted and is in nobody's chat; and no client is told the outcome of what it took twice.
pub(super) fn no_send_has_two_outcomes(evidence: &Evidence) -> Vec<String> {
    let (accepted, refused) = outcomes(evidence);
    let seen: BTreeSet<Send<'_>> =
        evidence.messages().values().map(|told| (told.from, told.device, told.chat, told.id)).collect();
    let mut broken = Vec::new();
    for send in refused {
        if accepted.contains(&send) || seen.contains(&send) {
            broken.push(format!("{send:?} was refused and is there"));
        }
    }
    for transcript in &evidence.transcripts {
        for life in transcript.lives() {
            let taken: BTreeSet<_> = life.iter().filter_map(taken).collect();
            let mut told = BTreeSet::new();
            for send in life.iter().filter_map(outcome).filter(|send| taken.contains(send)) {
                if !told.insert(send) {
                    broken.push(format!(
                        "{} on {} was told the outcome of {send:?} twice",
                        transcript.user, transcript.device
                    ));
                }
            }
        }
    }
    broken
}

/// A message, by what its sender calls it: the user, the device, the chat and the id.
type Send<'a> = (&'a str, &'a str, &'a str, u64);

/// What was accepted, and what was refused.
fn outcomes(evidence: &Evidence) -> (BTreeSet<Send<'_>>, BTreeSet<Send<'_>>) {
    let (mut accepted, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for (transcript, line) in evidence.lines() {
        let Some((chat, id)) = outcome(line) else { continue };
        let all = if matches!(line, Line::Sent { .. }) { &mut accepted } else { &mut refused };
        all.insert((transcript.user.as_str(), transcript.device.as_str(), chat, id));
    }
    (accepted, refused)
}

fn outcome(line: &Line) -> Option<(&str, u64)> {
    match line {
        Line::Sent { chat, id, .. } | Line::Failed { chat: Some(chat), id: Some(id), retry: false, .. } => {
            Some((chat, *id))
        }
        _ => None,
    }
}

fn taken(line: &Line) -> Option<(&str, u64)> {
    match line {
        Line::Send { chat, id, .. } => Some((chat, *id)),
        _ => None,
    }
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
        // What can't be opened any more says nothing, wherever it is.
        if let Some(text) = told.text.filter(|text| !text.is_empty()) {
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
            Line::Joins { chat, seq } => {
                seen.insert(chat, (*seq, false));
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
                Line::Sent { chat, seq, .. } | Line::Joins { chat, seq } => (chat.as_str(), *seq),
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

/// What a device sends in a chat comes in the order in which it was sent. Only what a full disk has refused for a while
/// may come behind a later one, which was under way by then.
pub(super) fn a_devices_messages_keep_their_order(evidence: &Evidence) -> Vec<String> {
    let mut had_no_room: BTreeSet<Send<'_>> = BTreeSet::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Failed { chat: Some(chat), id: Some(id), code, retry: true } = line
            && code == "disk_full"
        {
            had_no_room.insert((transcript.user.as_str(), transcript.device.as_str(), chat, *id));
        }
    }
    let mut last: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for ((chat, seq), told) in evidence.messages() {
        let last = last.entry((chat, told.from, told.device)).or_default();
        if told.id < *last && !had_no_room.contains(&(told.from, told.device, chat, told.id)) {
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
