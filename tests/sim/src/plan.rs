//! What is to happen in a run: all of it comes from a seed, and can be made smaller.

mod made;

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde::{Deserialize, Serialize};

use crate::weather::{Noise, Trouble};

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Who runs next, how long things take, and what becomes of calls.
    pub seed: u64,
    /// What there is.
    pub shape: Shape,
    /// What may always go wrong.
    pub noise: Noise,
    /// What people do.
    pub acts: Vec<At<Act>>,
    /// What goes wrong.
    pub faults: Vec<At<Fault>>,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// How many users; at least 2.
    pub users: usize,
    /// How many devices each has; at least 1.
    pub devices: usize,
    /// Partitions of `commands` and `events`; at least 1.
    pub chat_partitions: u32,
    /// Partitions of `inbox` and `presence`; at least 1.
    pub user_partitions: u32,
    /// How many gateways; at least 1.
    pub gateways: usize,
    /// Queues, windows, batches and caches are as small as can be.
    pub is_tight: bool,
    /// Clocks differ.
    pub clocks_differ: bool,
    /// It is nearly midnight.
    pub is_late: bool,
    /// Messages can be edited and deleted for seconds only.
    #[serde(default)]
    pub acts_are_brief: bool,
    /// Things go wrong from the first moment on.
    #[serde(default)]
    pub starts_rough: bool,
    /// All times are so many times as long: at 8, sessions are forgotten.
    pub pace: u64,
}

/// Something at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct At<T> {
    /// When, in milliseconds.
    pub at_ms: u64,
    /// What.
    pub what: T,
}

/// What people do. Devices and users are counted round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Act {
    /// A device sends messages.
    Send {
        /// Which device.
        device: usize,
        /// To whom.
        to: usize,
        /// How many.
        count: usize,
    },
    /// The user opens a chat on a device, as far as that one has seen it.
    Read {
        /// Which device.
        device: usize,
        /// With whom.
        with: usize,
    },
    /// A device sends messages to the group; asks for that when nobody has.
    SendToGroup {
        /// Which device.
        device: usize,
        /// How many.
        count: usize,
    },
    /// The user opens the group on a device, as far as that one has seen it.
    ReadGroup {
        /// Which device.
        device: usize,
    },
    /// A device changes the group; asks for that when nobody has.
    ChangeGroup {
        /// Which device.
        device: usize,
        /// What about it.
        change: GroupChange,
    },
    /// A device does something to a message.
    DoTo {
        /// Which device.
        device: usize,
        /// With whom the chat is, or with the next with whom there is one; none when it is the group.
        with: Option<usize>,
        /// To which message.
        aim: Aim,
        /// What.
        deed: Deed,
    },
    /// The user asks for the history of a chat.
    Look {
        /// On which device.
        device: usize,
        /// With whom the chat is; none when it is the group.
        with: Option<usize>,
    },
    /// The app takes nothing for a while.
    Nap {
        /// Which device.
        device: usize,
        /// How long.
        for_ms: u64,
        /// Whether it is killed then, as apps in the background are, and opened again.
        #[serde(default)]
        is_killed: bool,
    },
    /// The app is closed, and opened again later.
    Close {
        /// Which device.
        device: usize,
        /// How long it is closed.
        for_ms: u64,
    },
}

/// A message of a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Aim {
    /// The last that the device has sent; otherwise the last that it has seen.
    Own,
    /// So many before the one behind the last that the device has seen, which may not be there.
    Back(u64),
}

/// What people do to messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Deed {
    /// It gets another text.
    Edit,
    /// It is deleted.
    Delete,
    /// Whoever does it reacts so; kinds are counted round.
    React(usize),
    /// Whoever does it takes their reaction back.
    TakeBack,
    /// It is pinned.
    Pin,
    /// It is pinned no more.
    Unpin,
}

