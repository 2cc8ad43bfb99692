//! Judges a run by what was seen from outside. It shares no code with the system: it knows texts and numbers, and what
//! was promised.
//!
//! Every promise is a function of its own; what breaks one is told in words.

mod histories;
mod messages;
mod receipts;
mod sessions;
#[cfg(test)]
mod tests;
mod transcript;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

pub use transcript::{Line, Message, Served, ServedChat, Transcript, Watermarks};

/// The most violations of one promise that are told; the first ones say what the others only repeat.
const TOLD_MAX: usize = 10;

/// What was seen from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What every device saw. A device is there from before the first message, or joins, to the end.
    pub transcripts: Vec<Transcript>,
    /// What every user was served at the end; may leave users out.
    pub served: Vec<Served>,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub promise: &'static str,
    /// By what.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.what)
    }
}

/// What was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("promises were broken:{}", .0.iter().map(|violation| format!("\n  {violation}")).collect::<String>())]
pub struct Broken(pub Vec<Violation>);

type Judge = fn(&Evidence) -> Vec<String>;

const PROMISES: &[(&str, Judge)] = &[
    ("sessions resume", sessions::resume),
    ("only messages are refused", sessions::only_messages_are_refused),
    ("frames are documented", sessions::frames_are_documented),
    ("every send has an outcome", messages::every_send_has_an_outcome),
    ("no send has two outcomes", messages::no_send_has_two_outcomes),
    ("nothing is made up", messages::nothing_is_made_up),
    ("no text is there twice", messages::no_text_is_there_twice),
    ("devices see a chat in order", messages::devices_see_a_chat_in_order),
    ("all agree on every message", messages::all_agree_on_every_message),
    ("all members' devices have everything", messages::all_have_everything),
    ("a device's messages keep their order", messages::a_devices_messages_keep_their_order),
    ("a chat's time never goes back", messages::time_never_goes_back),
    ("the history is whole", histories::the_history_is_whole),
    ("read ≤ delivered ≤ last", receipts::are_in_bounds),
    ("receipts never go back", receipts::never_go_back),
    ("all are served the same receipts", receipts::are_served_alike),
    ("delivered is exact", receipts::delivered_is_exact),
    ("read is exact", receipts::read_is_exact),
    ("unread is exact", receipts::unread_is_exact),
];

/// What must hold at any time, when the transcripts were taken before the histories were asked for.
const PROMISES_AT_ANY_TIME: &[(&str, Judge)] = &[
    ("sessions resume", sessions::resume),
    ("only messages are refused", sessions::only_messages_are_refused),
    ("frames are documented", sessions::frames_are_documented),
    ("no send has two outcomes", messages::no_send_has_two_outcomes),
    ("no text is there twice", messages::no_text_is_there_twice),
    ("devices see a chat in order", messages::devices_see_a_chat_in_order),
    ("all agree on every message", messages::all_agree_on_every_message),
    ("a device's messages keep their order", messages::a_devices_messages_keep_their_order),
    ("a chat's time never goes back", messages::time_never_goes_back),
    ("what was seen is served", histories::what_was_seen_is_served),
    ("receipts never go back", receipts::never_go_back),
];

/// Judges a run that is over: all devices have everything.
///
/// # Errors
/// When a promise was broken.
pub fn judge(evidence: &Evidence) -> Result<(), Broken> {
    hold(PROMISES, evidence)
}

/// Judges a run that goes on.
///
/// # Errors
/// When a promise was broken.
pub fn judge_so_far(evidence: &Evidence) -> Result<(), Broken> {
    hold(PROMISES_AT_ANY_TIME, evidence)
}

