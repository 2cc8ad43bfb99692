//! What anybody tells of messages.

use std::{collections::BTreeMap, fmt};

use crate::{Evidence, Line, Message};

/// A place in a chat.
type Place<'a> = (&'a str, u64);

impl Evidence {
    /// What each message is, as whoever tells of it first tells it.
    pub(crate) fn messages(&self) -> BTreeMap<Place<'_>, Told<'_>> {
        let mut messages = BTreeMap::new();
        for told in self.told() {
            messages.entry((told.chat, told.seq)).or_insert(told);
        }
        messages
    }

    /// Everything that anybody tells of a message: devices that got it, the device that sent it, and histories.
    pub(crate) fn told(&self) -> Vec<Told<'_>> {
        let mut told = self.seen();
        for (user, chat) in self.served_chats() {
            let shown = chat.messages.iter().chain(&chat.last_message);
            told.extend(shown.map(|message| Told::of(format!("the history of {user}"), message)));
        }
        told
    }

    /// What devices tell of messages.
    pub(crate) fn seen(&self) -> Vec<Told<'_>> {
        let texts = self.texts();
        let mut told = Vec::new();
        for (transcript, line) in self.lines() {
            let teller = || format!("device {} of {}", transcript.device, transcript.user);
            match line {
                Line::Message(message) => told.push(Told::of(teller(), message)),
                Line::Sent { chat, id, seq, time, .. } => {
                    let (from, device) = (transcript.user.as_str(), transcript.device.as_str());
                    let text = texts.get(&(from, device, chat.as_str(), *id)).copied();
                    let (seq, id, time) = (*seq, *id, *time);
                    told.push(Told { teller: teller(), chat, seq, from, device, id, text, edited_to: None, time });
                }
                _ => {}
            }
        }
        told
    }

    /// The last message of each chat that anybody tells of.
    pub(crate) fn last_seqs(&self) -> BTreeMap<&str, u64> {
        let mut last = BTreeMap::new();
        for told in self.told() {
            let seq = last.entry(told.chat).or_default();
            *seq = told.seq.max(*seq);
        }
        last
    }
}

/// What somebody tells of a message.
#[derive(Debug, Clone)]
pub(crate) struct Told<'a> {
    pub(crate) teller: String,
    pub(crate) chat: &'a str,
    pub(crate) seq: u64,
    pub(crate) from: &'a str,
    pub(crate) device: &'a str,
    pub(crate) id: u64,
    /// What it was written with. None when a device sent it whose client was killed before it said that it had taken
    /// it, and when it says something else since.
    pub(crate) text: Option<&'a str>,
    /// What it says since it was edited.
    pub(crate) edited_to: Option<&'a str>,
    pub(crate) time: u64,
}

impl<'a> Told<'a> {
    pub(crate) fn of(teller: String, message: &'a Message) -> Self {
        let Message { chat, seq, from, device, id, text, time, became } = message;
        let edited_to = became.edited.map(|_| text.as_str());
        let text = became.is_as_written().then_some(text.as_str());
        Self { teller, chat, seq: *seq, from, device, id: *id, text, edited_to, time: *time }
    }

    pub(crate) fn served(message: &'a Message) -> Self {
        Self::of("served".to_owned(), message)
    }

    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let same_text = self.text.is_none() || other.text.is_none() || self.text == other.text;
        same_text && (self.from, self.device, self.id, self.time) == (other.from, other.device, other.id, other.time)
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { teller, from, device, id, text, edited_to, time, .. } = self;
        let text = text.or(*edited_to).unwrap_or("(not known)");
        write!(f, "{text:?} from {from} on {device} with id {id} at {time} ({teller})")
    }
}
