//! What was changed in a group: in memory, in the chat's order, and as people read it; that also of messages.

use std::{
    collections::VecDeque,
    mem::{Discriminant, discriminant},
};

use chasqui_domain::{Counter, DeviceId, Role, Seq, TimeMs, UserId, Version};
use chasqui_wire::frames::{self, ChangeMade, Changed};

use super::{
    limits::{CHANGES_MAX, NAMES_MAX},
    text::clean_line,
    timeline::said,
};

/// What one change is told from others by. To leave can be two of one id: somebody else becomes the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    by: UserId,
    device: DeviceId,
    id: Counter,
    kind: Discriminant<ChangeMade>,
}

impl From<&Changed> for Key {
    fn from(changed: &Changed) -> Self {
        let Changed { by, device, id, change, .. } = changed;
        Self { by: by.clone(), device: device.clone(), id: *id, kind: discriminant(change) }
    }
}

/// A change as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Names it on this screen.
    pub(super) number: u64,
    /// The last message before it.
    pub(super) after: Seq,
    pub(super) time: TimeMs,
    /// Clean, on one line.
    pub(super) text: String,
    key: Key,
}

/// Where older changes are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Older {
    /// Nothing was asked for yet.
    #[default]
    Unknown,
    Before(Version),
    Nowhere,
}

/// The newest changes, without a hole.
#[derive(Debug, Default)]
pub(super) struct Changes {
    list: VecDeque<Change>,
    older: Older,
    next_number: u64,
}

impl Changes {
    /// In the chat's order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Change> {
        self.list.iter()
    }

    /// What came meanwhile was not among the updates, and there may be a hole behind what is here.
    pub(super) fn missed(&mut self) {
        self.list.clear();
        self.older = Older::Unknown;
    }

    /// Where to ask on, when changes may be missing among the messages from `first` on; `is_top` when nothing lies above
    /// that.
    pub(super) fn older(&self, first: Seq, is_top: bool) -> Option<Version> {
        let Older::Before(place) = self.older else { return None };
        let is_covered = self.list.front().is_some_and(|oldest| oldest.after < first) && !is_top;
        (!is_covered && self.list.len() < CHANGES_MAX).then_some(place)
    }

    /// Takes a change that came by itself.
    pub(super) fn came(&mut self, changed: &Changed) {
        let key = Key::from(changed);
        if self.list.iter().any(|known| known.key == key) {
            return;
        }
        let at = self.place(changed);
        self.insert(at, changed, key);
        while self.list.len() > CHANGES_MAX {
            self.list.pop_front();
            // What is gone from memory is not asked for again.
            self.older = Older::Nowhere;
        }
    }

    /// Takes an answer: changes from the latest down, of a page that began at `before` or at the newest.
    pub(super) fn loaded(&mut self, before: Option<Version>, page: frames::Changes) {
        let older = page.next.map_or(Older::Nowhere, Older::Before);
        match before {
            Some(before) if self.older != Older::Before(before) => return,
            Some(_) => self.older = older,
            None => {
                let is_joined = older == Older::Nowhere || self.reaches(&page.changes);
                if !is_joined {
                    // What lies between is loaded when it is needed.
                    self.list.clear();
                }
                if !is_joined || self.older == Older::Unknown {
                    self.older = older;
                }
            }
        }
        let mut at = self.list.len();
        for changed in &page.changes {
            let key = Key::from(changed);
            if let Some(known) = self.list.iter().position(|known| known.key == key) {
                at = known;
                continue;
            }
            at = at.min(self.place(changed));
            self.insert(at, changed, key);
        }
    }

    /// Whether nothing can lie between what is here and the newest page: they overlap, or what is here came behind it.
    fn reaches(&self, page: &[Changed]) -> bool {
        let is_behind = |last: &Change| page.first().is_none_or(|newest| place(newest) <= (last.after, last.time));
        let is_known = |changed: &Changed| self.list.iter().any(|known| known.key == Key::from(changed));
        self.list.back().is_some_and(is_behind) || page.iter().any(is_known)
    }

    /// Behind all that are not later.
    fn place(&self, changed: &Changed) -> usize {
        self.list.partition_point(|known| (known.after, known.time) <= place(changed))
    }

    fn insert(&mut self, at: usize, changed: &Changed, key: Key) {
        let (number, after, time, text) = (self.next_number, changed.after, changed.time, told(changed));
        self.next_number += 1;
        self.list.insert(at, Change { number, after, time, text, key });
    }
}

