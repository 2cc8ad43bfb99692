//! What is to be done to a message, by who sees it.

use chasqui_domain::{Change, Reaction, Refusal, Rules, Sealed, TimeMs, UserId};

use super::Kept;

const ACTIONS_OF_USER_MAX: usize = 64;
const ACTIONS_MAX: usize = 8192;
const KINDS_MAX: usize = 32;
const REACTION_BYTES_MAX: usize = 128;
const PINS_MAX: usize = 32;

/// Who asks, when, and in what kind of chat.
#[derive(Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) user: &'a UserId,
    /// Whether they are one of those who pin.
    pub(crate) pins: bool,
    /// Whether the policy lets them.
    pub(crate) allowed: bool,
    pub(crate) rules: Rules,
    pub(crate) now: TimeMs,
    /// How many messages of the chat are pinned.
    pub(crate) pinned: usize,
}

impl Kept {
    /// Whether it changes anything.
    pub(crate) fn ask(&self, change: &Change, asker: &Asker<'_>) -> Result<bool, Refusal> {
        let is_delete = matches!(change, Change::Delete { .. });
        require(asker.allowed || is_delete, Refusal::NotAllowed)?;
        match change {
            Change::Edit { body, .. } => self.ask_edit(body, asker),
            Change::Delete { .. } => {
                require(self.author == *asker.user, Refusal::NotPermitted)?;
                let is_in_time = self.age(asker) <= u64::from(asker.rules.delete_within_ms);
                require(self.is_deleted() || is_in_time, Refusal::TooLate)?;
                Ok(!self.is_deleted())
            }
            Change::React { reaction, .. } => self.ask_reaction(reaction.as_ref(), asker),
            Change::Pin { .. } => {
                require(asker.pins, Refusal::NotPermitted)?;
                require(!self.is_deleted(), Refusal::NoSuchMessage)?;
                if self.pinned().is_some() {
                    return Ok(false);
                }
                self.require_room(asker.user)?;
                require(asker.pinned < PINS_MAX, Refusal::TooManyPins)?;
                Ok(true)
            }
            Change::Unpin { .. } => {
                require(asker.pins, Refusal::NotPermitted)?;
                Ok(self.pinned().is_some())
            }
            other => panic!("it is about no message: {other:?}"),
        }
    }

    fn ask_edit(&self, body: &Sealed, asker: &Asker<'_>) -> Result<bool, Refusal> {
        require(self.author == *asker.user, Refusal::NotPermitted)?;
        require(!self.is_deleted(), Refusal::NoSuchMessage)?;
        require(self.age(asker) <= u64::from(asker.rules.edit_within_ms), Refusal::TooLate)?;
        self.require_room(asker.user)?;
        require(body.bytes.len() <= asker.rules.body_bytes_max as usize, Refusal::BodyTooLarge)?;
        self.require_epoch(body)?;
        Ok(true)
    }

    fn ask_reaction(&self, reaction: Option<&Reaction>, asker: &Asker<'_>) -> Result<bool, Refusal> {
        require(!self.is_deleted(), Refusal::NoSuchMessage)?;
        let former = self.reaction_of(asker.user);
        if former.map(|former| former.tag) == reaction.map(|reaction| reaction.tag) {
            return Ok(false);
        }
        self.require_room(asker.user)?;
        if let Some(reaction) = reaction {
            require(reaction.kind.bytes.len() <= REACTION_BYTES_MAX, Refusal::BodyTooLarge)?;
            self.require_epoch(&reaction.kind)?;
            let mut kinds = self.kinds_of_others(asker.user);
            kinds.insert(reaction.tag);
            require(kinds.len() <= KINDS_MAX, Refusal::TooManyReactions)?;
        }
        Ok(true)
    }

    fn age(&self, asker: &Asker<'_>) -> u64 {
        asker.now.0 - self.time.0
    }

    fn require_room(&self, user: &UserId) -> Result<(), Refusal> {
        let has_room = self.acts.len() < ACTIONS_MAX && self.acts_of(user) < ACTIONS_OF_USER_MAX;
        require(has_room, Refusal::TooManyActions)
    }

    fn require_epoch(&self, sealed: &Sealed) -> Result<(), Refusal> {
        require(sealed.epoch == self.epoch, Refusal::StaleEpoch { current: self.epoch })
    }
}

fn require(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}
