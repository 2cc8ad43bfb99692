//! What is known of a run, and how promises look things up in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    InLog, InboxPlace, InboxReading, Line, Repeated, Replayed, Served, ServedChat, ServedGroup, StoredChat, Transcript,
    Unwritten,
};

/// What is known of a run. What devices saw and were served is seen from outside. The rest can only be told by whoever
/// has the whole system in hand; where it is empty, nothing is judged by it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// What every device saw. A device is there from before the first message, or joins, to the end.
    pub transcripts: Vec<Transcript>,
    /// What every user was served at the end; may leave users out.
    pub served: Vec<Served>,
    /// In which order the lines of all transcripts were written: each is the next line of the transcript with this
    /// index. Empty when that isn't known, as when devices write at the same time.
    pub order: Vec<usize>,
    /// The chats as the store had them, in one go, when the histories were asked for: those in which something has
    /// happened.
    pub chats: Vec<StoredChat>,
    /// Inboxes as the store had them at some moments, in the order in which they were read: each while the server
    /// served, since behind a crash rows come back that the store had lost, and the last one at the end. If there is
    /// any, then there is one of every member of a chat. No row may expire in between.
    pub inboxes: Vec<InboxReading>,
    /// What deciding all commands again from the first gives, for every chat that there is a command of. Taken at the
    /// end, as are [`Self::chats`] and the last readings of [`Self::inboxes`].
    pub replayed: Vec<Replayed>,
    /// The messages that could not be written at once, as far as their senders may not have been told.
    pub unwritten: Vec<Unwritten>,
    /// What was asked of groups, or to be done to messages, more than once.
    pub asked_again: Vec<InLog>,
    /// What was pushed when the inbox had no row of it.
    pub pushed_without_row: Vec<InboxPlace>,
    /// What those are told who sent a message again.
    pub repeats: Vec<Repeated>,
    /// For how many milliseconds a message may be edited; none when that isn't known.
    pub edit_within_ms: Option<u64>,
    /// For how many it may be deleted.
    pub delete_within_ms: Option<u64>,
}

impl Evidence {
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&Transcript, &Line)> {
        self.transcripts.iter().flat_map(|transcript| transcript.lines.iter().map(move |line| (transcript, line)))
    }

    pub(crate) fn served_chats(&self) -> impl Iterator<Item = (&str, &ServedChat)> {
        self.served.iter().flat_map(|served| served.chats.iter().map(|chat| (served.user.as_str(), chat)))
    }

    pub(crate) fn served_groups(&self) -> impl Iterator<Item = (&str, &ServedGroup)> {
        self.served.iter().flat_map(|served| served.groups.iter().map(|group| (served.user.as_str(), group)))
    }

    /// The chats and their two members: who wrote there, and to whom.
    pub(crate) fn members(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut chats: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (transcript, line) in self.lines() {
            if let Line::Sending { to, chat, .. } = line {
                chats.entry(chat).or_default().extend([transcript.user.as_str(), to.as_str()]);
            }
        }
        chats
    }

    /// The text of each message that a client took: by device, chat and id.
    pub(crate) fn texts(&self) -> BTreeMap<(&str, &str, &str, u64), &str> {
        let mut texts = BTreeMap::new();
        for (transcript, line) in self.lines() {
            if let Line::Send { chat, id, text } = line {
                texts.insert((transcript.user.as_str(), transcript.device.as_str(), chat.as_str(), *id), text.as_str());
            }
        }
        texts
    }
}
