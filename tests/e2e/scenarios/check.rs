//! What a file may say beyond its form: names that are there, messages that were sent, one of several things.

use std::collections::BTreeSet;

use anyhow::bail;

use crate::{
    format::{
        Change, ChangeSeen, Changes, Chats, Device, Has, History, Members, MessageSeen, Reactions, Receipts, Seen,
        Source, Step,
    },
    names::GROUP,
};

/// Who writes to everybody at the end: no file may have this user.
pub(crate) const LAST: &str = "the-last-word";

/// Finds what makes no sense.
pub(crate) fn check(source: &Source) -> anyhow::Result<()> {
    let mut devices = BTreeSet::new();
    for device in &source.scenario.devices {
        if device.get_ref().user == LAST || !devices.insert(device.get_ref().clone()) {
            bail!("{}: {} is there already", source.place(device), device.get_ref());
        }
    }
    let mut names = Known::default();
    for step in &source.scenario.steps {
        if let Err(error) = check_step(step.get_ref(), &devices, &mut names) {
            bail!("{}: {error}", source.place(step));
        }
    }
    Ok(())
}

/// What the file has named so far.
#[derive(Default)]
struct Known {
    sent: BTreeSet<String>,
    /// Those whose outcome was seen, so that their time is known.
    timed: BTreeSet<String>,
    /// Groups and changes that were asked for.
    asked: BTreeSet<String>,
    /// Groups of which a device has seen that they are made, so that their chats are known.
    made: BTreeSet<String>,
}