fn hold(promises: &[(&'static str, Judge)], evidence: &Evidence) -> Result<(), Broken> {
    let mut violations = Vec::new();
    for (promise, judge) in promises {
        violations.extend(judge(evidence).into_iter().take(TOLD_MAX).map(|what| Violation { promise, what }));
    }
    if violations.is_empty() { Ok(()) } else { Err(Broken(violations)) }
}

/// A place in a chat.
type Place<'a> = (&'a str, u64);

impl Evidence {
    fn lines(&self) -> impl Iterator<Item = (&Transcript, &Line)> {
        self.transcripts.iter().flat_map(|transcript| transcript.lines.iter().map(move |line| (transcript, line)))
    }

    fn served_chats(&self) -> impl Iterator<Item = (&str, &ServedChat)> {
        self.served.iter().flat_map(|served| served.chats.iter().map(|chat| (served.user.as_str(), chat)))
    }

    /// The chats and their two members: who wrote there, and to whom.
    fn chats(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut chats: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (transcript, line) in self.lines() {
            if let Line::Sending { to, chat, .. } = line {
                chats.entry(chat).or_default().extend([transcript.user.as_str(), to.as_str()]);
            }
        }
        chats
    }

    /// The text of each message that a client took: by device, chat and id.
    fn texts(&self) -> BTreeMap<(&str, &str, &str, u64), &str> {
        let mut texts = BTreeMap::new();
        for (transcript, line) in self.lines() {
            if let Line::Send { chat, id, text } = line {
                texts.insert((transcript.user.as_str(), transcript.device.as_str(), chat.as_str(), *id), text.as_str());
            }
        }
        texts
    }

    /// What each message is, as whoever tells of it first tells it.
    fn messages(&self) -> BTreeMap<Place<'_>, Told<'_>> {
        let mut messages = BTreeMap::new();
        for told in self.told() {
            messages.entry((told.chat, told.seq)).or_insert(told);
        }
        messages
    }

    /// Everything that anybody tells of a message: devices that got it, the device that sent it, and histories.
    fn told(&self) -> Vec<Told<'_>> {
        let mut told = self.seen();
        for (user, chat) in self.served_chats() {
            let shown = chat.messages.iter().chain(&chat.last_message);
            told.extend(shown.map(|message| Told::of(format!("the history of {user}"), message)));
        }
        told
    }

    /// What devices tell of messages.
    fn seen(&self) -> Vec<Told<'_>> {
        let texts = self.texts();
        let mut told = Vec::new();
        for (transcript, line) in self.lines() {
            let teller = || format!("device {} of {}", transcript.device, transcript.user);
            match line {
                Line::Message(message) => told.push(Told::of(teller(), message)),
                Line::Sent { chat, id, seq, time, .. } => {
                    let (from, device) = (transcript.user.as_str(), transcript.device.as_str());
                    let text = texts.get(&(from, device, chat.as_str(), *id)).copied();
                    told.push(Told { teller: teller(), chat, seq: *seq, from, device, id: *id, text, time: *time });
                }
                _ => {}
            }
        }
        told
    }

    /// The last message of each chat that anybody tells of.
    fn last_seqs(&self) -> BTreeMap<&str, u64> {
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
struct Told<'a> {
    teller: String,
    chat: &'a str,
    seq: u64,
    from: &'a str,
    device: &'a str,
    id: u64,
    /// None when a device sent it whose client was killed before it said that it had taken it.
    text: Option<&'a str>,
    time: u64,
}

impl<'a> Told<'a> {
    fn of(teller: String, message: &'a Message) -> Self {
        let Message { chat, seq, from, device, id, text, time } = message;
        Self { teller, chat, seq: *seq, from, device, id: *id, text: Some(text), time: *time }
    }

    fn agrees_with(&self, other: &Self) -> bool {
        let same_text = self.text.is_none() || other.text.is_none() || self.text == other.text;
        same_text && (self.from, self.device, self.id, self.time) == (other.from, other.device, other.id, other.time)
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { teller, from, device, id, text, time, .. } = self;
        let text = text.unwrap_or("(not known)");
        write!(f, "{text:?} from {from} on {device} with id {id} at {time} ({teller})")
    }
}
