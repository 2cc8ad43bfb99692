//! What a file may say beyond its form: names that are there, messages that were sent, one of several things.

use std::collections::BTreeSet;

use anyhow::bail;

use crate::format::{Device, History, Seen, Source, Step};

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
    let mut sent = BTreeSet::new();
    for step in &source.scenario.steps {
        if let Err(error) = check_step(step.get_ref(), &devices, &mut sent) {
            bail!("{}: {error}", source.place(step));
        }
    }
    Ok(())
}

fn check_step(step: &Step, devices: &BTreeSet<Device>, sent: &mut BTreeSet<String>) -> anyhow::Result<()> {
    if let Some(device) = device_of(step).into_iter().chain(other_device_of(step)).find(|it| !devices.contains(it)) {
        bail!("there is no device {device}");
    }
    match step {
        Step::Send(send) if send.text.is_some() == send.bytes.is_some() => bail!("one of text and bytes is needed"),
        Step::Send(send) if !sent.insert(send.r#as.clone()) => bail!("{:?} was sent already", send.r#as),
        Step::See { updates, .. } => {
            let unknown = |seen: &&Seen| match seen {
                Seen::Sent { of, .. } | Seen::Failed { of: Some(of), .. } => !sent.contains(of),
                _ => false,
            };
            if let Some(seen) = updates.iter().find(unknown) {
                bail!("{seen:?} is of a message that was not sent before");
            }
        }
        Step::Connect { cursor: Some(_), cursor_of: Some(_), .. } => bail!("a device has one cursor"),
        Step::History(History { before: Some(_), after: Some(_), .. }) => bail!("one of before and after"),
        Step::History(History { messages, fails, .. }) if messages.is_some() == fails.is_some() => {
            bail!("one of messages and fails is needed")
        }
        Step::Chats { chats, fails, .. } if chats.is_some() == fails.is_some() => {
            bail!("one of chats and fails is needed")
        }
        _ => {}
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