/// What people change about the group. Users are counted round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum GroupChange {
    /// A user is added.
    Add {
        /// Who.
        user: usize,
    },
    /// A user is removed.
    Remove {
        /// Who.
        user: usize,
    },
    /// Whoever asks leaves.
    Leave,
    /// A user gets another role.
    Role {
        /// Who.
        user: usize,
        /// Which: a member's, an admin's or an owner's.
        role: usize,
    },
    /// It gets another title.
    Describe,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Fault {
    /// A process dies where it stands, and another begins later.
    Crash {
        /// Which.
        who: Who,
        /// How long there is none.
        for_ms: u64,
    },
    /// Another process takes over while the former one is still at work.
    Overtake {
        /// Which; a device can't be overtaken, and dies instead.
        who: Who,
        /// How long both are at work.
        for_ms: u64,
    },
    /// Another process takes over and dies at one of its first writes, and the former one is still there.
    Flap {
        /// Which; a device can't be overtaken, and dies at its own.
        who: Who,
        /// How many writes it begins before.
        writes: u32,
        /// Behind how many writes the former one stands still until the other was to die; none if it doesn't.
        stalls_behind: Option<u32>,
        /// Whether the log is slow for both, and for whoever follows, for a while.
        is_slow: bool,
        /// The connections of so many devices break when the other begins, so that they are new to it.
        cuts: usize,
    },
    /// A process stands still and then goes on as if nothing had been.
    Stall {
        /// Which.
        who: Who,
        /// How long.
        for_ms: u64,
        /// Whether another takes over meanwhile.
        is_overtaken: bool,
    },
    /// Log or store fail.
    Trouble {
        /// What goes wrong.
        trouble: Trouble,
        /// For whom; none for all.
        who: Option<Who>,
        /// How long.
        for_ms: u64,
    },
    /// Retention removes all that is in a gateway's topic.
    Trim {
        /// Whose.
        gateway: usize,
    },
    /// Retention removes all that is in a partition of presence.
    TrimPresence {
        /// Which.
        partition: usize,
    },
    /// A device's connection breaks.
    Cut {
        /// Which device.
        device: usize,
    },
    /// Nothing comes through on a device's connection, and nobody notices.
    Hold {
        /// Which device.
        device: usize,
        /// How long.
        for_ms: u64,
    },
    /// A wall clock jumps.
    Turn {
        /// Whose.
        who: Who,
        /// By how much.
        by_ms: i64,
    },
}

/// A process. Numbers are counted round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// The sequencer of a partition.
    Sequencer(usize),
    /// The router of a partition.
    Router(usize),
    /// A gateway.
    Gateway(usize),
    /// A device.
    Device(usize),
}

impl Plan {
    /// The plan of a seed.
    ///
    /// # Panics
    /// Never: every seed has a plan.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        #[expect(clippy::unwrap_used, reason = "nothing is filtered, so that every seed has a plan")]
        let tree = made::plan(seed).new_tree(&mut runner).unwrap();
        tree.current()
    }

    /// How much people write.
    pub(crate) fn messages(&self) -> u64 {
        let messages = |act: &At<Act>| match act.what {
            Act::Send { count, .. } | Act::SendToGroup { count, .. } => count as u64,
            Act::ChangeGroup { .. } | Act::DoTo { .. } => 1,
            Act::Read { .. } | Act::ReadGroup { .. } | Act::Look { .. } | Act::Nap { .. } | Act::Close { .. } => 0,
        };
        self.acts.iter().map(messages).sum()
    }

    /// Plans that are a step smaller: an act or a fault less, those that cost most first, then less of what there is.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let faults = (0..self.faults.len()).map(|at| {
            let mut plan = self.clone();
            plan.faults.remove(at);
            plan
        });
        let acts = (0..self.acts.len()).map(|at| {
            let mut plan = self.clone();
            plan.acts.remove(at);
            plan
        });
        let sends = (0..self.acts.len()).map(|at| {
            let mut plan = self.clone();
            if let Act::Send { count, .. } | Act::SendToGroup { count, .. } = &mut plan.acts[at].what {
                *count = count.div_ceil(2);
            }
            plan
        });
        let shapes: [fn(&mut Shape); 10] = [
            |it| it.pace = 1,
            |it| it.users = 2,
            |it| it.devices = 1,
            |it| it.gateways = 1,
            |it| it.chat_partitions = 1,
            |it| it.user_partitions = 1,
            |it| (it.clocks_differ, it.is_late) = (false, false),
            |it| it.starts_rough = false,
            |it| it.acts_are_brief = false,
            |it| it.is_tight = false,
        ];
        let shapes = shapes.into_iter().map(|change| {
            let mut plan = self.clone();
            change(&mut plan.shape);
            plan
        });
        let noises = [Noise { fails: 0, ..self.noise }, Noise { slow: 0, ..self.noise }];
        let noises = noises.into_iter().map(|noise| Self { noise, ..self.clone() });
        let all = shapes.chain(noises).chain(faults).chain(acts).chain(sends);
        all.filter(|plan| plan != self).collect()
    }
}
