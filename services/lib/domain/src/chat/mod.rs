//! The aggregate: one chat's state, and how events change it.

pub mod decide;
mod devices;
mod runs;
mod validate;

pub use devices::{Accepted, Device};
pub use runs::{RUNS_MAX, Runs};
pub use validate::Invalid;

use crate::{
    event::{Event, EventKind},
    ids::{ChatId, Epoch, Seq, TimeMs, UserId, Version},
    rules::UnknownRules,
};

/// The state of a chat: a function of its events up to [`Chat::version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// Which chat.
    pub id: ChatId,
    /// The last event's number; 0 when the chat has none.
    pub version: Version,
    /// The last message's number; 0 when the chat has none.
    pub last_seq: Seq,
    /// The last event's time.
    pub last_time: TimeMs,
    /// The epoch that messages must be sealed under.
    pub epoch: Epoch,
    /// Who is in it, in ascending order of user.
    pub members: Vec<Member>,
    /// What is remembered of the devices that wrote, in ascending order of user and device.
    pub devices: Vec<Device>,
}

/// A member of a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// Everything up to here is on a device of theirs.
    pub delivered: Seq,
    /// Everything up to here was opened.
    pub read: Seq,
    /// Their own messages above `read`.
    pub own: Runs,
}

impl Member {
    /// How many messages of others lie above the read watermark. Derived, never counted up and down; exact up to
    /// [`RUNS_MAX`], above that at least so many.
    #[must_use]
    pub fn unread(&self, last_seq: Seq) -> u64 {
        let from = self.read.max(self.own.floor());
        last_seq.0 - from.0 - self.own.count()
    }
}

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
    /// A chat in which nothing has happened yet.
    #[must_use]
    pub fn new(id: ChatId) -> Self {
        Self {
            id,
            version: Version(0),
            last_seq: Seq(0),
            last_time: TimeMs(0),
            epoch: Epoch::FIRST,
            members: Vec::new(),
            devices: Vec::new(),
        }
    }

    /// The member of this name.
    #[must_use]
    pub fn member(&self, user: &UserId) -> Option<&Member> {
        self.members.iter().find(|member| member.user == *user)
    }

    /// Folds an event into the state.
    ///
    /// # Errors
    /// When the event can't follow the state; the state is then as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), Inapplicable> {
        self.check_follows(event)?;
        match &event.kind {
            EventKind::Opened { members } => self.open(members),
            EventKind::Message { seq, sender, device, counter, .. } => {
                let accepted = Accepted { counter: *counter, seq: *seq, time: event.time };
                self.last_seq = *seq;
                if let Some(member) = self.member_mut(sender) {
                    member.own.push(*seq);
                }
                devices::accept(&mut self.devices, sender, device, accepted, event.rules);
            }
            EventKind::Delivered { member, seq } => {
                if let Some(member) = self.member_mut(member) {
                    member.delivered = member.delivered.max(*seq);
                }
            }
            EventKind::Read { member, seq } => {
                if let Some(member) = self.member_mut(member) {
                    member.read = member.read.max(*seq);
                    member.delivered = member.delivered.max(*seq);
                    member.own.forget_up_to(*seq);
                }
            }
        }
        self.version = event.version;
        self.last_time = event.time;
        Ok(())
    }

    fn open(&mut self, members: &[UserId]) {
        self.members = members
            .iter()
            .map(|user| Member { user: user.clone(), delivered: Seq(0), read: Seq(0), own: Runs::default() })
            .collect();
    }

    fn member_mut(&mut self, user: &UserId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.user == *user)
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
            EventKind::Opened { .. } if self.version != Version(0) => wrong("the chat is open already"),
            EventKind::Opened { .. } => Ok(()),
            EventKind::Message { seq, .. } if *seq != self.last_seq.next() => {
                Err(Inapplicable::Seq { chat: self.id, last: self.last_seq, found: *seq })
            }
            EventKind::Message { sender: user, .. }
            | EventKind::Delivered { member: user, .. }
            | EventKind::Read { member: user, .. }
                if self.member(user).is_none() =>
            {
                wrong("its user is not a member")
            }
            EventKind::Delivered { seq, .. } | EventKind::Read { seq, .. } if *seq > self.last_seq => {
                wrong("its watermark lies beyond the last message")
            }
            _ => Ok(()),
        }
    }
}
