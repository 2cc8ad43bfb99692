//! What devices did and saw, in the order of the whole run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chasqui_oracle::{InGroup, Line, Others, Transcript, Watermarks};
use parking_lot::Mutex;

use crate::{device::MAKES, evidence::Member, trace::Trace};

/// What all devices write down. Clones are the same journal.
#[derive(Clone)]
pub(crate) struct Journal {
    inner: Arc<Mutex<Inner>>,
    trace: Trace,
}

#[derive(Default)]
struct Inner {
    transcripts: Vec<Transcript>,
    /// Which transcript each line went to.
    order: Vec<usize>,
    views: Vec<View>,
}

/// What a device has come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The last message seen in each chat.
    pub(crate) seen: BTreeMap<String, u64>,
    /// What was taken and has no outcome.
    pub(crate) open: BTreeSet<(String, u64)>,
    /// Likewise of groups and of what is done to messages, by the app that runs: one that ended may have lost a refusal
    /// that is in no inbox.
    pub(crate) open_in_groups: BTreeSet<(String, u64)>,
    /// What has one. A device that stands still may be told before its app has written down that it was taken.
    settled: BTreeSet<(String, u64)>,
    /// How far chats were opened, by apps that were not killed.
    opened: BTreeMap<String, u64>,
    /// How far by the app that runs.
    opening: BTreeMap<String, u64>,
    /// Its own last message in each chat, and how far it was told others are.
    pub(crate) own: BTreeMap<String, u64>,
    told: BTreeMap<(String, String), (u64, u64)>,
    /// How far it was told that all others of a group are.
    told_of_all: BTreeMap<String, (u64, u64)>,
    /// The changes that it has seen: the chat, and the user, the device and the id; none of its own device.
    changes: BTreeSet<Change>,
    /// The groups that it has asked for.
    pub(crate) has_made: BTreeSet<String>,
    /// Whether it has everything that it knows of.
    pub(crate) is_caught_up: bool,
}

/// The chat, the user and the device, and the id.
type Change = (String, Option<(String, String)>, u64);

impl Journal {
    /// An empty journal.
    #[must_use]
    pub(crate) fn new(trace: Trace) -> Self {
        Self { inner: Arc::default(), trace }
    }

    /// Begins the transcript of a device; gives its index.
    pub(crate) fn begin(&self, user: &str, device: &str) -> usize {
        let mut inner = self.inner.lock();
        inner.transcripts.push(Transcript { user: user.to_owned(), device: device.to_owned(), lines: Vec::new() });
        inner.views.push(View::default());
        inner.transcripts.len() - 1
    }

    /// Writes a line.
    pub(crate) fn note(&self, device: usize, line: Line) {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let (transcript, view) = (&mut inner.transcripts[device], &mut inner.views[device]);
        self.trace.note(|| format!("{}/{}: {line:?}", transcript.user, transcript.device));
        view.look_at(&line);
        transcript.lines.push(line);
        inner.order.push(device);
    }

    /// What a device has come to.
    #[must_use]
    pub(crate) fn view(&self, device: usize) -> View {
        self.inner.lock().views[device].clone()
    }

    /// Everything, and in which order.
    #[must_use]
    pub(crate) fn take(&self) -> (Vec<Transcript>, Vec<usize>) {
        let mut inner = self.inner.lock();
        (std::mem::take(&mut inner.transcripts), std::mem::take(&mut inner.order))
    }
}

impl View {
    /// Whether it was told how far somebody is with its own messages.
    pub(crate) fn is_told(&self, chat: &str, user: &str, member: &Member) -> bool {
        let own = self.own.get(chat).copied().unwrap_or_default();
        let (delivered, read) = self.told.get(&(chat.to_owned(), user.to_owned())).copied().unwrap_or_default();
        delivered >= member.delivered.0.min(own) && read >= member.read.0.min(own)
    }

    /// Whether it was told that all others of a group are so far.
    pub(crate) fn is_told_of_all(&self, chat: &str, delivered: u64, read: u64) -> bool {
        let told = self.told_of_all.get(chat).copied().unwrap_or_default();
        told.0 >= delivered && told.1 >= read
    }

    /// Whether it was told of a group.
    pub(crate) fn knows(&self, chat: &str) -> bool {
        self.changes.iter().any(|(of, ..)| of == chat)
    }

    /// Whether it has seen a change; by whom and on which device, unless it was itself.
    pub(crate) fn has_change(&self, chat: &str, by: Option<(&str, &str)>, id: u64) -> bool {
        let by = by.map(|(user, device)| (user.to_owned(), device.to_owned()));
        self.changes.contains(&(chat.to_owned(), by, id))
    }

