//! What has become of one message: a state beside that of its chat, built from the message's event and those of what
//! was done to it. A chat has any number of messages, so these states are loaded one by one, and only when something is
//! asked of one.

use std::collections::BTreeMap;

use crate::{
    change::{Change, ReactionTag, Target},
    command::Sealed,
    event::{Event, EventKind},
    ids::{Epoch, TimeMs, UserId, Version},
};

/// The state of a message: a function of its event and those that are about it, up to [`Message::version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which.
    pub target: Target,
    /// The last event that is about it; its own when none is.
    pub version: Version,
    /// Who wrote it.
    pub author: UserId,
    /// When it was accepted.
    pub time: TimeMs,
    /// The epoch that all content about it is sealed under.
    pub epoch: Epoch,
    /// When it was deleted for everybody; none while it is there.
    pub deleted: Option<TimeMs>,
    /// By which events it was edited, and when, in their order.
    pub edits: Vec<(Version, TimeMs)>,
    /// How it is reacted to, in the order in which the kinds came up. None is without users.
    pub reactions: Vec<MessageReaction>,
    /// How often each has done something to it.
    pub actions: BTreeMap<UserId, u32>,
}

/// One kind of reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageReaction {
    /// Tells it apart.
    pub tag: ReactionTag,
    /// What it is.
    pub kind: Sealed,
    /// Who sealed it: it opens only as theirs.
    pub by: UserId,
    /// Who reacts so, in ascending order.
    pub users: Vec<UserId>,
}

/// The event is not about the message, or can't follow what is known of it: the log that is being read is not one that
/// this program wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event of version {} is not about the message of version {}", found.0, message.0)]
pub struct NotAbout {
    /// The message.
    pub message: Version,
    /// The event.
    pub found: Version,
}

impl Message {
    /// A message to which nothing was done yet; none when the event is no message.
    #[must_use]
    pub fn written(event: &Event) -> Option<Self> {
        let EventKind::Message { seq, sender, body, .. } = &event.kind else { return None };
        Some(Self {
            target: Target { seq: *seq, version: event.version },
            version: event.version,
            author: sender.clone(),
            time: event.time,
            epoch: body.epoch,
            deleted: None,
            edits: Vec::new(),
            reactions: Vec::new(),
            actions: BTreeMap::new(),
        })
    }

    /// Folds an event into the state.
    ///
    /// # Errors
    /// When it isn't about this message, or not newer than what is known; the state is then as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), NotAbout> {
        let EventKind::Changed { by, change, .. } = &event.kind else {
            return Err(NotAbout { message: self.target.version, found: event.version });
        };
        if change.target() != Some(self.target) || event.version <= self.version {
            return Err(NotAbout { message: self.target.version, found: event.version });
        }
        match change {
            Change::Edit { .. } => self.edits.push((event.version, event.time)),
            Change::Delete { .. } => {
                self.deleted = Some(event.time);
                self.reactions.clear();
            }
            Change::React { reaction, .. } => {
                self.take_back(by);
                if let Some(reaction) = reaction {
                    self.react(by, reaction.tag, &reaction.kind);
                }
            }
            // The chat's state has what is pinned.
            _ => {}
        }
        *self.actions.entry(by.clone()).or_default() += 1;
        self.version = event.version;
        Ok(())
    }

    /// How a user reacts to it.
    #[must_use]
    pub fn reaction_of(&self, user: &UserId) -> Option<&MessageReaction> {
        self.reactions.iter().find(|reaction| reaction.users.binary_search(user).is_ok())
    }

    fn take_back(&mut self, user: &UserId) {
        for reaction in &mut self.reactions {
            if let Ok(at) = reaction.users.binary_search(user) {
                reaction.users.remove(at);
            }
        }
        self.reactions.retain(|reaction| !reaction.users.is_empty());
    }

    fn react(&mut self, user: &UserId, tag: ReactionTag, kind: &Sealed) {
        let known = self.reactions.iter().position(|reaction| reaction.tag == tag);
        let at = known.unwrap_or_else(|| {
            let (kind, by) = (kind.clone(), user.clone());
            self.reactions.push(MessageReaction { tag, kind, by, users: Vec::new() });
            self.reactions.len() - 1
        });
        let users = &mut self.reactions[at].users;
        if let Err(place) = users.binary_search(user) {
            users.insert(place, user.clone());
        }
    }
}
