//! A message as it is shown, and what becomes of it.

use std::fmt;

use chasqui_domain::{ContentType, Counter, DeviceId, Seq, TimeMs, UserId};
use chasqui_wire::frames::{Edit, Message, ReactionItem};

use super::super::text::{clean, clean_line};

/// What stands in the place of a message that was deleted.
const DELETED: &str = "message deleted";

/// A message as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chat) struct Item {
    pub(in crate::chat) seq: Seq,
    pub(in crate::chat) time: TimeMs,
    pub(in crate::chat) from: UserId,
    pub(in crate::chat) device: DeviceId,
    pub(in crate::chat) id: Counter,
    /// Clean.
    pub(in crate::chat) text: String,
    /// The message that it replies to.
    pub(in crate::chat) reply_to: Option<Seq>,
    /// When it was edited last.
    pub(in crate::chat) edited: Option<TimeMs>,
    pub(in crate::chat) is_deleted: bool,
    pub(in crate::chat) reactions: Vec<Reaction>,
}

/// One kind of reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::chat) struct Reaction {
    /// Clean, on one line.
    kind: String,
    count: u32,
    is_own: bool,
}

impl From<ReactionItem> for Reaction {
    fn from(item: ReactionItem) -> Self {
        let kind = item.reaction.as_deref().map_or_else(|| "?".to_owned(), clean_line);
        Self { kind, count: item.count, is_own: item.own }
    }
}

/// Such as `👍 2`; in brackets where the user is one of them.
impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, count, is_own } = self;
        if *is_own { write!(f, "[{kind} {count}]") } else { write!(f, "{kind} {count}") }
    }
}

impl From<Message> for Item {
    fn from(message: Message) -> Self {
        let text = said(message.text.as_deref(), message.body.as_deref(), Some(&message.content_type));
        let Message { seq, time, from, device, id, reply_to, edited, deleted, reactions, .. } = message;
        let reactions = reactions.into_iter().map(Reaction::from).collect();
        let mut item = Self { seq, time, from, device, id, text, reply_to, edited, is_deleted: false, reactions };
        if deleted.is_some() {
            item.delete();
        }
        item
    }
}

impl Item {
    /// It says something else since a time. The inbox may tell late what an answer knew before.
    pub(in crate::chat) fn edit(&mut self, edit: &Edit, time: TimeMs) {
        if self.is_deleted || self.edited > Some(time) {
            return;
        }
        self.text = said(edit.text.as_deref(), edit.body.as_deref(), edit.content_type.as_ref());
        (self.reply_to, self.edited) = (edit.reply_to, Some(time));
    }

    pub(in crate::chat) fn delete(&mut self) {
        self.text = DELETED.to_owned();
        (self.reply_to, self.edited, self.is_deleted) = (None, None, true);
        self.reactions.clear();
    }

    /// Takes what an answer says of it. That may be older than what came by itself, but for reactions, of which it is
    /// only known from answers how many there are.
    pub(super) fn renew(&mut self, answer: &Self) {
        if self.is_deleted || answer.is_deleted {
            return self.delete();
        }
        if answer.edited > self.edited {
            (self.text, self.reply_to, self.edited) = (answer.text.clone(), answer.reply_to, answer.edited);
        }
        self.reactions.clone_from(&answer.reactions);
    }

    /// Its reactions on one line.
    pub(in crate::chat) fn reacted(&self) -> String {
        self.reactions.iter().map(Reaction::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// What a message says, clean; what is no text says what it is.
pub(in crate::chat) fn said(text: Option<&str>, body: Option<&[u8]>, kind: Option<&ContentType>) -> String {
    let other = || {
        let kind = kind.map_or_else(|| "no text".to_owned(), ContentType::to_string);
        format!("[{kind}, {} bytes]", body.map_or(0, <[u8]>::len))
    };
    text.map_or_else(other, clean)
}
