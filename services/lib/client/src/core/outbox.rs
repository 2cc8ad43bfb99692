//! What has no outcome yet, and the ids that were given.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use chasqui_domain::{ChatId, Counter, DeviceId, RulesNumber, UserId};

use super::SEQ_MAX;
use crate::{
    asked::{Asked, Count, Wish},
    backoff::{Dice, pause},
    error::Error,
};

/// So much may wait for its outcome.
pub(crate) const MESSAGES_MAX: usize = 256;
/// So many bytes may they have, about: the state file holds them all.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// So many chats have a count of their own.
const COUNTERS_MAX: usize = 4096;

#[derive(Debug, Clone, PartialEq)]
struct Unsent {
    asked: Asked,
    stage: Stage,
    failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// To be sent, not before `after`.
    Waiting { after: Duration },
    /// Sent in this session.
    UnderWay,
}

/// What was asked, in the order in which the app did.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outbox {
    unsent: VecDeque<Unsent>,
    bytes: usize,
    /// The last id given, by chat.
    counters: BTreeMap<Count, u64>,
    /// No chat without a count was ever given a higher id.
    floor: u64,
}

/// What an outcome is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which<'a> {
    pub(crate) me: &'a UserId,
    pub(crate) device: &'a DeviceId,
    pub(crate) chat: Option<ChatId>,
    pub(crate) to: Option<&'a UserId>,
    pub(crate) id: Counter,
}

impl Which<'_> {
    fn is(&self, asked: &Asked) -> bool {
        asked.id() == self.id
            && match (self.to, self.chat) {
                (Some(to), _) => asked.count() == Count::User(to.clone()),
                (None, Some(chat)) => asked.chat(self.me, self.device) == chat,
                // What can't even be read names no chat, and of what could be asked only groups don't.
                (None, None) => asked.count() == Count::Groups,
            }
    }
}

impl Outbox {
    pub(crate) fn new(floor: u64, counters: BTreeMap<Count, u64>, unsent: Vec<Asked>) -> Self {
        let bytes = unsent.iter().map(Asked::size).sum();
        let wait = |asked| Unsent { asked, stage: Stage::Waiting { after: Duration::ZERO }, failures: 0 };
        Self { unsent: unsent.into_iter().map(wait).collect(), bytes, counters, floor }
    }

    pub(crate) fn unsent(&self) -> impl Iterator<Item = &Asked> {
        self.unsent.iter().map(|unsent| &unsent.asked)
    }

    pub(crate) fn counters(&self) -> (u64, &BTreeMap<Count, u64>) {
        (self.floor, &self.counters)
    }

    /// Takes something and gives it its id.
    pub(crate) fn add(&mut self, wish: Wish, body_bytes_max: Option<usize>) -> Result<Counter, Error> {
        let count = wish.count();
        let last = self.counters.get(&count).copied().unwrap_or(self.floor);
        let asked = wish.asked(Counter(last.saturating_add(1)));
        if let Some(seq) = asked.seqs().find(|seq| seq.0 > SEQ_MAX) {
            return Err(Error::Seq { seq });
        }
        let bytes = asked.size();
        let body_bytes_max = body_bytes_max.filter(|_| asked.has_body());
        let bytes_max = body_bytes_max.map_or(BYTES_MAX, |bytes_max| bytes_max.min(BYTES_MAX));
        if bytes > bytes_max {
            return Err(Error::TooLarge { bytes, bytes_max });
        }
        if self.unsent.len() >= MESSAGES_MAX || self.bytes.saturating_add(bytes) > BYTES_MAX {
            return Err(Error::Full);
        }
        let id = asked.id();
        self.counters.insert(count, id.0);
        self.forget_counters();
        self.bytes += bytes;
        self.unsent.push_back(Unsent { asked, stage: Stage::Waiting { after: Duration::ZERO }, failures: 0 });
        Ok(id)
    }

