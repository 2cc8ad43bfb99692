//! What events change of what is shown of a chat, until it is written.

use std::collections::BTreeMap;

use chasqui_domain::{Change, Chat, Event, EventKind, Message, UserId, Version};
use chasqui_store::{ChatUpdate, MemberState, MemberUpdate, MessageUpdate, Stream};
use chasqui_wire::{
    member::{self, ChatMember},
    message::{self, MessageState},
    summary::{self, ChatSummary},
};

use crate::Error;

/// The members of whom something changed, and what is shown of the chat whoever asks, if that did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    members: BTreeMap<UserId, Touch>,
    /// The messages to which something was done, by version, and whether they were deleted by it.
    messages: BTreeMap<Version, bool>,
    /// As of the last event that is no receipt: wherever a batch ends, the same is written.
    summary: Option<ChatSummary>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Touch {
    Joined,
    Stays,
    Gone,
}

impl Touched {
    /// Remembers what an event has changed in its chat.
    pub(crate) fn note(&mut self, event: &Event, chat: &Chat) {
        if !event.kind.is_receipt() {
            self.summary = Some(ChatSummary::from(chat));
        }
        if let Some(target) = event.kind.target() {
            *self.messages.entry(target.version).or_default() |= is_deletion(event);
        }
        match &event.kind {
            EventKind::Opened { members } | EventKind::Created { members, .. } => self.touch(members, Touch::Joined),
            EventKind::Message { sender: user, .. }
            | EventKind::Delivered { member: user, .. }
            | EventKind::Read { member: user, .. } => self.touch([user], Touch::Stays),
            EventKind::Changed { by, change, .. } => match change {
                Change::Add { users } => self.touch(users, Touch::Joined),
                Change::Remove { user } => self.touch([user], Touch::Gone),
                Change::Leave => self.touch([by], Touch::Gone),
                Change::SetRole { user, .. } => self.touch([user], Touch::Stays),
                // What is deleted is one's own no more.
                Change::Delete { .. } => self.touch([by], Touch::Stays),
                Change::Describe { .. }
                | Change::Edit { .. }
                | Change::React { .. }
                | Change::Pin { .. }
                | Change::Unpin { .. } => {}
            },
        }
    }

    fn touch<'a>(&mut self, users: impl IntoIterator<Item = &'a UserId>, touch: Touch) {
        for user in users {
            let stands = self.members.entry(user.clone()).or_insert(touch);
            // Who has joined by these events has joined, whatever else they did.
            if (*stands, touch) != (Touch::Joined, Touch::Stays) {
                *stands = touch;
            }
        }
    }

    /// What is to be written, as of the state.
    ///
    /// # Errors
    /// When a number is above 2^63 - 1.
    pub(crate) fn update(
        &self,
        chat: &Chat,
        messages: &BTreeMap<Version, Option<Message>>,
    ) -> Result<ChatUpdate, Error> {
        let member = |(user, touch): (&UserId, &Touch)| {
            let state = match (chat.member(user), touch) {
                (None, _) | (_, Touch::Gone) => MemberState::Gone,
                (Some(member), Touch::Joined) => MemberState::Joined(member::encode(&ChatMember::from(member))?),
                (Some(member), Touch::Stays) => MemberState::Stays(member::encode(&ChatMember::from(member))?),
            };
            Ok(MemberUpdate { user: user.clone(), state })
        };
        let summary = self.summary.as_ref().map(summary::encode).transpose()?;
        let members = self.members.iter().map(member).collect::<Result<_, Error>>()?;
        let acted =
            self.messages.iter().filter_map(|(version, deleted)| Some((messages.get(version)?.as_ref()?, deleted)));
        let messages = acted.map(|(message, deleted)| state(message, *deleted)).collect::<Result<_, _>>()?;
        Ok(ChatUpdate { chat: chat.id, version: chat.version, summary, members, messages })
    }
}

/// What has become of a message. When it was deleted, nothing that it ever said is kept.
fn state(message: &Message, is_deleted: bool) -> Result<MessageUpdate, Error> {
    let written = (Stream::Content, message.target.version);
    let edits = message.edits.iter().map(|(version, _)| (Stream::Actions, *version));
    let erased = if is_deleted { [written].into_iter().chain(edits).collect() } else { Vec::new() };
    Ok(MessageUpdate { seq: message.target.seq, state: message::encode(&MessageState::from(message))?, erased })
}

fn is_deletion(event: &Event) -> bool {
    matches!(&event.kind, EventKind::Changed { change: Change::Delete { .. }, .. })
}
