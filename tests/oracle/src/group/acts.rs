//! What a chat's events give of its messages: what was done to each.

use std::collections::BTreeMap;

use super::Act;

/// So many messages of a chat may be pinned at a time.
const PINS_MAX: usize = 32;

/// What was done to the messages of a chat.
#[derive(Debug, Default)]
pub(crate) struct Acts<'a> {
    /// By seq.
    pub(crate) messages: BTreeMap<u64, Acted<'a>>,
    /// Those that are pinned, in the order in which they were.
    pub(crate) pins: Vec<u64>,
    /// What nobody was allowed, or what changes nothing.
    pub(crate) not_allowed: Vec<String>,
}

/// What was done to a message.
#[derive(Debug)]
pub(crate) struct Acted<'a> {
    /// Who wrote it.
    by: &'a str,
    pub(crate) version: u64,
    pub(crate) time: u64,
    /// When it was deleted.
    pub(crate) deleted: Option<u64>,
    /// The last edit.
    pub(crate) edited: Option<Doing<'a>>,
    /// The reactions that stand, by user.
    pub(crate) reactions: BTreeMap<&'a str, Doing<'a>>,
}

/// Something that was done, by what whoever asked calls it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doing<'a> {
    pub(crate) by: &'a str,
    pub(crate) device: &'a str,
    pub(crate) id: u64,
    pub(crate) time: u64,
}

impl<'a> Acts<'a> {
    /// A message was written.
    pub(super) fn written(&mut self, seq: u64, by: &'a str, (version, time): (u64, u64)) {
        let (deleted, edited, reactions) = (None, None, BTreeMap::new());
        self.messages.insert(seq, Acted { by, version, time, deleted, edited, reactions });
    }

    /// Something was done to one. `joined` is the version by which who did it came; none when they are no member.
    pub(super) fn apply(&mut self, seq: u64, act: &Act, doing: Doing<'a>, joined: Option<u64>, may_pin: bool) {
        if let Some(why) = self.forbids(seq, act, &doing, joined, may_pin) {
            self.not_allowed.push(format!("{act:?} of message {seq} by {}: {why}", doing.by));
        }
        let Some(message) = self.messages.get_mut(&seq) else { return };
        match act {
            Act::Edited => message.edited = Some(doing),
            Act::Deleted => {
                message.deleted = Some(doing.time);
                message.reactions.clear();
                self.pins.retain(|pinned| *pinned != seq);
            }
            Act::Reacted => drop(message.reactions.insert(doing.by, doing)),
            Act::TakenBack => drop(message.reactions.remove(doing.by)),
            Act::Pinned => self.pins.push(seq),
            Act::Unpinned => self.pins.retain(|pinned| *pinned != seq),
        }
    }

    fn forbids(
        &self,
        seq: u64,
        act: &Act,
        doing: &Doing<'_>,
        joined: Option<u64>,
        may_pin: bool,
    ) -> Option<&'static str> {
        let Some(joined) = joined else { return Some("no member") };
        let Some(message) = self.messages.get(&seq) else { return Some("there is none") };
        let is_pinned = self.pins.contains(&seq);
        match act {
            _ if message.version < joined => Some("it was written before they came"),
            _ if message.deleted.is_some() => Some("it is deleted"),
            Act::Edited | Act::Deleted if message.by != doing.by => Some("it is another's"),
            Act::Pinned | Act::Unpinned if !may_pin => Some("neither admin nor owner"),
            Act::TakenBack if !message.reactions.contains_key(doing.by) => Some("there is no reaction"),
            Act::Pinned if is_pinned => Some("it is pinned"),
            Act::Unpinned if !is_pinned => Some("it is not pinned"),
            Act::Pinned if self.pins.len() >= PINS_MAX => Some("too many are pinned"),
            _ => None,
        }
    }
}
