//! What a change must be decided to.

use std::collections::BTreeSet;

use chasqui_domain::{
    Change, Command, Counter, Decision, Effect, Entry, EventKind, Refusal, Role, Seq, Target, TimeMs, UserId,
};

use super::{
    Model,
    decisions::{check_profile, done},
};
use crate::kept::Asker;

impl Model {
    pub(super) fn ask_change(
        &mut self,
        command: &Command,
        counter: Counter,
        allowed: bool,
        change: &Change,
        appended: TimeMs,
    ) -> Result<Decision, Refusal> {
        if let Some(again) = self.again(command, counter)? {
            return Ok(again);
        }
        let by = self.stay(&command.sender).ok_or(Refusal::NotAMember)?.role();
        if counter.0 == 0 {
            return Err(Refusal::BadCounter);
        }
        let changes = match change {
            Change::Add { users } => {
                may_rule(by)?;
                let new: BTreeSet<_> = users.iter().filter(|user| self.stay(user).is_none()).collect();
                if !new.is_empty() && self.here().len() + new.len() > command.rules.members_max as usize {
                    return Err(Refusal::TooManyMembers);
                }
                if !new.is_empty() && !allowed {
                    return Err(Refusal::NotAllowed);
                }
                let users: Vec<_> = new.into_iter().cloned().collect();
                if users.is_empty() { vec![] } else { vec![Change::Add { users }] }
            }
            Change::Remove { user } if *user != command.sender => {
                may_rule(by)?;
                let other = self.stay(user).ok_or(Refusal::NoSuchMember)?.role();
                may_touch(by, other)?;
                vec![change.clone()]
            }
            Change::Remove { .. } | Change::Leave => self.leave(&command.sender),
            Change::SetRole { user, role } => self.set_role(&command.sender, user, *role)?,
            Change::Describe { title, picture } => {
                may_rule(by)?;
                check_profile([title.as_ref(), picture.as_ref()])?;
                if title.is_none() && picture.is_none() { vec![] } else { vec![change.clone()] }
            }
            Change::Edit { message, .. }
            | Change::Delete { message }
            | Change::React { message, .. }
            | Change::Pin { message }
            | Change::Unpin { message } => {
                let now = self.now(appended);
                if self.ask_message(command, allowed, change, *message, now)? { vec![change.clone()] } else { vec![] }
            }
        };
        if changes.is_empty() {
            return Ok(done(command, counter, self.now(appended)));
        }
        let mut decision = Decision { events: vec![], effects: vec![] };
        let passes_on = changes.len() > 1;
        for change in changes {
            self.happen(command, counter, change, appended, &mut decision);
        }
        if passes_on {
            // Who goes is told of that alone.
            let Effect::Place { recipients, .. } = &mut decision.effects[0];
            recipients.retain(|user| *user != command.sender);
        }
        self.accept(command, counter, true);
        Ok(decision)
    }

    /// Whether it changes anything of the message, which was written while who asks was here.
    fn ask_message(
        &self,
        command: &Command,
        allowed: bool,
        change: &Change,
        target: Target,
        now: TimeMs,
    ) -> Result<bool, Refusal> {
        let user = &command.sender;
        let stay = self.stay(user).ok_or(Refusal::NotAMember)?;
        let seen = self.messages.iter().find(|message| message.kept.target == target && target.version.0 > stay.since);
        let pins = stay.role() != Role::Member;
        let asker = Asker { user, pins, allowed, rules: command.rules, now, pinned: self.pins().len() };
        seen.ok_or(Refusal::NoSuchMessage)?.kept.ask(change, &asker)
    }

    /// Who goes as the only owner leaves the group to somebody.
    fn leave(&self, user: &UserId) -> Vec<Change> {
        let mut changes = vec![];
        if self.owners() == [user.clone()] {
            let mut heirs = self.here();
            heirs.retain(|stay| stay.user != *user);
            heirs.sort_by_key(|stay| (stay.role() == Role::Member, stay.since));
            changes.extend(heirs.first().map(|heir| Change::SetRole { user: heir.user.clone(), role: Role::Owner }));
        }
        changes.push(Change::Leave);
        changes
    }

    fn set_role(&self, by: &UserId, user: &UserId, role: Role) -> Result<Vec<Change>, Refusal> {
        let own = self.stay(by).ok_or(Refusal::NotAMember)?.role();
        if by != user {
            may_rule(own)?;
        }
        let former = self.stay(user).ok_or(Refusal::NoSuchMember)?.role();
        may_touch(own, former)?;
        may_touch(own, role)?;
        if former == role {
            return Ok(vec![]);
        }
        if self.owners() == [user.clone()] {
            return Err(Refusal::LastOwner);
        }
        Ok(vec![Change::SetRole { user: user.clone(), role }])
    }

    fn owners(&self) -> Vec<UserId> {
        self.here().into_iter().filter(|stay| stay.role() == Role::Owner).map(|stay| stay.user.clone()).collect()
    }

    fn happen(
        &mut self,
        command: &Command,
        counter: Counter,
        change: Change,
        appended: TimeMs,
        decision: &mut Decision,
    ) {
        let by = command.sender.clone();
        let mut told: BTreeSet<_> = self.users().into_iter().collect();
        let kind = EventKind::Changed {
            by: by.clone(),
            device: command.device.clone(),
            counter,
            after: Seq(self.last_seq()),
            change: change.clone(),
        };
        let event = self.event(command, appended, kind);
        let mut counts = None;
        if let Some(target) = change.target() {
            // Who came later can't see it.
            told = self.here().into_iter().filter(|stay| stay.after < target.seq.0).map(|it| it.user.clone()).collect();
            self.messages[target.seq.0 as usize - 1].kept.keep(&event);
        }
        match change {
            Change::Add { users } => {
                self.come(&users);
                told.extend(users);
            }
            Change::Remove { user } => counts = self.go(&user),
            Change::Leave => counts = self.go(&by),
            Change::SetRole { user, role } => self.stay_mut(&user).roles.push(role),
            Change::Describe { title, picture } => self.describe(&by, [title.as_ref(), picture.as_ref()]),
            // The message keeps it.
            Change::Edit { .. }
            | Change::Delete { .. }
            | Change::React { .. }
            | Change::Pin { .. }
            | Change::Unpin { .. } => {}
        }
        let entry = Entry::Changed { event: event.clone() };
        decision.effects.push(Effect::Place { recipients: told.into_iter().collect(), entry });
        decision.effects.extend(counts);
        decision.events.push(event);
    }

    /// Nobody waits any more for who goes to open what the others wrote.
    fn go(&mut self, user: &UserId) -> Option<Effect> {
        let stay = self.stay_mut(user);
        stay.has_gone = true;
        let (after, opened) = (stay.after, stay.opened.clone());
        let not_opened = (1..=self.last_seq()).filter(|seq| *seq > after && !opened.contains(seq)).collect();
        self.counts(user, &not_opened)
    }
}

fn may_rule(by: Role) -> Result<(), Refusal> {
    match by {
        Role::Owner | Role::Admin => Ok(()),
        Role::Member => Err(Refusal::NotPermitted),
    }
}

/// Whether one has at least as much to say as the other.
fn may_touch(by: Role, other: Role) -> Result<(), Refusal> {
    match (by, other) {
        (Role::Owner, _) | (Role::Admin, Role::Admin | Role::Member) | (Role::Member, Role::Member) => Ok(()),
        _ => Err(Refusal::NotPermitted),
    }
}
