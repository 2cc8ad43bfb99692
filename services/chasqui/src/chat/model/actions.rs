//! What is done to messages: by others as it is told, by this device when it is done.

use chasqui_client::To;
use chasqui_domain::{Seq, TimeMs, UserId};

use super::{
    super::{
        actions::Action,
        command::{Kind, mentions},
    },
    Model,
};

impl Model {
    pub(super) fn kind(&self) -> Kind {
        if self.group.is_some() { Kind::Group } else { Kind::Direct }
    }

    /// Something was done to a message. When it is told again, something else may have been done since.
    pub(super) fn acted(&mut self, action: Action<'_>, time: TimeMs, is_again: bool) {
        let seq = action.seq();
        match (action, self.timeline.get_mut(seq)) {
            (Action::Pin(_), _) => self.loads.refresh_summary(),
            (Action::Delete(_), Some(item)) => item.delete(),
            (Action::Edit(edit), Some(item)) if !is_again => item.edit(edit, time),
            // How they reacted before is not known here, or the message is on its way as it was before.
            _ => self.loads.doubt(seq, &self.timeline),
        }
    }

    /// What was done meanwhile is not among the updates.
    pub(super) fn doubt_all(&mut self) {
        let seqs: Vec<Seq> = self.timeline.items().map(|item| item.seq).collect();
        seqs.into_iter().for_each(|seq| self.loads.doubt(seq, &self.timeline));
    }

    /// The last message of the user that is here.
    pub(super) fn last_own(&self) -> Option<Seq> {
        let is_own = |item: &&super::Item| item.from == self.me && !item.is_deleted;
        self.timeline.items().rev().find(is_own).map(|item| item.seq)
    }

    /// The last message of the user, when there is none behind it on its way.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn last_own_for(&self, command: &str) -> Result<Seq, String> {
        if self.outgoing.iter().any(|it| it.wish.change.is_none()) {
            return Err(format!("your last message is not accepted: wait, or name another with /{command} #N"));
        }
        self.last_own().ok_or_else(|| format!("there is no message of yours here: name one with /{command} #N"))
    }

    /// Whom a text mentions, of those who are known: the other user, and in a group whose messages are here.
    pub(super) fn mentions(&self, text: &str) -> Vec<UserId> {
        mentions(text, |user| match &self.to {
            To::User(peer) => user == peer,
            To::Group(_) => self.timeline.items().any(|item| item.from == *user),
        })
    }
}
