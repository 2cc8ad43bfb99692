//! What is printed of messages: also of what has become of them.

use chasqui_client::To;
use chasqui_domain::{Seq, UserId};

use super::{
    super::super::{
        command::{Kind, mentions},
        limits::AUTHORS_MAX,
        text::clean_line,
        timeline::Item,
        times,
    },
    Script,
};

impl Script {
    pub(in super::super) fn kind(&self) -> Kind {
        if self.is_group() { Kind::Group } else { Kind::Direct }
    }

    /// The last message of this run.
    pub(in super::super) fn last_own(&self) -> Option<Seq> {
        self.last_own
    }

    /// A message, and how it is reacted to. Out of the inbox it is as it was written; out of the history as it is now.
    pub(super) fn lines(&self, item: &Item) -> Vec<String> {
        let (time, seq, from) = (times::clock(item.time, &self.zone), item.seq, clean_line(item.from.as_str()));
        // In front of the name, where no text can pretend it.
        let reply = item.reply_to.map_or_else(String::new, |seq| format!(" ↳ #{seq}"));
        let edited = if item.edited.is_some() { " (edited)" } else { "" };
        if item.is_deleted {
            return vec![format!("{time} #{seq} (deleted) {from}")];
        }
        let mut lines = vec![format!("{time} #{seq}{reply}{edited} {from}: {}", clean_line(&item.text))];
        if !item.reactions.is_empty() {
            lines.push(format!("{time} * reactions to #{seq}: {}", item.reacted()));
        }
        lines
    }

    /// Somebody writes here, and may be mentioned.
    pub(super) fn knows(&mut self, user: &UserId) {
        if self.authors.len() < AUTHORS_MAX {
            self.authors.insert(user.clone());
        }
    }

    /// Whom a text mentions, of those who are known: the other user, and in a group who has written.
    pub(in super::super) fn mentions(&self, text: &str) -> Vec<UserId> {
        mentions(text, |user| match &self.to {
            To::User(peer) => user == peer,
            To::Group(_) => self.authors.contains(user),
        })
    }
}
