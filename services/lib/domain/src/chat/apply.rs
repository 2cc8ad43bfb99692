//! How events change a chat.

use super::{Accepted, Chat, Member, RUNS_MAX, Runs, devices};
use crate::{
    change::{Change, Joined, Profile, ProfilePart, Role, Target},
    command::Sealed,
    event::{Event, EventKind},
    ids::{ChatId, Seq, UserId, Version},
    rules::UnknownRules,
};

/// The event does not follow the state: the log that is being read is not one that this program wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Inapplicable {
    /// Not the next version.
    #[error("chat {chat}: version {found} follows {last}")]
    Version {
        /// The chat.
        chat: ChatId,
        /// The state's version.
        last: Version,
        /// The event's.
        found: Version,
    },
    /// Not the next seq.
    #[error("chat {chat}: message {found} follows {last}")]
    Seq {
        /// The chat.
        chat: ChatId,
        /// The state's last seq.
        last: Seq,
        /// The event's.
        found: Seq,
    },
    /// An event of rules that came after this build.
    #[error(transparent)]
    Rules(#[from] UnknownRules),
    /// Another chat's event, a second opening, or an event of somebody who is not a member.
    #[error("chat {chat}: version {version} is not an event that this chat can have: {why}")]
    Event {
        /// The chat.
        chat: ChatId,
        /// The event's version.
        version: Version,
        /// What is wrong.
        why: &'static str,
    },
}

