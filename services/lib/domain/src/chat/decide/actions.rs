//! Deciding what is done to messages.

use super::Asked;
use crate::{
    change::{Change, Reaction, Role, Target},
    chat::{Member, Message},
    command::Sealed,
    event::Refusal,
    ids::UserId,
};

impl Asked<'_> {
    /// Whether anything changes.
    pub(super) fn act(&self, by: &Member, target: Target, change: &Change, allowed: bool) -> Result<bool, Refusal> {
        let message = self.visible(by, target)?;
        // What is deleted says nothing more to anybody, so the policy has no say in it.
        if !allowed && !matches!(change, Change::Delete { .. }) {
            return Err(Refusal::NotAllowed);
        }
        match change {
            Change::Edit { body, .. } => self.edit(message, by, body).map(|()| true),
            Change::Delete { .. } => self.delete(message, by),
            Change::React { reaction, .. } => self.react(message, by, reaction.as_ref()),
            Change::Pin { .. } => self.pin(message, by),
            Change::Unpin { .. } => self.unpin(message, by),
            // They are about no message.
            Change::Add { .. }
            | Change::Remove { .. }
            | Change::Leave
            | Change::SetRole { .. }
            | Change::Describe { .. } => Err(Refusal::NoSuchMessage),
        }
    }

    /// The message, which was written since the member is in the chat.
    fn visible(&self, by: &Member, target: Target) -> Result<&Message, Refusal> {
        let message = self.message.filter(|message| message.target == target);
        message.filter(|message| message.target.version >= by.joined.version).ok_or(Refusal::NoSuchMessage)
    }

    /// Who may see a message: those who came before it was written.
    pub(super) fn readers(&self, message: Target) -> Vec<UserId> {
        let readers = self.chat.members.iter().filter(|member| member.joined.version <= message.version);
        readers.map(|member| member.user.clone()).collect()
    }

    fn edit(&self, message: &Message, by: &Member, body: &Sealed) -> Result<(), Refusal> {
        check_author(message, by)?;
        check_there(message)?;
        self.check_within(message, self.command.rules.edit_within_ms)?;
        self.check_actions(message, &by.user)?;
        if body.bytes.len() > self.command.rules.body_bytes_max as usize {
            return Err(Refusal::BodyTooLarge);
        }
        check_epoch(message, body)
    }

    fn delete(&self, message: &Message, by: &Member) -> Result<bool, Refusal> {
        check_author(message, by)?;
        if message.deleted.is_some() {
            return Ok(false);
        }
        self.check_within(message, self.command.rules.delete_within_ms)?;
        Ok(true)
    }

    fn react(&self, message: &Message, by: &Member, reaction: Option<&Reaction>) -> Result<bool, Refusal> {
        check_there(message)?;
        let former = message.reaction_of(&by.user);
        if former.map(|former| former.tag) == reaction.map(|reaction| reaction.tag) {
            return Ok(false);
        }
        self.check_actions(message, &by.user)?;
        let Some(reaction) = reaction else { return Ok(true) };
        let rules = self.command.rules.number;
        if reaction.kind.bytes.len() > rules.reaction_bytes_max() {
            return Err(Refusal::BodyTooLarge);
        }
        check_epoch(message, &reaction.kind)?;
        let is_known = message.reactions.iter().any(|known| known.tag == reaction.tag);
        // The user's former one may go with them.
        let others = message.reactions.iter().filter(|known| known.users.iter().any(|user| *user != by.user)).count();
        if !is_known && others >= rules.reaction_kinds_max() { Err(Refusal::TooManyReactions) } else { Ok(true) }
    }

    /// In a group those pin who say what it is called.
    fn pin(&self, message: &Message, by: &Member) -> Result<bool, Refusal> {
        self.check_pins(by)?;
        check_there(message)?;
        if self.is_pinned(message) {
            return Ok(false);
        }
        self.check_actions(message, &by.user)?;
        let is_full = self.chat.pins.len() >= self.command.rules.number.pins_max();
        if is_full { Err(Refusal::TooManyPins) } else { Ok(true) }
    }

    fn unpin(&self, message: &Message, by: &Member) -> Result<bool, Refusal> {
        self.check_pins(by)?;
        // It makes room, so it is never one too many.
        Ok(self.is_pinned(message))
    }

    fn is_pinned(&self, message: &Message) -> bool {
        self.chat.pins.contains(&message.target)
    }

    fn check_pins(&self, by: &Member) -> Result<(), Refusal> {
        if self.chat.id.is_group() && by.role < Role::Admin { Err(Refusal::NotPermitted) } else { Ok(()) }
    }

    fn check_within(&self, message: &Message, within_ms: u32) -> Result<(), Refusal> {
        let age = self.time.0.saturating_sub(message.time.0);
        if age > u64::from(within_ms) { Err(Refusal::TooLate) } else { Ok(()) }
    }

    /// Each event about a message is loaded with it, so they are bounded.
    fn check_actions(&self, message: &Message, user: &UserId) -> Result<(), Refusal> {
        let rules = self.command.rules.number;
        let own = message.actions.get(user).copied().unwrap_or_default();
        let all: u32 = message.actions.values().sum();
        let is_full = own >= rules.actions_of_user_max() || all >= rules.actions_max();
        if is_full { Err(Refusal::TooManyActions) } else { Ok(()) }
    }
}

fn check_author(message: &Message, by: &Member) -> Result<(), Refusal> {
    if message.author == by.user { Ok(()) } else { Err(Refusal::NotPermitted) }
}

fn check_there(message: &Message) -> Result<(), Refusal> {
    if message.deleted.is_some() { Err(Refusal::NoSuchMessage) } else { Ok(()) }
}

fn check_epoch(message: &Message, sealed: &Sealed) -> Result<(), Refusal> {
    if sealed.epoch == message.epoch { Ok(()) } else { Err(Refusal::StaleEpoch { current: message.epoch }) }
}