    /// What is asked next of this has an id above that one.
    pub(crate) fn count_from(&mut self, count: Count, id: Counter) {
        let last = self.counters.get(&count).copied().unwrap_or(self.floor);
        self.counters.insert(count, last.max(id.0));
        self.forget_counters();
    }

    /// An id must never be given twice, so what is forgotten raises the floor for all who have no count.
    fn forget_counters(&mut self) {
        while self.counters.len() > COUNTERS_MAX
            && let Some(count) = self.counters.iter().min_by_key(|(_, last)| **last).map(|(count, _)| count.clone())
        {
            let last = self.counters.remove(&count).unwrap_or_default();
            self.floor = self.floor.max(last);
        }
    }

    /// What to write next, if the session may have another under way.
    pub(crate) fn next(&mut self, now: Duration, under_way_max: usize) -> Option<Asked> {
        let at = self.ready(now, under_way_max)?;
        let unsent = self.unsent.get_mut(at)?;
        unsent.stage = Stage::UnderWay;
        Some(unsent.asked.clone())
    }

    pub(crate) fn has_next(&self, now: Duration, under_way_max: usize) -> bool {
        self.ready(now, under_way_max).is_some()
    }

    /// A message waits behind an earlier one of its chat that is to be tried again later, to keep their order; and
    /// behind one that the server couldn't recognise any more once this one were accepted.
    fn ready(&self, now: Duration, under_way_max: usize) -> Option<usize> {
        let under_way = self.unsent.iter().filter(|unsent| unsent.stage == Stage::UnderWay).count();
        if under_way >= under_way_max {
            return None;
        }
        let window = RulesNumber::NEWEST.dedupe_window();
        let mut held = BTreeSet::new();
        let mut lowest = BTreeMap::new();
        for (at, Unsent { asked, stage, .. }) in self.unsent.iter().enumerate() {
            let (count, id) = (asked.count(), asked.id().0);
            let lowest = *lowest.entry(count.clone()).or_insert(id);
            let Stage::Waiting { after } = *stage else { continue };
            if held.contains(&count) {
                continue;
            }
            if after <= now && id < lowest.saturating_add(window) {
                return Some(at);
            }
            held.insert(count);
        }
        None
    }

    /// Takes out a message that is larger than the server takes. It would end every connection that it is sent on.
    pub(crate) fn too_large(&mut self, bytes_max: usize) -> Option<Asked> {
        let is_too_large = |asked: &Asked| asked.has_body() && asked.size() > bytes_max;
        let at = self.unsent.iter().position(|unsent| is_too_large(&unsent.asked))?;
        self.remove(at)
    }

    /// Something has its outcome.
    pub(crate) fn settle(&mut self, which: Which<'_>) -> Option<Asked> {
        let at = self.unsent.iter().position(|unsent| which.is(&unsent.asked))?;
        self.remove(at)
    }

    fn remove(&mut self, at: usize) -> Option<Asked> {
        let asked = self.unsent.remove(at)?.asked;
        self.bytes = self.bytes.saturating_sub(asked.size());
        Some(asked)
    }

    /// A message is to be sent again after a pause, which begins at `from`; false when it is not known.
    pub(crate) fn retry(&mut self, which: Which<'_>, from: Duration, dice: &mut Dice) -> bool {
        let found = self.unsent.iter_mut().find(|unsent| which.is(&unsent.asked));
        found.is_some_and(|unsent| {
            unsent.failures = unsent.failures.saturating_add(1);
            unsent.stage = Stage::Waiting { after: from + pause(unsent.failures, dice) };
            true
        })
    }

    /// The session is over: all is to be sent again in the next one.
    pub(crate) fn session_over(&mut self) {
        for unsent in &mut self.unsent {
            unsent.stage = Stage::Waiting { after: Duration::ZERO };
        }
    }

    /// When a message may be tried again.
    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        let after = |unsent: &Unsent| match unsent.stage {
            Stage::Waiting { after } => Some(after),
            Stage::UnderWay => None,
        };
        self.unsent.iter().filter_map(after).filter(|after| *after > now).min()
    }
}
