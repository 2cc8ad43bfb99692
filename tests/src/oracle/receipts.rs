//! What is promised of receipts.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Included},
};

use super::{Evidence, Line, ServedChat, Watermarks};

/// Whoever has read something has it, and nobody has what isn't there.
pub(super) fn are_in_bounds(evidence: &Evidence) -> Vec<String> {
    let last_seqs = evidence.last_seqs();
    let last_of = |chat: &str| last_seqs.get(chat).copied().unwrap_or_default();
    let mut all: Vec<(&str, u64, &Watermarks)> = Vec::new();
    for (_, line) in evidence.lines() {
        match line {
            Line::Receipt { chat, watermarks } => all.push((chat, last_of(chat), watermarks)),
            Line::Receipts { chat, last_seq, members, .. } => {
                all.extend(members.iter().map(|member| (chat.as_str(), *last_seq, member)));
            }
            _ => {}
        }
    }
    for (_, chat) in evidence.served_chats() {
        all.extend(chat.members.iter().map(|member| (chat.chat.as_str(), chat.last_seq, member)));
    }
    let is_in_bounds = |last: u64, of: &Watermarks| of.read <= of.delivered && of.delivered <= last;
    let outside = all.into_iter().filter(|(_, last, watermarks)| !is_in_bounds(*last, watermarks));
    outside.map(|(chat, last, watermarks)| format!("{watermarks:?} in {chat}, whose last message is {last}")).collect()
}

/// Watermarks rise: every one that is pushed to a device is news, no answer lies below an earlier one, and none of what
/// was told is taken back in the end.
pub(super) fn never_go_back(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let mut highest: BTreeMap<(&str, &str), Watermarks> = BTreeMap::new();
    for transcript in &evidence.transcripts {
        let (mut pushed, mut answered) = (BTreeMap::new(), BTreeMap::new());
        for line in &transcript.lines {
            let (chat, all, last, is_push) = match line {
                Line::Receipt { chat, watermarks } => (chat, std::slice::from_ref(watermarks), &mut pushed, true),
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

/// In the end all members are served the same watermarks.
pub(super) fn are_served_alike(evidence: &Evidence) -> Vec<String> {
    let mut first: BTreeMap<&str, (&str, &ServedChat)> = BTreeMap::new();
    let mut broken = Vec::new();
    for (user, chat) in evidence.served_chats() {
        let (other, theirs) = *first.entry(&chat.chat).or_insert((user, chat));
        if theirs.members != chat.members {
            let (of, members, others) = (&chat.chat, &chat.members, &theirs.members);
            broken.push(format!("{user} is served {members:?} in {of}, and {other} {others:?}"));
        }
    }
    broken
}

/// In the end delivered is the last message of others that a device of the user has, or what the user has read.
pub(super) fn delivered_is_exact(evidence: &Evidence) -> Vec<String> {
    let mut arrived: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (transcript, line) in evidence.lines() {
        if let Line::Message(message) = line
            && message.from != transcript.user
        {
            let seq = arrived.entry((&message.chat, &transcript.user)).or_default();
            *seq = message.seq.max(*seq);
        }
    }
    let mut broken = Vec::new();
    for (user, chat) in evidence.served_chats() {
        for member in &chat.members {
            let arrived = arrived.get(&(chat.chat.as_str(), member.user.as_str())).copied().unwrap_or_default();
            if member.delivered != arrived.max(member.read) {
                broken.push(format!("{user} is served {member:?} in {}, and {arrived} arrived there", chat.chat));
            }
        }
    }
    broken
}

/// In the end read is the highest that the user has opened. An opening that a killed client was told of may be lost.
pub(super) fn read_is_exact(evidence: &Evidence) -> Vec<String> {
    let mut opened: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    let mut must: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for transcript in &evidence.transcripts {
        for life in transcript.lives() {
            let was_killed = matches!(life.last(), Some(Line::Ended { killed: true }));
            for line in life {
                let Line::Reading { chat, seq } = line else { continue };
                let key = (chat.as_str(), transcript.user.as_str());
                opened.entry(key).or_default().push(*seq);
                if !was_killed {
                    let least = must.entry(key).or_default();
                    *least = (*seq).max(*least);
                }
            }
        }
    }
    let mut broken = Vec::new();
    for (user, chat) in evidence.served_chats() {
        for member in &chat.members {
            let key = (chat.chat.as_str(), member.user.as_str());
            let least = must.get(&key).copied().unwrap_or_default();
            let was_opened = member.read == 0 || opened.get(&key).is_some_and(|opened| opened.contains(&member.read));
            if !was_opened || member.read < least {
                broken.push(format!("{user} is served {member:?} in {}, opened was {least}", chat.chat));
            }
        }
    }
    broken
}

/// Unread is the number of messages of others above what the user has read, whenever it is told.
pub(super) fn unread_is_exact(evidence: &Evidence) -> Vec<String> {
    let messages = evidence.messages();
    let mut broken = Vec::new();
    let mut check = |user: &str, chat: &str, last: u64, members: &[Watermarks], told: u64| {
        let read = members.iter().find(|member| member.user == user).map_or(0, |member| member.read);
        let above = messages.range((Excluded((chat, read.min(last))), Included((chat, last))));
        let unread = above.filter(|(_, message)| message.from != user).count() as u64;
        if told != unread {
            broken.push(format!("{user} was told of {told} in {chat}, read up to {read} of {last}: it is {unread}"));
        }
    };
    for (transcript, line) in evidence.lines() {
        if let Line::Receipts { chat, last_seq, unread, members } = line {
            check(&transcript.user, chat, *last_seq, members, *unread);
        }
    }
    for (user, chat) in evidence.served_chats() {
        check(user, &chat.chat, chat.last_seq, &chat.members, chat.unread);
    }
    broken
}
