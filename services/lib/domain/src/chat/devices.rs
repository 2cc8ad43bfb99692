//! What a chat remembers of the devices that wrote in it, so that a message that is sent again is recognised.

use crate::{
    ids::{Counter, DeviceId, Seq, TimeMs, UserId},
    rules::RulesNumber,
};

/// A device that wrote in the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// Which.
    pub id: DeviceId,
    /// The messages accepted last, in ascending order of counter. Never empty: the last is the highest accepted
    /// counter, and none lies a window or more below it.
    pub accepted: Vec<Accepted>,
}

/// A message that was accepted from a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The device's count.
    pub counter: Counter,
    /// The seq that it got.
    pub seq: Seq,
    /// The time that it got.
    pub time: TimeMs,
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
            forget_least_recent(devices, user, rules);
        }
    }
}

impl Device {
    /// The seq of the message that it wrote last.
    fn last_wrote(&self) -> Option<Seq> {
        self.accepted.iter().map(|accepted| accepted.seq).max()
    }

    fn accept(&mut self, accepted: Accepted, rules: RulesNumber) {
        let at = self.accepted.partition_point(|earlier| earlier.counter < accepted.counter);
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

fn forget_least_recent(devices: &mut Vec<Device>, user: &UserId, rules: RulesNumber) {
    let of_user = devices.iter().enumerate().filter(|(_, device)| device.user == *user);
    if of_user.clone().count() <= rules.devices_per_member_max() {
        return;
    }
    if let Some((oldest, _)) = of_user.min_by_key(|(_, device)| device.last_wrote()) {
        devices.remove(oldest);
    }
}
