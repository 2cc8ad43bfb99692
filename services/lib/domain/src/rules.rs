//! The rules that a command was accepted under. A gateway stamps them into the command, so that deciding needs nothing
//! but the command and the chat's own log, and an old log decides to its old results.

/// Which behaviour applies; new behaviour comes with a new number. Events carry it, too, since folding them depends
/// on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RulesNumber(pub u32);

impl RulesNumber {
    /// The newest behaviour that this build knows.
    pub const NEWEST: Self = Self(1);

    /// Says whether this build knows these rules.
    ///
    /// # Errors
    /// When it doesn't.
    pub fn check(self) -> Result<(), UnknownRules> {
        if (1..=Self::NEWEST.0).contains(&self.0) { Ok(()) } else { Err(UnknownRules { number: self.0 }) }
    }

    /// How many counters, from a device's highest downwards, are remembered with their seq.
    #[must_use]
    pub fn dedupe_window(self) -> u64 {
        128
    }

    /// How many devices of one member a chat remembers; the one that wrote least recently gives way.
    #[must_use]
    pub fn devices_per_member_max(self) -> usize {
        32
    }

    /// The most bytes that a sealed title, or the sealed reference to a picture, may have.
    #[must_use]
    pub fn profile_bytes_max(self) -> usize {
        2048
    }

    /// The most bytes that the sealed kind of a reaction may have.
    #[must_use]
    pub fn reaction_bytes_max(self) -> usize {
        128
    }

    /// How many kinds of reactions a message may have at a time.
    #[must_use]
    pub fn reaction_kinds_max(self) -> usize {
        32
    }

    /// How often one user may do something to a message. Deleting and unpinning it count, but are never one too many.
    #[must_use]
    pub fn actions_of_user_max(self) -> u32 {
        64
    }

    /// How often all together may. So with a message at most so many events are loaded and two more: once it is full,
    /// it can be unpinned once, since it can't be pinned again, and deleted once.
    #[must_use]
    pub fn actions_max(self) -> u32 {
        8192
    }

    /// How many messages of a chat may be pinned at a time.
    #[must_use]
    pub fn pins_max(self) -> usize {
        32
    }

    /// How many counters a chat remembers with their seqs, over all devices. Beyond it those of the device that wrote
    /// least recently go but for its last [`Self::counters_kept`], then the device.
    #[must_use]
    pub fn counters_max(self) -> usize {
        32 * 1024
    }

    /// See [`Self::counters_max`].
    #[must_use]
    pub fn counters_kept(self) -> usize {
        8
    }
}

/// What a gateway stamps into a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Which behaviour applies.
    pub number: RulesNumber,
    /// The most bytes that a sealed body may have.
    pub body_bytes_max: u32,
    /// The most members that a group may have.
    pub members_max: u32,
    /// For how many milliseconds a message can be edited.
    pub edit_within_ms: u32,
    /// For how many milliseconds a message can be deleted for everybody.
    pub delete_within_ms: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            number: RulesNumber::NEWEST,
            body_bytes_max: 64 * 1024,
            members_max: 1024,
            edit_within_ms: 15 * 60 * 1000,
            delete_within_ms: 2 * 24 * 60 * 60 * 1000,
        }
    }
}

/// A record was written under rules that came after this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("rules number {number} is not known here, the newest known is {}: upgrade this process", RulesNumber::NEWEST.0)]
pub struct UnknownRules {
    /// The number found.
    pub number: u32,
}