    fn look_at_group(&mut self, line: &InGroup) {
        if let InGroup::Asked { chat, what, .. } = line
            && what == MAKES
        {
            self.has_made.insert(chat.clone());
        }
        if let InGroup::Asked { chat, id, .. } = line
            && !self.settled.contains(&(chat.clone(), *id))
        {
            self.open_in_groups.insert((chat.clone(), *id));
        }
        let mut settle = |chat: &String, id: u64| {
            self.open_in_groups.remove(&(chat.clone(), id));
            self.settled.insert((chat.clone(), id));
        };
        match line {
            InGroup::Sent { chat, id, seq, .. } => {
                settle(chat, *id);
                raise(&mut self.seen, chat, *seq);
                raise(&mut self.own, chat, *seq);
            }
            InGroup::Done { chat, id, .. } => {
                settle(chat, *id);
                self.changes.insert((chat.clone(), None, *id));
            }
            InGroup::Failed { chat, id: Some(id), retry: false, .. } => settle(chat, *id),
            InGroup::Message(message) => raise(&mut self.seen, &message.chat, message.seq),
            InGroup::Changed(changed) => {
                let by = Some((changed.by.clone(), changed.device.clone()));
                self.changes.insert((changed.chat.clone(), by, changed.id));
            }
            InGroup::Receipts { chat, others, .. } | InGroup::Counts { chat, others, .. } => {
                let Others { delivered, read, .. } = *others;
                let told = self.told_of_all.entry(chat.clone()).or_default();
                *told = (delivered.max(told.0), read.max(told.1));
            }
            _ => {}
        }
    }

    fn hear(&mut self, chat: &str, watermarks: &Watermarks) {
        let (delivered, read) = self.told.entry((chat.to_owned(), watermarks.user.clone())).or_default();
        (*delivered, *read) = (watermarks.delivered.max(*delivered), watermarks.read.max(*read));
    }

    /// How far a chat must have been opened.
    pub(crate) fn opened(&self, chat: &str) -> u64 {
        let of = |opened: &BTreeMap<String, u64>| opened.get(chat).copied().unwrap_or_default();
        of(&self.opened).max(of(&self.opening))
    }

    fn look_at(&mut self, line: &Line) {
        match line {
            Line::Group(line) => self.look_at_group(line),
            Line::Receipt { chat, watermarks } => self.hear(chat, watermarks),
            Line::Receipts { chat, members, .. } => members.iter().for_each(|member| self.hear(chat, member)),
            Line::Sent { chat, seq, .. } => {
                let last = self.own.entry(chat.clone()).or_default();
                *last = (*seq).max(*last);
            }
            _ => {}
        }
        let mut saw = |chat: &String, seq: u64| {
            let last = self.seen.entry(chat.clone()).or_default();
            *last = seq.max(*last);
        };
        match line {
            Line::Message(message) => saw(&message.chat, message.seq),
            Line::Sent { chat, id, seq, .. } => {
                saw(chat, *seq);
                self.open.remove(&(chat.clone(), *id));
                self.settled.insert((chat.clone(), *id));
            }
            Line::Failed { chat: Some(chat), id: Some(id), retry: false, .. } => {
                self.open.remove(&(chat.clone(), *id));
                self.open_in_groups.remove(&(chat.clone(), *id));
                self.settled.insert((chat.clone(), *id));
            }
            Line::Send { chat, id, .. } if !self.settled.contains(&(chat.clone(), *id)) => {
                self.open.insert((chat.clone(), *id));
            }
            Line::Reading { chat, seq } => {
                let last = self.opening.entry(chat.clone()).or_default();
                *last = (*seq).max(*last);
            }
            Line::Ended { killed: true } => {
                self.opening.clear();
                self.is_caught_up = false;
            }
            Line::CaughtUp => self.is_caught_up = true,
            Line::Connected { .. } | Line::Disconnected | Line::Ended { .. } => self.is_caught_up = false,
            _ => {}
        }
        if matches!(line, Line::Ended { .. }) {
            self.open_in_groups.clear();
        }
        if matches!(line, Line::Ended { killed: false }) {
            for (chat, seq) in std::mem::take(&mut self.opening) {
                let last = self.opened.entry(chat).or_default();
                *last = seq.max(*last);
            }
        }
    }
}

fn raise(all: &mut BTreeMap<String, u64>, chat: &str, to: u64) {
    let last = all.entry(chat.to_owned()).or_default();
    *last = to.max(*last);
}
