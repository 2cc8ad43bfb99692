//! What a group's events give, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Others, Role};
use crate::{Evidence, Happened, StoredChat, StoredEvent};

/// A group as its events give it.
#[derive(Debug)]
pub(crate) struct GroupFold<'a> {
    pub(crate) chat: &'a str,
    pub(crate) version: u64,
    pub(crate) last_time: u64,
    pub(crate) last_seq: u64,
    pub(crate) members: BTreeMap<&'a str, Member>,
    /// Its messages and changes.
    pub(crate) things: Vec<Thing<'a>>,
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
}

impl Evidence {
    /// The stored groups, folded.
    pub(crate) fn group_folds(&self) -> impl Iterator<Item = GroupFold<'_>> {
        self.chats.iter().filter(|chat| chat.is_group()).map(GroupFold::of)
    }
}

impl<'a> GroupFold<'a> {
    fn of(chat: &'a StoredChat) -> Self {
        let mut fold = Self {
            chat: &chat.chat,
            version: 0,
            last_time: 0,
            last_seq: 0,
            members: BTreeMap::new(),
            things: Vec::new(),
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
        let is_unread =
            |thing: &&Thing<'_>| thing.seq().is_some_and(|seq| seq > read) && thing.by != user && !thing.is_of_gone;
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
        let creates = matches!(what, Happened::Changed { change: Change::Created { .. }, .. });
        self.expect(creates == (last_version == 0), || format!("version {version} is {what:?}: it is created first"));
        (self.version, self.last_time) = (*version, *time);
        match what {
            Happened::Opened { .. } => self.expect(false, || format!("version {version} opens a direct chat")),
            Happened::Message { seq, from, device, id } => {
                let (last, is_member) = (self.last_seq, self.members.contains_key(from.as_str()));
                self.expect(*seq == last + 1, || format!("message {seq} follows {last}"));
                self.expect(is_member, || format!("message {seq} is of {from}, who is no member"));
                self.last_seq = *seq;
                let to = self.members.keys().copied().collect();
                let (version, what) = (*version, What::Message { seq: *seq });
                self.push(Thing { version, time: *time, by: from, device, id: *id, what, to, is_of_gone: false });
            }
            Happened::Changed { by, device, id, after, change } => {
                let last = self.last_seq;
                self.expect(*after == last, || format!("version {version} is behind {after}, and {last} was last"));
                if let Some(why) = self.forbids(by, change) {
                    self.not_allowed.push(format!("version {version} of {}: {change:?} of {by}: {why}", self.chat));
                }
                let mut to: BTreeSet<_> = self.members.keys().copied().collect();
                self.change(by, change);
                to.extend(self.members.keys());
                let (version, what) = (*version, What::Change { after: *after, change });
                self.push(Thing { version, time: *time, by, device, id: *id, what, to, is_of_gone: false });
                let is_owned = self.members.values().any(|member| member.role == Role::Owner);
                if !is_owned && !self.members.is_empty() {
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

    fn push(&mut self, thing: Thing<'a>) {
        self.things.push(thing);
    }

    /// Why somebody may not change this.
    fn forbids(&self, by: &str, change: &Change) -> Option<&'static str> {
        if matches!(change, Change::Created { .. }) {
            return None;
        }
        let Some(own) = self.members.get(by).map(|member| member.role) else { return Some("no member") };
        let of = |user: &String| self.members.get(user.as_str()).map(|member| member.role);
        match change {
            Change::Created { .. } | Change::Left => None,
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
            Change::Described => {}
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
