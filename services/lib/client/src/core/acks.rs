//! What the app was told and has not handled, and what it has handled and the server doesn't know of.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use chasqui_domain::{ChatId, Seq};
use chasqui_wire::frames::Ack;

use super::{CHATS_PER_FRAME, Marks};

/// How long a handled entry waits for others to be acknowledged with it.
const WITHIN: Duration = Duration::from_millis(200);

/// Something to acknowledge once the app has handled the update of its number, and all before.
#[derive(Debug)]
pub(super) struct Kept {
    number: u64,
    pub(super) cursor: Option<String>,
    /// A message of somebody else.
    pub(super) delivered: Option<(ChatId, Seq)>,
    /// How far the others have read.
    pub(super) others_read: Option<(ChatId, Seq)>,
}

#[derive(Debug, Default)]
pub(super) struct Acks {
    /// The last update's number.
    told: u64,
    /// The last update that the app has handled.
    taken: u64,
    /// Bounded by the server, which sends no more than it lets wait for acks, and by the shell, which doesn't read on
    /// while the app takes nothing.
    kept: VecDeque<Kept>,
    /// Chats in which something was handled since the last ack.
    chats: BTreeSet<ChatId>,
    since: Option<Duration>,
    entries: usize,
    /// So many handled entries are acknowledged at once.
    entries_max: usize,
}

impl Acks {
    /// Gives the next update its number.
    pub(super) fn number(&mut self) -> u64 {
        self.told += 1;
        self.told
    }

    /// Remembers an entry behind the last update.
    pub(super) fn keep(&mut self, cursor: Option<String>, delivered: Option<(ChatId, Seq)>) {
        self.kept.push_back(Kept { number: self.told, cursor, delivered, others_read: None });
    }

    /// Remembers how far the others have read. The app was told with the last update, and asks no more once it has handled
    /// that: receipts are in no inbox.
    pub(super) fn keep_read(&mut self, chat: ChatId, read: Seq) {
        self.kept.push_back(Kept { number: self.told, cursor: None, delivered: None, others_read: Some((chat, read)) });
    }

    pub(super) fn last_taken(&self) -> u64 {
        self.taken
    }

    /// The next entry that is handled by now.
    pub(super) fn take(&mut self, number: u64, now: Duration) -> Option<Kept> {
        self.taken = self.taken.max(number);
        let is_taken = self.kept.front().is_some_and(|kept| kept.number <= self.taken);
        let kept = if is_taken { self.kept.pop_front() } else { None };
        if kept.as_ref().is_some_and(|kept| kept.cursor.is_some()) {
            self.entries += 1;
            self.since.get_or_insert(now);
        }
        kept
    }

    pub(super) fn delivered(&mut self, chat: ChatId) {
        self.chats.insert(chat);
    }

    /// A session begins. It knows nothing of what earlier ones were told, so all that is not confirmed is due again.
    pub(super) fn session(&mut self, unacked_max: usize, marks: &Marks, resumed: bool) {
        self.entries_max = (unacked_max / 4).max(1);
        self.entries = 0;
        self.chats = marks.iter().filter(|(_, mark)| mark.delivered > Seq(0)).map(|(chat, _)| chat).collect();
        self.since = (!self.chats.is_empty()).then_some(Duration::ZERO);
        if !resumed {
            // They are not of this session's inbox.
            self.kept.iter_mut().for_each(|kept| kept.cursor = None);
        }
    }

    /// Lets nothing wait.
    pub(super) fn hurry(&mut self) {
        self.since = self.since.map(|_| Duration::ZERO);
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.since.map(|since| since + WITHIN)
    }

    /// The ack that is due.
    pub(super) fn due(&mut self, cursor: &str, marks: &Marks, now: Duration) -> Option<Ack> {
        let since = self.since?;
        if self.entries < self.entries_max && since + WITHIN > now {
            return None;
        }
        let mut delivered = BTreeMap::new();
        while delivered.len() < CHATS_PER_FRAME
            && let Some(chat) = self.chats.pop_first()
        {
            let seq = marks.of(chat).delivered;
            if seq > Seq(0) {
                delivered.insert(chat, seq);
            }
        }
        self.entries = 0;
        self.since = (!self.chats.is_empty()).then_some(Duration::ZERO);
        Some(Ack { cursor: cursor.to_owned(), delivered })
    }
}
