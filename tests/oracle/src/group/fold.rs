//! What a chat's events give, one after the other: a group's, and also a direct chat's, in which two are from the
//! first.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Act, Change, Others, Role,
    acts::{Acts, Doing},
};
use crate::{Evidence, Happened, StoredChat, StoredEvent};

/// A chat as its events give it.
#[derive(Debug)]
pub(crate) struct GroupFold<'a> {
    pub(crate) chat: &'a str,
    pub(crate) is_group: bool,
    pub(crate) version: u64,
    pub(crate) last_time: u64,
    pub(crate) last_seq: u64,
    pub(crate) members: BTreeMap<&'a str, Member>,
    /// Its messages and changes.
    pub(crate) things: Vec<Thing<'a>>,
    /// What was done to its messages.
    pub(crate) acts: Acts<'a>,
    /// What can't be.
    pub(crate) wrong: Vec<String>,
    /// What nobody was allowed.
    pub(crate) not_allowed: Vec<String>,
}

/// A member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) joined_version: u64,
    pub(crate) joined_time: u64,
    /// The last message before they came.
    pub(crate) joined_after: u64,
    pub(crate) delivered: u64,
    pub(crate) read: u64,
}

/// A message or a change.
#[derive(Debug)]
pub(crate) struct Thing<'a> {
    pub(crate) version: u64,
    pub(crate) time: u64,
    pub(crate) by: &'a str,
    pub(crate) device: &'a str,
    pub(crate) id: u64,
    pub(crate) what: What<'a>,
    /// Who is told: the members, and who comes or goes with it.
    pub(crate) to: BTreeSet<&'a str>,
    /// Of a message: whether who wrote it has gone since. Then it counts as read.
    pub(crate) is_of_gone: bool,
    /// Of a message: whether it was deleted since. Then it counts for nobody.
    pub(crate) is_deleted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What<'a> {
    Message { seq: u64 },
    Change { after: u64, change: &'a Change },
}

impl Thing<'_> {
    pub(crate) fn seq(&self) -> Option<u64> {
        match self.what {
            What::Message { seq } => Some(seq),
            What::Change { .. } => None,
        }
    }

    /// Whether it is a change of the group, and nothing that is done to a message.
    pub(crate) fn is_of_group(&self) -> bool {
        matches!(self.what, What::Change { change, .. } if !matches!(change, Change::Acted { .. }))
    }

    /// Whether it is unread for nobody.
    pub(crate) fn is_for_nobody(&self) -> bool {
        self.is_of_gone || self.is_deleted
    }
}

impl Evidence {
    /// The stored groups, folded.
    pub(crate) fn group_folds(&self) -> impl Iterator<Item = GroupFold<'_>> {
        self.all_folds().filter(|fold| fold.is_group)
    }

    /// All stored chats, folded.
    pub(crate) fn all_folds(&self) -> impl Iterator<Item = GroupFold<'_>> {
        self.chats.iter().map(GroupFold::of)
    }
}

impl<'a> GroupFold<'a> {
    fn of(chat: &'a StoredChat) -> Self {
        let mut fold = Self {
            chat: &chat.chat,
            is_group: chat.is_group(),
            version: 0,
            last_time: 0,
            last_seq: 0,
            members: BTreeMap::new(),
            things: Vec::new(),
            acts: Acts::default(),
            wrong: Vec::new(),
            not_allowed: Vec::new(),
        };
        chat.events.iter().for_each(|event| fold.apply(event));
        fold.hand_on();
        fold
    }

    /// Whoever hands the group on by leaving is told of the leaving alone.
    fn hand_on(&mut self) {
        for at in 1..self.things.len() {
            let [before, Thing { by, device, id, what, .. }] = &mut self.things[at - 1..=at] else { return };
            let is_one = (before.by, before.device, before.id) == (*by, *device, *id);
            if is_one && matches!(what, What::Change { change: Change::Left, .. }) {
                before.to.remove(by);
            }
        }
    }