impl Chat {
    /// Folds an event into the state.
    ///
    /// # Errors
    /// When the event can't follow the state; the state is then as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), Inapplicable> {
        self.check_follows(event)?;
        match &event.kind {
            EventKind::Opened { members } => self.add(members, event),
            EventKind::Created { by, members, title, picture, .. } => {
                self.add(members, event);
                if let Some(creator) = self.member_mut(by) {
                    creator.role = Role::Owner;
                }
                self.profile = Profile { title: part(by, Some(title)), picture: part(by, picture.as_ref()) };
            }
            EventKind::Message { seq, sender, .. } => {
                (self.last_seq, self.last_message, self.last_is_acted) = (*seq, event.version, false);
                let runs_max = self.runs_max();
                if let Some(member) = self.member_mut(sender) {
                    member.own.push(*seq, runs_max);
                }
            }
            EventKind::Changed { by, change, .. } => self.change(by, change, event),
            EventKind::Delivered { member, seq } => {
                if let Some(member) = self.member_mut(member) {
                    member.delivered = member.delivered.max(*seq);
                }
            }
            EventKind::Read { member, seq } => {
                if let Some(member) = self.member_mut(member) {
                    member.read = member.read.max(*seq);
                    member.delivered = member.delivered.max(*seq);
                }
                self.forget_read(member);
            }
        }
        self.remember(event);
        self.version = event.version;
        self.last_time = event.time;
        Ok(())
    }

    /// Recognises from now on what the device asked. That it made the group is known without, and has another count.
    fn remember(&mut self, event: &Event) {
        let (user, device, counter, is_change) = match &event.kind {
            EventKind::Message { sender, device, counter, .. } => (sender, device, *counter, false),
            EventKind::Changed { by, device, counter, .. } => (by, device, *counter, true),
            EventKind::Opened { .. }
            | EventKind::Created { .. }
            | EventKind::Delivered { .. }
            | EventKind::Read { .. } => return,
        };
        let accepted = Accepted { counter, seq: self.last_seq, time: event.time, is_change };
        devices::accept(&mut self.devices, user, device, accepted, event.rules);
    }

    fn change(&mut self, by: &UserId, change: &Change, event: &Event) {
        match change {
            Change::Add { users } => self.add(users, event),
            Change::Remove { user } => self.remove(user),
            Change::Leave => self.remove(by),
            Change::SetRole { user, role } => {
                if let Some(member) = self.member_mut(user) {
                    member.role = *role;
                }
            }
            Change::Describe { title, picture } => {
                let Profile { title: former_title, picture: former_picture } = std::mem::take(&mut self.profile);
                let title = part(by, title.as_ref()).or(former_title);
                self.profile = Profile { title, picture: part(by, picture.as_ref()).or(former_picture) };
            }
            Change::Delete { message } => self.delete(by, *message),
            Change::Pin { message } => self.pins.push(*message),
            Change::Unpin { message } => self.pins.retain(|pinned| pinned != message),
            // The message's own state has it.
            Change::Edit { .. } | Change::React { .. } => {}
        }
        self.last_is_acted |= change.target().is_some_and(|message| message.version == self.last_message);
    }

    /// A message that is deleted is nobody's own any more, and counts for nobody.
    fn delete(&mut self, author: &UserId, message: Target) {
        let runs_max = self.runs_max();
        if let Some(member) = self.member_mut(author) {
            member.own.remove(message.seq, runs_max);
        }
        let mut deleted = Runs::default();
        deleted.push(message.seq, RUNS_MAX);
        self.uncounted.add(&deleted, RUNS_MAX);
        self.uncounted.forget_up_to(self.read_by_all());
        self.pins.retain(|pinned| *pinned != message);
    }

    fn add(&mut self, users: &[UserId], event: &Event) {
        let joined = Joined { version: event.version, time: event.time };
        let (delivered, read) = (self.last_seq, self.last_seq);
        let new = |user: &UserId| Member {
            user: user.clone(),
            role: Role::Member,
            joined,
            delivered,
            read,
            own: Runs::default(),
        };
        self.members.extend(users.iter().map(new));
        self.members.sort_by(|a, b| a.user.cmp(&b.user));
    }

    fn remove(&mut self, user: &UserId) {
        if let Ok(at) = self.position(user) {
            let gone = self.members.remove(at);
            self.uncounted.add(&gone.own, RUNS_MAX);
            self.forget_read_by_all();
        }
    }

    /// A member has read on.
    fn forget_read(&mut self, member: &UserId) {
        if self.id.is_group() {
            self.forget_read_by_all();
        } else if let Some(member) = self.member_mut(member) {
            member.own.forget_up_to(member.read);
            self.uncounted.forget_up_to(self.read_by_all());
        }
    }

    fn forget_read_by_all(&mut self) {
        let read = self.read_by_all();
        self.members.iter_mut().for_each(|member| member.own.forget_up_to(read));
        self.uncounted.forget_up_to(read);
    }

    fn member_mut(&mut self, user: &UserId) -> Option<&mut Member> {
        let at = self.position(user).ok()?;
        self.members.get_mut(at)
    }

    fn check_follows(&self, event: &Event) -> Result<(), Inapplicable> {
        event.rules.check()?;
        let wrong = |why| Err(Inapplicable::Event { chat: self.id, version: event.version, why });
        if event.chat != self.id {
            return wrong("it is another chat's");
        }
        if event.version != self.version.next() {
            return Err(Inapplicable::Version { chat: self.id, last: self.version, found: event.version });
        }
        if event.time < self.last_time {
            return wrong("its time lies before the chat's");
        }
        match &event.kind {
            EventKind::Opened { .. } | EventKind::Created { .. } if self.version != Version(0) => {
                wrong("the chat is open already")
            }
            EventKind::Opened { .. } if self.id.is_group() => wrong("a group is created"),
            EventKind::Created { .. } if !self.id.is_group() => wrong("only a group is created"),
            EventKind::Opened { members } | EventKind::Created { members, .. } if !are_in_order(members) => {
                wrong("its users are not in order")
            }
            EventKind::Created { by, members, .. } if !members.contains(by) => wrong("its creator is not a member"),
            EventKind::Opened { .. } | EventKind::Created { .. } => Ok(()),
            EventKind::Message { seq, .. } if *seq != self.last_seq.next() => {
                Err(Inapplicable::Seq { chat: self.id, last: self.last_seq, found: *seq })
            }
            EventKind::Message { sender: user, .. }
            | EventKind::Changed { by: user, .. }
            | EventKind::Delivered { member: user, .. }
            | EventKind::Read { member: user, .. }
                if self.member(user).is_none() =>
            {
                wrong("its user is not a member")
            }
            EventKind::Delivered { seq, .. } | EventKind::Read { seq, .. } if *seq > self.last_seq => {
                wrong("its watermark lies beyond the last message")
            }
            EventKind::Changed { after, .. } if *after != self.last_seq => wrong("it follows another message"),
            EventKind::Changed { change, .. } => self.check_change(change).or_else(wrong),
            _ => Ok(()),
        }
    }

    fn check_change(&self, change: &Change) -> Result<(), &'static str> {
        let is_member = |user: &UserId| self.member(user).is_some();
        if let Some(message) = change.target() {
            return self.check_action(change, message);
        }
        match change {
            _ if !self.id.is_group() => Err("only a group is changed"),
            Change::Add { users } if !are_in_order(users) => Err("its users are not in order"),
            Change::Add { users } if users.iter().any(is_member) => Err("its user is a member already"),
            Change::Remove { user } | Change::SetRole { user, .. } if !is_member(user) => {
                Err("the user that it is about is not a member")
            }
            _ => Ok(()),
        }
    }

    fn check_action(&self, change: &Change, message: Target) -> Result<(), &'static str> {
        let is_pinned = self.pins.contains(&message);
        match change {
            _ if !self.may_have(message) => Err("its message is not one of the chat's"),
            Change::Pin { .. } if is_pinned => Err("its message is pinned already"),
            Change::Unpin { .. } if !is_pinned => Err("its message is not pinned"),
            _ => Ok(()),
        }
    }
}

/// In ascending order, without repeats.
fn are_in_order(users: &[UserId]) -> bool {
    users.is_sorted_by(|a, b| a < b)
}

fn part(by: &UserId, body: Option<&Sealed>) -> Option<ProfilePart> {
    body.map(|body| ProfilePart { by: by.clone(), body: body.clone() })
}
