//! What a file may say beyond its form: names that are there, messages that were sent, one of several things.

use std::collections::BTreeSet;

use anyhow::bail;

use crate::format::{Chats, Device, Has, History, Receipts, Seen, Source, Step};

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
    let mut messages = Messages::default();
    for step in &source.scenario.steps {
        if let Err(error) = check_step(step.get_ref(), &devices, &mut messages) {
            bail!("{}: {error}", source.place(step));
        }
    }
    Ok(())
}

/// What the messages so far are called.
#[derive(Default)]
struct Messages {
    sent: BTreeSet<String>,
    /// Those whose outcome was seen, so that their time is known.
    timed: BTreeSet<String>,
}

fn check_step(step: &Step, devices: &BTreeSet<Device>, messages: &mut Messages) -> anyhow::Result<()> {
    if let Some(device) = device_of(step).into_iter().chain(other_device_of(step)).find(|it| !devices.contains(it)) {
        bail!("there is no device {device}");
    }
    match step {
        Step::Send(send) if send.text.is_some() == send.bytes.is_some() => bail!("one of text and bytes is needed"),
        Step::Send(send) if !messages.sent.insert(send.r#as.clone()) => bail!("{:?} was sent already", send.r#as),
        Step::See { updates, .. } => {
            let unknown = |seen: &&Seen| match seen {
                Seen::Sent { of, .. } | Seen::Failed { of: Some(of), .. } => !messages.sent.contains(of),
                _ => false,
            };
            if let Some(seen) = updates.iter().find(unknown) {
                bail!("{seen:?} is of a message that was not sent before");
            }
            messages.timed.extend(updates.iter().filter_map(|seen| match seen {
                Seen::Sent { of, .. } => Some(of.clone()),
                _ => None,
            }));
        }
        Step::Connect { cursor: Some(_), cursor_of: Some(_), .. } => bail!("a device has one cursor"),
        Step::Later { than } if !messages.timed.contains(than) => bail!("no device has seen {than:?} sent"),
        Step::History(asked) => check_history(asked, &messages.timed)?,
        Step::Chats(Chats { chats, fails, .. }) => one_of("chats", chats.is_some(), fails)?,
        Step::Receipts(Receipts { members, fails, .. }) => one_of("members", members.is_some(), fails)?,
        Step::Has(Has { members, fails, .. }) => one_of("members", members.is_some(), fails)?,
        _ => {}
    }
    Ok(())
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
        | Step::Marks { device, .. } => Some(device),
        Step::Send(send) => Some(&send.device),
        _ => None,
    }
}

fn other_device_of(step: &Step) -> Option<&Device> {
    if let Step::Connect { cursor_of, .. } = step { cursor_of.as_ref() } else { None }
}
