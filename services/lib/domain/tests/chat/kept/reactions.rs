//! How a message is reacted to.

use std::collections::BTreeSet;

use chasqui_domain::{Change, MessageReaction, Reaction, ReactionTag, UserId};

use super::{Act, Kept};

impl Kept {
    pub(super) fn reactions(&self) -> Vec<MessageReaction> {
        if self.is_deleted() {
            return vec![];
        }
        let tags: BTreeSet<_> = self.acts.iter().filter_map(|act| Some(said(act)?.as_ref()?.tag)).collect();
        let mut came_up: Vec<_> = tags.into_iter().filter_map(|tag| self.kind(tag)).collect();
        came_up.sort_by_key(|(since, _)| *since);
        came_up.into_iter().map(|(_, reaction)| reaction).collect()
    }

    /// How a user reacts now.
    pub(super) fn reaction_of(&self, user: &UserId) -> Option<&Reaction> {
        last_word(&self.acts, user)
    }

    /// The kinds by which others react.
    pub(super) fn kinds_of_others(&self, user: &UserId) -> BTreeSet<ReactionTag> {
        let others = self.acts.iter().map(|act| &act.by).filter(|other| *other != user);
        others.filter_map(|other| Some(self.reaction_of(other)?.tag)).collect()
    }

    /// A kind by which somebody reacts, and since what was done when: since there was last nobody who did.
    fn kind(&self, tag: ReactionTag) -> Option<(usize, MessageReaction)> {
        let users = reactors(&self.acts, tag);
        if users.is_empty() {
            return None;
        }
        let since = (0..self.acts.len()).rfind(|acts| reactors(&self.acts[..*acts], tag).is_empty())?;
        let (by, kind) = (self.acts[since].by.clone(), said(&self.acts[since])?.as_ref()?.kind.clone());
        Some((since, MessageReaction { tag, kind, by, users: users.into_iter().collect() }))
    }
}

/// What is said by reacting.
fn said(act: &Act) -> Option<&Option<Reaction>> {
    match &act.change {
        Change::React { reaction, .. } => Some(reaction),
        _ => None,
    }
}

fn last_word<'a>(acts: &'a [Act], user: &UserId) -> Option<&'a Reaction> {
    acts.iter().filter(|act| act.by == *user).filter_map(said).next_back()?.as_ref()
}

/// Who reacts so after all this was done.
fn reactors(acts: &[Act], tag: ReactionTag) -> BTreeSet<UserId> {
    let reacts = |user: &&UserId| last_word(acts, user).is_some_and(|reaction| reaction.tag == tag);
    acts.iter().map(|act| &act.by).filter(reacts).cloned().collect()
}
