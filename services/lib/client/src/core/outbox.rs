//! Messages that have no outcome yet, and the ids that were given to messages.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use chasqui_domain::{ChatId, Counter, RulesNumber, UserId};
use chasqui_wire::frames::SendFrame;

use super::SEQ_MAX;
use crate::{
    backoff::{Dice, pause},
    error::Error,
    update::Draft,
};

/// So many messages may wait for their outcome.
pub(crate) const MESSAGES_MAX: usize = 256;
/// So many bytes may they have, about: the state file holds them all.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// So many peers have a count of their own.
const COUNTERS_MAX: usize = 4096;

#[derive(Debug, Clone, PartialEq)]
struct Unsent {
    frame: SendFrame,
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

/// Messages in the order in which the app gave them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outbox {
    unsent: VecDeque<Unsent>,
    bytes: usize,
    /// The last id given, by peer. A peer is a direct chat, and known before the user is.
    counters: BTreeMap<UserId, u64>,
    /// No peer without a count was ever given a higher id.
    floor: u64,
}

/// Which message an outcome is of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which<'a> {
    pub(crate) me: &'a UserId,
    pub(crate) chat: Option<ChatId>,
    pub(crate) to: Option<&'a UserId>,
    pub(crate) id: Counter,
}

impl Which<'_> {
    fn is(&self, frame: &SendFrame) -> bool {
        frame.id == self.id
            && match (self.to, self.chat) {
                (Some(to), _) => *to == frame.to,
                (None, Some(chat)) => ChatId::direct(self.me, &frame.to) == chat,
                (None, None) => false,
            }
    }
}

impl Outbox {
    pub(crate) fn new(floor: u64, counters: BTreeMap<UserId, u64>, unsent: Vec<SendFrame>) -> Self {
        let bytes = unsent.iter().map(size).sum();
        let wait = |frame| Unsent { frame, stage: Stage::Waiting { after: Duration::ZERO }, failures: 0 };
        Self { unsent: unsent.into_iter().map(wait).collect(), bytes, counters, floor }
    }

    pub(crate) fn unsent(&self) -> impl Iterator<Item = &SendFrame> {
        self.unsent.iter().map(|unsent| &unsent.frame)
    }

    pub(crate) fn counters(&self) -> (u64, &BTreeMap<UserId, u64>) {
        (self.floor, &self.counters)
    }

    /// Takes a message and gives it its id.
    pub(crate) fn add(&mut self, draft: Draft, body_bytes_max: Option<usize>) -> Result<Counter, Error> {
        let Draft { to, text, content_type, body, reply_to, mentions, meta } = draft;
        let last = self.counters.get(&to).copied().unwrap_or(self.floor);
        let frame =
            SendFrame { id: Counter(last.saturating_add(1)), to, text, content_type, body, reply_to, mentions, meta };
        if let Some(seq) = frame.reply_to.filter(|seq| seq.0 > SEQ_MAX) {
            return Err(Error::Seq { seq });
        }
        let (bytes, bytes_max) = (size(&frame), body_bytes_max.map_or(BYTES_MAX, |bytes_max| bytes_max.min(BYTES_MAX)));
        if bytes > bytes_max {
            return Err(Error::TooLarge { bytes, bytes_max });
        }
        if self.unsent.len() >= MESSAGES_MAX || self.bytes.saturating_add(bytes) > BYTES_MAX {
            return Err(Error::Full);
        }
        let id = frame.id;
        self.counters.insert(frame.to.clone(), id.0);
        self.forget_counters();
        self.bytes += bytes;
        self.unsent.push_back(Unsent { frame, stage: Stage::Waiting { after: Duration::ZERO }, failures: 0 });
        Ok(id)
    }

    /// An id must never be given twice, so what is forgotten raises the floor for all who have no count.
    fn forget_counters(&mut self) {
        while self.counters.len() > COUNTERS_MAX
            && let Some(peer) = self.counters.iter().min_by_key(|(_, last)| **last).map(|(peer, _)| peer.clone())
        {
            let last = self.counters.remove(&peer).unwrap_or_default();
            self.floor = self.floor.max(last);
        }
    }

    /// The next message to write, if the session may have another under way.
    pub(crate) fn next(&mut self, now: Duration, under_way_max: usize) -> Option<SendFrame> {
        let at = self.ready(now, under_way_max)?;
        let unsent = self.unsent.get_mut(at)?;
        unsent.stage = Stage::UnderWay;
        Some(unsent.frame.clone())
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
        for (at, Unsent { frame, stage, .. }) in self.unsent.iter().enumerate() {
            let lowest = *lowest.entry(&frame.to).or_insert(frame.id.0);
            let Stage::Waiting { after } = *stage else { continue };
            if held.contains(&frame.to) {
                continue;
            }
            if after <= now && frame.id.0 < lowest.saturating_add(window) {
                return Some(at);
            }
            held.insert(&frame.to);
        }
        None
    }

    /// Takes out a message that is larger than the server takes. It would end every connection that it is sent on.
    pub(crate) fn too_large(&mut self, bytes_max: usize) -> Option<SendFrame> {
        let at = self.unsent.iter().position(|unsent| size(&unsent.frame) > bytes_max)?;
        self.remove(at)
    }

    /// A message has its outcome.
    pub(crate) fn settle(&mut self, which: Which<'_>) -> Option<SendFrame> {
        let at = self.unsent.iter().position(|unsent| which.is(&unsent.frame))?;
        self.remove(at)
    }

    fn remove(&mut self, at: usize) -> Option<SendFrame> {
        let frame = self.unsent.remove(at)?.frame;
        self.bytes = self.bytes.saturating_sub(size(&frame));
        Some(frame)
    }

    /// A message is to be sent again after a pause, which begins at `from`; false when it is not known.
    pub(crate) fn retry(&mut self, which: Which<'_>, from: Duration, dice: &mut Dice) -> bool {
        let found = self.unsent.iter_mut().find(|unsent| which.is(&unsent.frame));
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

fn size(frame: &SendFrame) -> usize {
    let mentions: usize = frame.mentions.iter().map(|user| user.as_str().len()).sum();
    // The meta is measured as it is written; the rest is near enough.
    let meta = frame.meta.as_ref().map_or(0, |meta| meta.to_string().len());
    frame.text.as_ref().map_or(0, String::len) + frame.body.as_ref().map_or(0, |body| body.len()) + mentions + meta
}