    /// What is shown to a member: what has happened since they came.
    pub(crate) fn shown_to(&self, user: &str) -> Vec<&Thing<'a>> {
        let since = self.members.get(user).map_or(u64::MAX, |member| member.joined_version);
        self.things.iter().filter(|thing| thing.version >= since).collect()
    }

    /// The last messages before each time that a user came.
    pub(crate) fn joined_after<'b>(&'b self, user: &'b str) -> impl Iterator<Item = u64> + 'b {
        let joins = move |thing: &Thing<'_>| match thing.what {
            What::Change { after, change: Change::Created { users } | Change::Added { users } }
                if users.iter().any(|other| other == user) =>
            {
                Some(after)
            }
            _ => None,
        };
        self.things.iter().filter_map(joins)
    }

    /// How many messages of others a member has not opened.
    pub(crate) fn unread(&self, user: &str) -> u64 {
        let read = self.members.get(user).map_or(0, |member| member.read);
        let is_unread = |thing: &&Thing<'_>| {
            thing.seq().is_some_and(|seq| seq > read) && thing.by != user && !thing.is_for_nobody()
        };
        self.things.iter().filter(is_unread).count() as u64
    }

    /// What all others than a member have.
    pub(crate) fn others(&self, user: &str) -> Others {
        let others = || self.members.iter().filter(|(other, _)| **other != user).map(|(_, member)| member);
        Others {
            count: others().count() as u64,
            delivered: others().map(|member| member.delivered).min().unwrap_or(self.last_seq),
            read: others().map(|member| member.read).min().unwrap_or(self.last_seq),
        }
    }

    fn apply(&mut self, event: &'a StoredEvent) {
        let StoredEvent { version, time, what } = event;
        let (last_version, last_time) = (self.version, self.last_time);
        self.expect(*version == last_version + 1, || format!("version {version} follows {last_version}"));
        self.expect(*time >= last_time, || format!("version {version} has the time {time} behind {last_time}"));
        let creates = match what {
            Happened::Changed { change: Change::Created { .. }, .. } => self.is_group,
            Happened::Opened { .. } => !self.is_group,
            _ => false,
        };
        self.expect(creates == (last_version == 0), || format!("version {version} is {what:?}: it is created first"));
        (self.version, self.last_time) = (*version, *time);
        match what {
            Happened::Opened { members } if !self.is_group => members.iter().for_each(|user| self.join(user)),
            Happened::Opened { .. } => self.expect(false, || format!("version {version} opens a direct chat")),
            Happened::Message { seq, from, device, id } => {
                let (last, is_member) = (self.last_seq, self.members.contains_key(from.as_str()));
                self.expect(*seq == last + 1, || format!("message {seq} follows {last}"));
                self.expect(is_member, || format!("message {seq} is of {from}, who is no member"));
                self.last_seq = *seq;
                let to = self.members.keys().copied().collect();
                let (version, what) = (*version, What::Message { seq: *seq });
                self.acts.written(*seq, from, (version, *time));
                self.push((version, *time), (from, device, *id), what, to);
            }
            Happened::Changed { by, device, id, after, change } => {
                let last = self.last_seq;
                self.expect(*after == last, || format!("version {version} is behind {after}, and {last} was last"));
                if let Some(why) = self.forbids(by, change) {
                    self.not_allowed.push(format!("version {version} of {}: {change:?} of {by}: {why}", self.chat));
                }
                let mut to: BTreeSet<_> = self.members.keys().copied().collect();
                if let Change::Acted { seq, act } = change {
                    // Who came behind the message can't see it, and is not told.
                    let written = self.acts.messages.get(seq).map_or(u64::MAX, |message| message.version);
                    to.retain(|user| self.members.get(user).is_some_and(|member| member.joined_version <= written));
                    self.act(*seq, act, Doing { by, device, id: *id, time: *time });
                } else {
                    self.change(by, change);
                    to.extend(self.members.keys());
                }
                let (version, what) = (*version, What::Change { after: *after, change });
                self.push((version, *time), (by, device, *id), what, to);
                let is_owned = self.members.values().any(|member| member.role == Role::Owner);
                if self.is_group && !is_owned && !self.members.is_empty() {
                    self.not_allowed.push(format!("behind version {version} {} has no owner", self.chat));
                }
            }
            Happened::Delivered { member, seq } => self.raise(member, *seq, |member| &mut member.delivered),
            Happened::Read { member, seq } => {
                self.raise(member, *seq, |member| &mut member.read);
                if let Some(member) = self.members.get_mut(member.as_str()) {
                    member.delivered = member.read.max(member.delivered);
                }
            }
        }
    }

    fn push(
        &mut self,
        (version, time): (u64, u64),
        (by, device, id): (&'a str, &'a str, u64),
        what: What<'a>,
        to: BTreeSet<&'a str>,
    ) {
        let (is_of_gone, is_deleted) = (false, false);
        self.things.push(Thing { version, time, by, device, id, what, to, is_of_gone, is_deleted });
    }

    fn act(&mut self, seq: u64, act: &Act, doing: Doing<'a>) {
        let member = self.members.get(doing.by).copied();
        let may_pin = !self.is_group || member.is_some_and(|member| member.role >= Role::Admin);
        self.acts.apply(seq, act, doing, member.map(|member| member.joined_version), may_pin);
        if *act == Act::Deleted {
            let its = self.things.iter_mut().filter(|thing| thing.seq() == Some(seq));
            its.for_each(|thing| thing.is_deleted = true);
        }
    }

    /// Why somebody may not change this.
    fn forbids(&self, by: &str, change: &Change) -> Option<&'static str> {
        // Of what is done to messages another promise tells.
        if matches!(change, Change::Created { .. } | Change::Acted { .. }) {
            return None;
        }
        let Some(own) = self.members.get(by).map(|member| member.role) else { return Some("no member") };
        let of = |user: &String| self.members.get(user.as_str()).map(|member| member.role);
        match change {
            Change::Created { .. } | Change::Left | Change::Acted { .. } => None,
            Change::Added { users } if users.iter().any(|user| of(user).is_some()) => Some("a member already"),
            Change::Added { .. } | Change::Described if own < Role::Admin => Some("neither admin nor owner"),
            Change::Added { .. } | Change::Described => None,
            Change::Removed { user } | Change::Role { user, .. } if of(user).is_none() => Some("of nobody"),
            Change::Removed { user } if own < Role::Admin || of(user) > Some(own) => Some("not above them"),
            Change::Removed { .. } => None,
            Change::Role { user, .. } if own < Role::Admin && user != by => Some("neither admin nor owner"),
            Change::Role { user, role } if *role > own || of(user) > Some(own) => Some("not above them"),
            Change::Role { .. } => None,
        }
    }

    fn change(&mut self, by: &'a str, change: &'a Change) {
        match change {
            Change::Created { users } => {
                users.iter().for_each(|user| self.join(user));
                if let Some(creator) = self.members.get_mut(by) {
                    creator.role = Role::Owner;
                }
            }
            Change::Added { users } => users.iter().for_each(|user| self.join(user)),
            Change::Removed { user } => self.go(user),
            Change::Left => self.go(by),
            Change::Role { user, role } => {
                if let Some(member) = self.members.get_mut(user.as_str()) {
                    member.role = *role;
                }
            }
            Change::Described | Change::Acted { .. } => {}
        }
    }

    fn join(&mut self, user: &'a str) {
        let after = self.last_seq;
        let new = Member {
            role: Role::Member,
            joined_version: self.version,
            joined_time: self.last_time,
            joined_after: after,
            delivered: after,
            read: after,
        };
        self.members.entry(user).or_insert(new);
    }

    fn go(&mut self, user: &str) {
        self.members.remove(user);
        let theirs = self.things.iter_mut().filter(|thing| thing.by == user);
        theirs.for_each(|thing| thing.is_of_gone = true);
    }

    fn raise(&mut self, user: &str, seq: u64, watermark: impl Fn(&mut Member) -> &mut u64) {
        let (version, last) = (self.version, self.last_seq);
        let before = self.members.get_mut(user).map(|found| {
            let watermark = watermark(found);
            let before = *watermark;
            *watermark = seq.max(before);
            before
        });
        self.expect(before.is_some_and(|before| seq > before) && seq <= last, || {
            format!("version {version} leads {user} to {seq} of {last} from {before:?}")
        });
    }

    fn expect(&mut self, is_so: bool, otherwise: impl FnOnce() -> String) {
        if !is_so {
            self.wrong.push(format!("{} of {}", otherwise(), self.chat));
        }
    }
}
