//! What a chat remembers of the devices that asked for something, so that what is sent again is recognised.

use crate::{
    ids::{Counter, DeviceId, Seq, TimeMs, UserId},
    rules::RulesNumber,
};

/// A device that wrote in the chat, or changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub id: DeviceId,
    /// What was accepted last, in ascending order of counter. Never empty: the last is the highest accepted
    /// counter, and none lies a window or more below it.
    pub accepted: Vec<Accepted>,
}

/// Something that was accepted from a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The device's count.
    pub counter: Counter,
    /// The seq that it got; of a change the last one before it.
    pub seq: Seq,
    /// The time that it got.
    pub time: TimeMs,
    /// Whether it is no message.
    pub is_change: bool,
}

/// What is known of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It was not accepted before.
    New,
    /// It was accepted before.
    Repeat(Accepted),
    /// It lies too far below the highest to tell.
    TooOld,
}

pub(super) fn recognise(
    devices: &[Device],
    user: &UserId,
    device: &DeviceId,
    counter: Counter,
    rules: RulesNumber,
) -> Known {
    let Ok(found) = position(devices, user, device) else {
        return Known::New;
    };
    let accepted = &devices[found].accepted;
    if let Ok(at) = accepted.binary_search_by_key(&counter, |accepted| accepted.counter) {
        return Known::Repeat(accepted[at]);
    }
    match accepted.last() {
        Some(highest) if is_outside(counter, highest.counter, rules) => Known::TooOld,
        _ => Known::New,
    }
}

pub(super) fn accept(
    devices: &mut Vec<Device>,
    user: &UserId,
    device: &DeviceId,
    accepted: Accepted,
    rules: RulesNumber,
) {
    match position(devices, user, device) {
        Ok(found) => devices[found].accept(accepted, rules),
        Err(at) => {
            devices.insert(at, Device { user: user.clone(), id: device.clone(), accepted: vec![accepted] });
            forget_least_recent(devices, (user, device), rules);
        }
    }
    bound(devices, (user, device), rules);
}

impl Device {
    /// The seq of the message that it wrote last, or before what it changed last; whoever asked just now comes after all others.
    fn asked_last(&self, newest: (&UserId, &DeviceId)) -> (bool, Option<Seq>) {
        ((&self.user, &self.id) == newest, self.accepted.iter().map(|accepted| accepted.seq).max())
    }

    fn accept(&mut self, accepted: Accepted, rules: RulesNumber) {
        let at = self.accepted.partition_point(|earlier| earlier.counter < accepted.counter);
        // A decision of several events has one counter.
        if self.accepted.get(at).is_some_and(|other| other.counter == accepted.counter) {
            return;
        }
        self.accepted.insert(at, accepted);
        if let Some(highest) = self.accepted.last().map(|last| last.counter) {
            self.accepted.retain(|accepted| !is_outside(accepted.counter, highest, rules));
        }
    }
}

fn is_outside(counter: Counter, highest: Counter, rules: RulesNumber) -> bool {
    highest.0.saturating_sub(counter.0) >= rules.dedupe_window()
}

fn position(devices: &[Device], user: &UserId, device: &DeviceId) -> Result<usize, usize> {
    devices.binary_search_by(|known| (&known.user, &known.id).cmp(&(user, device)))
}

fn forget_least_recent(devices: &mut Vec<Device>, newest: (&UserId, &DeviceId), rules: RulesNumber) {
    let of_user = devices.iter().enumerate().filter(|(_, device)| device.user == *newest.0);
    if of_user.clone().count() <= rules.devices_per_member_max() {
        return;
    }
    if let Some((oldest, _)) = of_user.min_by_key(|(_, device)| device.asked_last(newest)) {
        devices.remove(oldest);
    }
}

/// Keeps no more over all devices than the rules allow.
fn bound(devices: &mut Vec<Device>, newest: (&UserId, &DeviceId), rules: RulesNumber) {
    while devices.iter().map(|device| device.accepted.len()).sum::<usize>() > rules.counters_max() {
        let kept = rules.counters_kept();
        let long = devices.iter_mut().filter(|device| device.accepted.len() > kept);
        if let Some(oldest) = long.min_by_key(|device| device.asked_last(newest)) {
            oldest.accepted.drain(..oldest.accepted.len() - kept);
        } else if let Some((oldest, _)) = devices.iter().enumerate().min_by_key(|(_, device)| device.asked_last(newest))
        {
            devices.remove(oldest);
        }
    }
}