fn check_step(step: &Step, devices: &BTreeSet<Device>, names: &mut Known) -> anyhow::Result<()> {
    if let Some(device) = device_of(step).into_iter().chain(other_device_of(step)).find(|it| !devices.contains(it)) {
        bail!("there is no device {device}");
    }
    if let Some(with) = with_of(step).find(|with| names.lack(with)) {
        bail!("no device has seen {with:?} done");
    }
    match step {
        Step::Send(send) if send.text.is_some() == send.bytes.is_some() => bail!("one of text and bytes is needed"),
        Step::Send(send) => names.name(&send.r#as, false, |names| &mut names.sent)?,
        Step::Create(create) => names.name(&create.r#as, true, |names| &mut names.asked)?,
        Step::Change(change) => {
            check_change(change)?;
            names.name(&change.r#as, false, |names| &mut names.asked)?;
        }
        Step::See { updates, .. } => updates.iter().try_for_each(|seen| names.see(seen))?,
        Step::Connect { cursor: Some(_), cursor_of: Some(_), .. } => bail!("a device has one cursor"),
        Step::Later { than } if !names.timed.contains(than) => bail!("no device has seen {than:?} sent"),
        Step::History(asked) => check_history(asked, &names.timed)?,
        Step::Chats(Chats { chats, fails, .. }) => one_of("chats", chats.is_some(), fails)?,
        Step::Receipts(Receipts { members, others, fails, .. }) => {
            one_of("members", members.is_some(), fails)?;
            if fails.is_some() && others.is_some() {
                bail!("what fails says nothing of others");
            }
        }
        Step::Has(Has { members, fails, .. }) => one_of("members", members.is_some(), fails)?,
        Step::Reactions(Reactions { users, fails, .. }) => one_of("users", users.is_some(), fails)?,
        Step::Members(Members { members, fails, .. }) => one_of("members", members.is_some(), fails)?,
        Step::Changes(Changes { changes, fails, .. }) => {
            one_of("changes", changes.is_some(), fails)?;
            for seen in changes.iter().flatten() {
                check_changed(seen)?;
                if seen.with.is_some() {
                    bail!("the chat is the one that is asked for");
                }
            }
        }
        _ => {}
    }
    Ok(())
}

impl Known {
    /// Whether it is a group that isn't known to be made.
    fn lack(&self, with: &str) -> bool {
        with.starts_with(GROUP) && !self.made.contains(with)
    }

    /// Something gets a name.
    fn name(
        &mut self,
        name: &str,
        is_group: bool,
        of: impl FnOnce(&mut Self) -> &mut BTreeSet<String>,
    ) -> anyhow::Result<()> {
        if name.starts_with(GROUP) != is_group {
            bail!("groups, and only they, have names that begin with {GROUP}: {name:?}");
        }
        if self.sent.contains(name) || self.asked.contains(name) {
            bail!("{name:?} is there already");
        }
        of(self).insert(name.to_owned());
        Ok(())
    }

    /// A device must see something.
    fn see(&mut self, seen: &Seen) -> anyhow::Result<()> {
        match seen {
            Seen::Sent { of, .. } if !self.sent.contains(of) => bail!("{of:?} was not sent before"),
            Seen::Sent { of, .. } => drop(self.timed.insert(of.clone())),
            Seen::Done { of, .. } if !self.asked.contains(of) => bail!("{of:?} was not asked for before"),
            Seen::Done { of, .. } => drop(self.made.insert(of.clone())),
            Seen::Failed { of: Some(of), .. } if !self.sent.contains(of) && !self.asked.contains(of) => {
                bail!("{of:?} was not asked for before")
            }
            Seen::Failed { with: Some(with), .. } if self.lack(with) => bail!("no device has seen {with:?} done"),
            Seen::Message(MessageSeen { with: Some(with), .. }) if self.lack(with) => {
                bail!("no device has seen {with:?} done")
            }
            Seen::Changed(changed) => {
                check_changed(changed)?;
                match &changed.with {
                    Some(with) if self.lack(with) => bail!("no device has seen {with:?} done"),
                    Some(_) => {}
                    None => bail!("a change is of a chat"),
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn check_change(change: &Change) -> anyhow::Result<()> {
    let Change { with, add, remove, leave, role, title, picture, edit, delete, react, pin, unpin, .. } = change;
    let acts = [edit.is_some(), delete.is_some(), react.is_some(), pin.is_some(), unpin.is_some()];
    let what = [add.is_some(), remove.is_some(), *leave, role.is_some(), title.is_some(), picture.is_some()];
    if !with.starts_with(GROUP) && what.contains(&true) {
        bail!("{with:?} is no group");
    }
    one_thing(
        "add, remove, leave, role, title, picture, edit, delete, react, pin and unpin",
        &[&what[..], &acts].concat(),
    )
}

fn check_changed(seen: &ChangeSeen) -> anyhow::Result<()> {
    let ChangeSeen { created, add, remove, leave, role, title, picture, edit, delete, react, pin, unpin, .. } = seen;
    let is_described = created.is_none() && (title.is_some() || picture.is_some());
    let acts = [edit.is_some(), delete.is_some(), react.is_some(), pin.is_some(), unpin.is_some()];
    let what = [created.is_some(), add.is_some(), remove.is_some(), *leave, role.is_some(), is_described];
    one_thing(
        "created, add, remove, leave, role, title or picture, edit, delete, react, pin and unpin",
        &[&what[..], &acts].concat(),
    )
}

fn one_thing(of: &str, are_there: &[bool]) -> anyhow::Result<()> {
    if are_there.iter().filter(|is_there| **is_there).count() != 1 {
        bail!("one of {of} is needed");
    }
    Ok(())
}

/// The chats that a step names.
fn with_of(step: &Step) -> impl Iterator<Item = &str> {
    let one = match step {
        Step::Send(send) => Some(&send.to),
        Step::Change(change) => Some(&change.with),
        Step::History(asked) => Some(&asked.with),
        Step::Receipts(asked) => Some(&asked.with),
        Step::Has(asked) => Some(&asked.with),
        Step::Members(asked) => Some(&asked.with),
        Step::Changes(asked) => Some(&asked.with),
        Step::Reactions(asked) => Some(&asked.with),
        Step::Read { with, .. } | Step::Marks { with, .. } | Step::Counts { with, .. } | Step::PutRead { with, .. } => {
            Some(with)
        }
        _ => None,
    };
    let listed = if let Step::Chats(Chats { chats, .. }) = step { chats.as_deref() } else { None };
    one.into_iter().chain(listed.unwrap_or_default().iter().map(|chat| &chat.with)).map(String::as_str)
}

fn check_history(asked: &History, timed: &BTreeSet<String>) -> anyhow::Result<()> {
    let History { before, after, since_of, until_of, messages, fails, .. } = asked;
    let places = [before.is_some(), after.is_some(), since_of.is_some(), until_of.is_some()];
    if places.iter().filter(|is_there| **is_there).count() > 1 {
        bail!("one of before, after, since_of and until_of");
    }
    if let Some(of) = [since_of, until_of].into_iter().flatten().find(|of| !timed.contains(*of)) {
        bail!("no device has seen {of:?} sent");
    }
    if messages.iter().flatten().any(|message| message.with.is_some()) {
        bail!("the chat is the one that is asked for");
    }
    one_of("messages", messages.is_some(), fails)
}

fn one_of(what: &str, is_there: bool, fails: &Option<String>) -> anyhow::Result<()> {
    if is_there == fails.is_some() {
        bail!("one of {what} and fails is needed");
    }
    Ok(())
}

fn device_of(step: &Step) -> Option<&Device> {
    match step {
        Step::Connect { device, .. }
        | Step::Disconnect { device }
        | Step::Kill { device }
        | Step::Read { device, .. }
        | Step::Renew { device, .. }
        | Step::Hold { device }
        | Step::Take { device, .. }
        | Step::See { device, .. }
        | Step::Marks { device, .. }
        | Step::Counts { device, .. } => Some(device),
        Step::Send(send) => Some(&send.device),
        Step::Create(create) => Some(&create.device),
        Step::Change(change) => Some(&change.device),
        _ => None,
    }
}

fn other_device_of(step: &Step) -> Option<&Device> {
    if let Step::Connect { cursor_of, .. } = step { cursor_of.as_ref() } else { None }
}
