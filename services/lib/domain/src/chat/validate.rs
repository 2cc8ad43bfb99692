//! What always holds of a chat.

use super::{Chat, Device, Member, RUNS_MAX};
use crate::ids::{Seq, Version};

/// An invariant that a state breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the state breaks an invariant: {0}")]
pub struct Invalid(&'static str);

fn holds(condition: bool, what: &'static str) -> Result<(), Invalid> {
    if condition { Ok(()) } else { Err(Invalid(what)) }
}

impl Chat {
    /// Checks every invariant of the state.
    ///
    /// # Errors
    /// Names the first one that doesn't hold.
    pub fn validate(&self) -> Result<(), Invalid> {
        holds(self.last_seq.0 <= self.version.0, "every message is an event")?;
        holds((self.version == Version(0)) == self.members.is_empty(), "a chat is open from its first event on")?;
        holds(self.members.is_sorted_by(|a, b| a.user < b.user), "members are in order and differ")?;
        for member in &self.members {
            self.validate_member(member)?;
        }
        let by_id = |a: &Device, b: &Device| (&a.user, &a.id) < (&b.user, &b.id);
        holds(self.devices.is_sorted_by(by_id), "devices are in order and differ")?;
        self.devices.iter().try_for_each(|device| self.validate_device(device))
    }

    fn validate_member(&self, member: &Member) -> Result<(), Invalid> {
        holds(member.read <= member.delivered, "read ≤ delivered")?;
        holds(member.delivered <= self.last_seq, "delivered ≤ last seq")?;
        holds(member.own.iter().len() <= RUNS_MAX, "runs are bounded")?;
        holds(member.own.floor() <= self.last_seq, "the floor of own messages ≤ last seq")?;
        let mut above = member.read.max(member.own.floor());
        for (first, last) in member.own.iter() {
            holds(first > above && first <= last, "runs of own messages lie above the watermark, in order")?;
            above = last.next();
        }
        let last = member.own.iter().last().map_or(Seq(0), |(_, last)| last);
        holds(last <= self.last_seq, "own messages ≤ last seq")
    }

    fn validate_device(&self, device: &Device) -> Result<(), Invalid> {
        holds(!device.accepted.is_empty(), "a device that is known has written")?;
        holds(device.accepted.is_sorted_by(|a, b| a.counter < b.counter), "counters are in order and differ")?;
        holds(device.accepted.iter().all(|a| a.seq <= self.last_seq), "accepted messages ≤ last seq")?;
        holds(self.member(&device.user).is_some(), "only members' devices are known")
    }
}
