//! What a chat's events give, one after the other. Whatever can't follow what was there is noted, and folded all the
//! same, so that it is told once and not with every event behind it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Act, Change, Evidence, Happened, StoredChat, StoredEvent, Watermarks, told::Told};

/// A chat as its events give it.
#[derive(Debug)]
pub(crate) struct Fold<'a> {
    pub(crate) chat: &'a str,
    pub(crate) version: u64,
    pub(crate) last_time: u64,
    /// When something was last written.
    pub(crate) last_written: u64,
    pub(crate) members: BTreeMap<&'a str, Watermarks>,
    /// All messages, without what they say.
    pub(crate) messages: Vec<Told<'a>>,
    /// Those that were deleted.
    deleted: BTreeSet<u64>,
    /// What can't be.
    pub(crate) wrong: Vec<String>,
}

impl Evidence {
    /// The stored direct chats, folded.
    pub(crate) fn folds(&self) -> impl Iterator<Item = Fold<'_>> {
        self.chats.iter().filter(|chat| !chat.is_group()).map(Fold::of)
    }
}

impl<'a> Fold<'a> {
    fn of(chat: &'a StoredChat) -> Self {
        let (members, messages, wrong) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut fold = Self {
            chat: &chat.chat,
            version: 0,
            last_time: 0,
            last_written: 0,
            members,
            messages,
            deleted: BTreeSet::new(),
            wrong,
        };
        for event in &chat.events {
            fold.apply(event);
        }
        fold
    }

    /// Its last message.
    pub(crate) fn last_seq(&self) -> u64 {
        self.messages.last().map_or(0, |message| message.seq)
    }

    /// How many messages of others a member has not opened.
    pub(crate) fn unread(&self, user: &str) -> u64 {
        let read = self.members.get(user).map_or(0, |member| member.read);
        let is_unread =
            |message: &&Told<'_>| message.seq > read && message.from != user && !self.deleted.contains(&message.seq);
        self.messages.iter().filter(is_unread).count() as u64
    }

    fn apply(&mut self, event: &'a StoredEvent) {
        let StoredEvent { version, time, what } = event;
        let (last_version, last_time) = (self.version, self.last_time);
        self.expect(*version == last_version + 1, || format!("version {version} follows {last_version}"));
        self.expect(*time >= last_time, || format!("version {version} has the time {time} behind {last_time}"));
        let opens = matches!(what, Happened::Opened { .. });
        self.expect(opens == (last_version == 0), || format!("version {version} is {what:?}: a chat is opened first"));
        match what {
            Happened::Opened { members } => self.open(members),
            Happened::Message { seq, from, device, id } => {
                let (last, is_member) = (self.last_seq(), self.members.contains_key(from.as_str()));
                self.expect(*seq == last + 1, || format!("message {seq} follows {last}"));
                self.expect(is_member, || format!("message {seq} is of {from}, who is no member"));
                let (chat, seq, id, time) = (self.chat, *seq, *id, *time);
                self.messages.push(Told {
                    teller: "the store".to_owned(),
                    chat,
                    seq,
                    from,
                    device,
                    id,
                    text: None,
                    edited_to: None,
                    time,
                });
            }
            Happened::Changed { after, change, .. } => {
                let last = self.last_seq();
                self.expect(*after == last, || format!("version {version} is behind {after}, and {last} was last"));
                // What else is done to messages is folded elsewhere.
                if let Change::Acted { seq, act: Act::Deleted } = change {
                    self.deleted.insert(*seq);
                }
            }
            Happened::Delivered { member, seq } => self.raise(*version, member, *seq, |member| &mut member.delivered),
            Happened::Read { member, seq } => {
                self.raise(*version, member, *seq, |member| &mut member.read);
                if let Some(member) = self.members.get_mut(member.as_str()) {
                    member.delivered = member.read.max(member.delivered);
                }
            }
        }
        (self.version, self.last_time) = (*version, *time);
        if !matches!(what, Happened::Delivered { .. } | Happened::Read { .. }) {
            self.last_written = *time;
        }
    }

    fn open(&mut self, members: &'a [String]) {
        for user in members {
            let opened = Watermarks { user: user.clone(), delivered: 0, read: 0 };
            self.members.entry(user).or_insert(opened);
        }
    }

    /// A receipt is there because it changes something. That what was read is delivered is its meaning, so it need not
    /// be checked.
    fn raise(&mut self, version: u64, member: &str, seq: u64, watermark: impl Fn(&mut Watermarks) -> &mut u64) {
        let last = self.last_seq();
        let before = self.members.get_mut(member).map(|found| {
            let watermark = watermark(found);
            let before = *watermark;
            *watermark = seq.max(before);
            before
        });
        self.expect(before.is_some(), || format!("version {version} is of {member}, who is no member"));
        self.expect(before.is_none_or(|before| seq > before), || {
            format!("version {version} leads {member} to {seq} from {before:?}, which changes nothing")
        });
        self.expect(seq <= last, || {
            format!("version {version} leads {member} to {seq}, behind the last message {last}")
        });
    }

    fn expect(&mut self, is_so: bool, otherwise: impl FnOnce() -> String) {
        if !is_so {
            self.wrong.push(format!("{} of {}", otherwise(), self.chat));
        }
    }
}
