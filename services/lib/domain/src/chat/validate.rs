//! What always holds of a chat.

use std::collections::BTreeSet;

use super::{Chat, Device, Member, RUNS_MAX, Runs};
use crate::{
    change::Role,
    ids::{Seq, Version},
};

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
        let (is_new, is_group) = (self.version == Version(0), self.id.is_group());
        holds(self.members.is_empty() || !is_new, "a chat is open from its first event on")?;
        holds(is_group || is_new == self.members.is_empty(), "nobody leaves a direct chat")?;
        holds(self.last_message <= self.version, "the last message is an event")?;
        holds((self.last_message == Version(0)) == (self.last_seq == Seq(0)), "the last message has a seq")?;
        let has_owner = self.members.iter().any(|member| member.role == Role::Owner);
        holds(!is_group || has_owner || self.members.is_empty(), "a group with members has an owner")?;
        holds(is_group || self.members.iter().all(|member| member.role == Role::Member), "groups have roles")?;
        holds(is_group == self.profile.title.is_some() || is_new, "groups have titles")?;
        holds(!self.last_is_acted || self.last_seq > Seq(0), "only what is there is acted upon")?;
        holds(self.pins.iter().all(|pinned| self.may_have(*pinned)), "what is pinned is a message")?;
        let differ = self.pins.iter().collect::<BTreeSet<_>>().len() == self.pins.len();
        holds(differ, "each message is pinned once")?;
        self.validate_runs(&self.uncounted, self.read_by_all())?;
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
        holds(member.joined.version <= self.version, "joining is an event")?;
        let above = if self.id.is_group() { Seq(0) } else { member.counted_from() };
        self.validate_runs(&member.own, above)?;
        // Both are taken off what is unread, so no message may be in both.
        let from = member.counted_from();
        let not_unread = member.own.count_above(from) + self.uncounted.count_above(from);
        holds(not_unread <= self.last_seq.0 - from.0, "no more is left out of what is unread than there is")
    }

    fn validate_runs(&self, runs: &Runs, above: Seq) -> Result<(), Invalid> {
        holds(runs.iter().len() <= RUNS_MAX, "runs are bounded")?;
        holds(runs.floor() <= self.last_seq, "the floor of runs ≤ last seq")?;
        let mut above = above.max(runs.floor());
        for (first, last) in runs.iter() {
            holds(first > above && first <= last, "runs lie above the watermark, in order")?;
            above = last.next();
        }
        let last = runs.iter().last().map_or(Seq(0), |(_, last)| last);
        holds(last <= self.last_seq, "runs ≤ last seq")
    }

    fn validate_device(&self, device: &Device) -> Result<(), Invalid> {
        holds(!device.accepted.is_empty(), "a device that is known has written")?;
        holds(device.accepted.is_sorted_by(|a, b| a.counter < b.counter), "counters are in order and differ")?;
        holds(device.accepted.iter().all(|a| a.seq <= self.last_seq), "accepted messages ≤ last seq")?;
        holds(self.id.is_group() || self.member(&device.user).is_some(), "only members' devices are known")
    }
}
