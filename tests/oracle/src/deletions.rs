//! What is deleted, and since when somebody knows.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Act, Change, Changed, Evidence, InGroup, Line, Message, Transcript, group::fold::What};

/// Messages that are deleted: by chat and seq.
pub(crate) type Deleted<'a> = BTreeSet<(&'a str, u64)>;

/// What was asked: by chat, user, device and id.
type Asked<'a> = (&'a str, &'a str, &'a str, u64);

/// Follows what is told of deletions, line by line.
pub(crate) struct Told<'a> {
    /// Which message an asking has deleted.
    by_asking: BTreeMap<Asked<'a>, u64>,
    /// What somebody was told to be deleted.
    pub(crate) deleted: Deleted<'a>,
}

impl<'a> Told<'a> {
    /// Nobody was told of anything.
    pub(crate) fn nothing(evidence: &'a Evidence) -> Self {
        let mut by_asking = BTreeMap::new();
        for chat in &evidence.chats {
            for event in &chat.events {
                if let crate::Happened::Changed { by, device, id, change, .. } = &event.what
                    && let Change::Acted { seq, act: Act::Deleted } = change
                {
                    by_asking.insert((chat.chat.as_str(), by.as_str(), device.as_str(), *id), *seq);
                }
            }
        }
        Self { by_asking, deleted: Deleted::new() }
    }

    /// A device writes a line.
    pub(crate) fn look_at(&mut self, transcript: &'a Transcript, line: &'a Line) {
        match line {
            Line::Group(InGroup::Changed(changed)) => self.deleted.extend(deleted(changed)),
            Line::Group(InGroup::Done { chat, id, .. }) => {
                let asked = (chat.as_str(), transcript.user.as_str(), transcript.device.as_str(), *id);
                self.deleted.extend(self.by_asking.get(&asked).map(|seq| (chat.as_str(), *seq)));
            }
            Line::Group(InGroup::Shown { messages, .. }) => self.deleted.extend(gone(messages)),
            _ => {}
        }
    }
}

impl Evidence {
    /// All messages that are deleted in the end, as far as anybody tells.
    pub(crate) fn deleted(&self) -> Deleted<'_> {
        let mut all = Told::nothing(self);
        self.lines().for_each(|(transcript, line)| all.look_at(transcript, line));
        let mut all = all.deleted;
        for (_, chat) in self.served_chats() {
            all.extend(gone(&chat.messages));
        }
        for (_, group) in self.served_groups() {
            all.extend(gone(&group.messages));
        }
        for fold in self.all_folds() {
            all.extend(fold.things.iter().filter_map(|thing| match thing.what {
                What::Change { change: Change::Acted { seq, act: Act::Deleted }, .. } => Some((fold.chat, *seq)),
                _ => None,
            }));
        }
        all
    }

    /// The answers to questions for watermarks, each with what somebody had been told to be deleted when the session
    /// that it came in began; that is nothing when the order of all lines isn't known.
    pub(crate) fn answers(&self) -> Vec<(&Transcript, &Line, Deleted<'_>)> {
        let is_answer = |line: &Line| matches!(line, Line::Receipts { .. } | Line::Group(InGroup::Receipts { .. }));
        if self.order.is_empty() || !self.is_order_whole() {
            let answers = self.lines().filter(|(_, line)| is_answer(line));
            return answers.map(|(transcript, line)| (transcript, line, Deleted::new())).collect();
        }
        let (mut told, mut answers) = (Told::nothing(self), Vec::new());
        let mut began: BTreeMap<(&str, &str), Deleted<'_>> = BTreeMap::new();
        for (transcript, line) in self.in_order() {
            let device = (transcript.user.as_str(), transcript.device.as_str());
            if matches!(line, Line::Connected { .. }) {
                began.insert(device, told.deleted.clone());
            }
            if is_answer(line) {
                answers.push((transcript, line, began.get(&device).cloned().unwrap_or_default()));
            }
            told.look_at(transcript, line);
        }
        answers
    }
}

fn deleted(changed: &Changed) -> Option<(&str, u64)> {
    match changed.change {
        Change::Acted { seq, act: Act::Deleted } => Some((&changed.chat, seq)),
        _ => None,
    }
}

fn gone(messages: &[Message]) -> impl Iterator<Item = (&str, u64)> {
    let gone = messages.iter().filter(|message| message.became.deleted.is_some());
    gone.map(|message| (message.chat.as_str(), message.seq))
}