/// Neither ever goes back in a chat.
fn place(changed: &Changed) -> (Seq, TimeMs) {
    (changed.after, changed.time)
}

/// A change as people read it: clean, on one line.
pub(super) fn told(changed: &Changed) -> String {
    let by = name(&changed.by);
    match &changed.change {
        ChangeMade::Created { users, title, .. } => {
            let title = title.as_deref().map_or_else(String::new, |title| format!(" {}", titled(title)));
            let others: Vec<UserId> = users.iter().filter(|user| **user != changed.by).cloned().collect();
            let with = if others.is_empty() { String::new() } else { format!(" with {}", names(&others)) };
            format!("{by} created the group{title}{with}")
        }
        ChangeMade::Add { users } => format!("{by} added {}", names(users)),
        ChangeMade::Remove { user } => format!("{by} removed {}", name(user)),
        ChangeMade::Leave {} => format!("{by} left"),
        ChangeMade::Role { user, role } => format!("{by} made {} {}", name(user), a_role(*role)),
        ChangeMade::Describe { title, picture } => {
            let title = title.as_deref().map(|title| format!("renamed the group to {}", titled(title)));
            let picture = picture.as_deref().map(|picture| {
                if picture.is_empty() { "removed the picture" } else { "changed the picture" }.to_owned()
            });
            let parts: Vec<String> = title.into_iter().chain(picture).collect();
            let what =
                if parts.is_empty() { "changed what the group is called".to_owned() } else { parts.join(" and ") };
            format!("{by} {what}")
        }
        ChangeMade::Edit(edit) => {
            let text = said(edit.text.as_deref(), edit.body.as_deref(), edit.content_type.as_ref());
            let text = text.replace('\n', "⏎");
            format!("{by} edited #{}: {text}", edit.seq)
        }
        ChangeMade::Delete { seq } => format!("{by} deleted #{seq}"),
        ChangeMade::React { seq, reaction: Some(reaction) } => {
            format!("{by} reacted {} to #{seq}", clean_line(reaction))
        }
        ChangeMade::React { seq, reaction: None } => format!("{by} took their reaction to #{seq} back"),
        ChangeMade::Pin { seq } => format!("{by} pinned #{seq}"),
        ChangeMade::Unpin { seq } => format!("{by} unpinned #{seq}"),
    }
}

/// Why a user is no longer in a group behind a change; none when they still are.
pub(super) fn parting(changed: &Changed, me: &UserId) -> Option<String> {
    match &changed.change {
        ChangeMade::Remove { user } if user == me => Some(format!("{} removed you from this group", name(&changed.by))),
        ChangeMade::Leave {} if changed.by == *me => Some(LEFT.to_owned()),
        _ => None,
    }
}

/// What is said to who has left.
pub(super) const LEFT: &str = "you left this group";
/// What is said to who is in no such group.
pub(super) const NOT_IN_IT: &str = "you are not in this group";

/// Whether a user comes to a group by a change.
pub(super) fn is_added(changed: &Changed, me: &UserId) -> bool {
    matches!(&changed.change, ChangeMade::Add { users } if users.contains(me))
}

/// Such as `an admin`.
fn a_role(role: Role) -> &'static str {
    match role {
        Role::Member => "a member",
        Role::Admin => "an admin",
        Role::Owner => "an owner",
    }
}

fn name(user: &UserId) -> String {
    clean_line(user.as_str())
}

fn titled(title: &str) -> String {
    format!("“{}”", clean_line(title))
}

/// The first of them, and how many more there are.
fn names(users: &[UserId]) -> String {
    let shown = users.iter().take(NAMES_MAX).map(name).collect::<Vec<_>>().join(", ");
    let more = users.len().saturating_sub(NAMES_MAX);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

#[cfg(test)]
mod tests;
