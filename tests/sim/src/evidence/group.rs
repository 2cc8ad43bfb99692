//! How far a chat is, as the store has it: a group, and, of a direct chat, what was done to its messages.

use std::collections::BTreeMap;

use chasqui_domain::{Change, ChatId, EventKind, UserId};

use super::events;
use crate::world::World;

/// A group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Who is in it.
    pub(crate) members: BTreeMap<UserId, Member>,
    /// What each user, who may have gone, is to have seen last.
    pub(crate) last: BTreeMap<UserId, Last>,
    /// What each device has written for others since its user came.
    written: BTreeMap<String, Vec<u64>>,
}

/// A member.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) delivered: u64,
    pub(crate) read: u64,
    /// The last message of somebody else.
    pub(crate) last: u64,
}

/// What a user is to have seen.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// The last message.
    pub(crate) seq: u64,
    /// The last change: by whom, on which device, and its id; that is 0 when there is none.
    pub(crate) change: (String, String, u64),
}

impl Group {
    /// A group as the store has it.
    pub(crate) fn of(world: &World, chat: ChatId) -> Self {
        let (mut group, mut last_seq) = (Self::default(), 0);
        for event in events(world, chat) {
            match event.kind {
                EventKind::Created { by, device, counter, members, .. } => {
                    members.into_iter().for_each(|user| group.join(user, last_seq));
                    group.changed(&by, &device.to_string(), counter.0);
                }
                EventKind::Changed { by, device, counter, change, .. } => {
                    let gone = match change {
                        Change::Add { users } => {
                            users.into_iter().for_each(|user| group.join(user, last_seq));
                            None
                        }
                        Change::Remove { user } => Some(user),
                        Change::Leave => Some(by.clone()),
                        // Nobody is told who has what is deleted.
                        Change::Delete { message } => {
                            group.written.values_mut().for_each(|seqs| seqs.retain(|seq| *seq != message.seq.0));
                            None
                        }
                        _ => None,
                    };
                    group.changed(&by, &device.to_string(), counter.0);
                    if let Some(gone) = gone {
                        group.members.remove(&gone);
                        group.written.retain(|device, _| !device.starts_with(&format!("{gone}/")));
                    }
                }
                EventKind::Message { seq, sender, device, .. } => {
                    last_seq = seq.0;
                    if group.members.len() > 1 {
                        group.written.entry(format!("{sender}/{device}")).or_default().push(seq.0);
                    }
                    for (user, member) in &mut group.members {
                        group.last.entry(user.clone()).or_default().seq = seq.0;
                        if *user != sender {
                            member.last = seq.0;
                        }
                    }
                }
                EventKind::Delivered { member, seq } => group.raise(&member, seq.0, 0),
                EventKind::Read { member, seq } => group.raise(&member, seq.0, seq.0),
                EventKind::Opened { members } => members.into_iter().for_each(|user| group.join(user, last_seq)),
            }
        }
        group
    }

    /// Up to where a device is to know that all others than its user have its messages, and have read them.
    pub(crate) fn due(&self, user: &UserId, device: &str) -> (u64, u64) {
        let others = || self.members.iter().filter(|(other, _)| *other != user).map(|(_, member)| member);
        let own = |up_to: Option<u64>| {
            let own = self.written.get(device).into_iter().flatten().copied();
            own.filter(|own| Some(*own) <= up_to).max().unwrap_or_default()
        };
        (own(others().map(|member| member.delivered).min()), own(others().map(|member| member.read).min()))
    }

    fn join(&mut self, user: UserId, after: u64) {
        let new = Member { delivered: after, read: after, last: after };
        self.members.insert(user, new);
    }

    fn changed(&mut self, by: &UserId, device: &str, id: u64) {
        for user in self.members.keys() {
            self.last.entry(user.clone()).or_default().change = (by.to_string(), device.to_owned(), id);
        }
    }

    fn raise(&mut self, user: &UserId, delivered: u64, read: u64) {
        if let Some(member) = self.members.get_mut(user) {
            (member.delivered, member.read) = (member.delivered.max(delivered), member.read.max(read));
        }
    }
}
