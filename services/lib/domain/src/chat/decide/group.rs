//! Deciding what groups are and who is in them.

use std::cmp::Reverse;

use super::{Asked, check_counter};
use crate::{
    change::{Change, Role},
    chat::{Member, counts::Crowd},
    command::{Create, Sealed},
    event::{Decision, Effect, Entry, EventKind, Refusal},
    ids::{ChatId, Counter, Epoch, UserId, Version},
};

impl Asked<'_> {
    pub(super) fn create(&self, create: &Create) -> Result<Decision, Refusal> {
        let (chat, sender, device) = (self.chat, &self.command.sender, &self.command.device);
        if ChatId::group(sender, device, create.counter) != chat.id {
            return Err(Refusal::WrongChat);
        }
        check_counter(create.counter)?;
        // Nobody else can have made it, so it is a repeat, however old. Those who are in it from the start say when it was made.
        if chat.version > Version(0) {
            let first = chat.members.iter().find(|member| member.joined.version == Version(1));
            return Ok(self.done(create.counter, first.map_or(self.time, |first| first.joined.time)));
        }
        let mut members = create.members.clone();
        members.push(sender.clone());
        let members = in_order(members);
        self.check_room(members.len())?;
        if !create.allowed {
            return Err(Refusal::NotAllowed);
        }
        self.check_profile(Some(&create.title))?;
        self.check_profile(create.picture.as_ref())?;
        let created = EventKind::Created {
            by: sender.clone(),
            device: device.clone(),
            counter: create.counter,
            members: members.clone(),
            title: create.title.clone(),
            picture: create.picture.clone(),
        };
        let event = self.event(1, created);
        let entry = Entry::Changed { event: event.clone() };
        Ok(Decision { events: vec![event], effects: vec![Effect::Place { recipients: members, entry }] })
    }

    pub(super) fn change(&self, counter: Counter, allowed: bool, change: &Change) -> Result<Decision, Refusal> {
        let chat = self.chat;
        if !chat.id.is_group() && change.target().is_none() {
            return Err(Refusal::WrongChat);
        }
        let by = chat.member(&self.command.sender).ok_or(Refusal::NotAMember)?;
        check_counter(counter)?;
        let changes = match change {
            Change::Add { users } => self.add(by, users, allowed)?,
            // To remove oneself is to leave.
            Change::Remove { user } if *user == by.user => self.leave(by),
            Change::Remove { user } => self.remove(by, user)?,
            Change::Leave => self.leave(by),
            Change::SetRole { user, role } => self.set_role(by, user, *role)?,
            Change::Describe { title, picture } => {
                self.describe(by, [title.as_ref(), picture.as_ref()])?.then(|| change.clone()).into_iter().collect()
            }
            Change::Edit { message, .. }
            | Change::Delete { message }
            | Change::React { message, .. }
            | Change::Pin { message }
            | Change::Unpin { message } => {
                self.act(by, *message, change, allowed)?.then(|| change.clone()).into_iter().collect()
            }
        };
        if changes.is_empty() {
            return Ok(self.done(counter, self.time));
        }
        Ok(self.changed(by, counter, changes))
    }

    /// What follows from changes that are allowed. Who comes or goes is told as well. Who goes is told of that alone, so that they
    /// have one outcome: not to whom the group passes on.
    fn changed(&self, by: &Member, counter: Counter, changes: Vec<Change>) -> Decision {
        let (mut events, mut effects) = (Vec::new(), Vec::new());
        let passes_on = changes.len() > 1;
        for change in changes {
            let mut recipients = match change.target() {
                Some(message) => self.readers(message),
                None => self.members(),
            };
            let mut gone = None;
            match &change {
                Change::Add { users } => recipients = in_order([&recipients[..], users].concat()),
                Change::Remove { user } => gone = Some(user.clone()),
                Change::Leave => gone = Some(by.user.clone()),
                Change::SetRole { .. } if passes_on => recipients.retain(|user| *user != by.user),
                _ => {}
            }
            let (device, after) = (self.command.device.clone(), self.chat.last_seq);
            let kind = EventKind::Changed { by: by.user.clone(), device, counter, after, change };
            let event = self.event(events.len() + 1, kind);
            let entry = Entry::Changed { event: event.clone() };
            effects.push(Effect::Place { recipients, entry });
            if let Some(gone) = gone.and_then(|gone| self.chat.member(&gone)) {
                // They were counted among those who have not read what others wrote.
                let mut crowd = Crowd::of(self.chat);
                crowd.remove(&gone.user);
                effects.extend(crowd.told(event.version, &gone.user, gone.read, self.chat.last_seq));
            }
            events.push(event);
        }
        Decision { events, effects }
    }

    fn add(&self, by: &Member, users: &[UserId], allowed: bool) -> Result<Vec<Change>, Refusal> {
        if by.role < Role::Admin {
            return Err(Refusal::NotPermitted);
        }
        let new = users.iter().filter(|user| self.chat.member(user).is_none()).cloned().collect();
        let users = in_order(new);
        if users.is_empty() {
            return Ok(Vec::new());
        }
        self.check_room(self.chat.members.len() + users.len())?;
        if !allowed {
            return Err(Refusal::NotAllowed);
        }
        Ok(vec![Change::Add { users }])
    }

    /// Who has as much to say as the other may remove them.
    fn remove(&self, by: &Member, user: &UserId) -> Result<Vec<Change>, Refusal> {
        if by.role < Role::Admin {
            return Err(Refusal::NotPermitted);
        }
        let member = self.chat.member(user).ok_or(Refusal::NoSuchMember)?;
        if member.role > by.role {
            return Err(Refusal::NotPermitted);
        }
        Ok(vec![Change::Remove { user: user.clone() }])
    }

    /// The last owner passes the group on to an admin, or else to a member: to who has been one for longest.
    fn leave(&self, by: &Member) -> Vec<Change> {
        let mut changes = Vec::with_capacity(2);
        if self.is_last_owner(by) {
            let others = self.chat.members.iter().filter(|member| member.user != by.user);
            let heir = others.min_by_key(|member| (Reverse(member.role), member.joined.version, &member.user));
            changes.extend(heir.map(|heir| Change::SetRole { user: heir.user.clone(), role: Role::Owner }));
        }
        changes.push(Change::Leave);
        changes
    }

    /// Nobody gives what they don't have, or takes from those who have more. Everybody may step down.
    fn set_role(&self, by: &Member, user: &UserId, role: Role) -> Result<Vec<Change>, Refusal> {
        if by.role < Role::Admin && by.user != *user {
            return Err(Refusal::NotPermitted);
        }
        let member = self.chat.member(user).ok_or(Refusal::NoSuchMember)?;
        if role > by.role || member.role > by.role {
            return Err(Refusal::NotPermitted);
        }
        if role == member.role {
            return Ok(Vec::new());
        }
        if role < Role::Owner && self.is_last_owner(member) {
            return Err(Refusal::LastOwner);
        }
        Ok(vec![Change::SetRole { user: user.clone(), role }])
    }

    /// Whether anything is described.
    fn describe(&self, by: &Member, parts: [Option<&Sealed>; 2]) -> Result<bool, Refusal> {
        if by.role < Role::Admin {
            return Err(Refusal::NotPermitted);
        }
        for part in parts {
            self.check_profile(part)?;
        }
        Ok(parts.iter().any(Option::is_some))
    }

    fn is_last_owner(&self, member: &Member) -> bool {
        let mut others = self.chat.members.iter().filter(|other| other.user != member.user);
        member.role == Role::Owner && others.all(|other| other.role < Role::Owner)
    }

    fn check_room(&self, members: usize) -> Result<(), Refusal> {
        let members_max = self.command.rules.members_max as usize;
        if members > members_max { Err(Refusal::TooManyMembers) } else { Ok(()) }
    }

    fn check_profile(&self, part: Option<&Sealed>) -> Result<(), Refusal> {
        match part {
            Some(part) if part.bytes.len() > self.command.rules.number.profile_bytes_max() => {
                Err(Refusal::BodyTooLarge)
            }
            Some(part) if part.epoch != Epoch::PROFILE => Err(Refusal::StaleEpoch { current: Epoch::PROFILE }),
            _ => Ok(()),
        }
    }
}

/// In ascending order, without repeats.
fn in_order(mut users: Vec<UserId>) -> Vec<UserId> {
    users.sort();
    users.dedup();
    users
}
