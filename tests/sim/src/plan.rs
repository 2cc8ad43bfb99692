//! What is to happen in a run: all of it comes from a seed, and can be made smaller.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde::{Deserialize, Serialize};

use crate::weather::{Noise, Trouble};

/// Within so many milliseconds everything is begun; see [`Shape::pace`].
const SPAN_MS: u64 = 40_000;

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
        let tree = plan(seed).new_tree(&mut runner).unwrap();
        tree.current()
    }

    /// How much people write.
    pub(crate) fn messages(&self) -> u64 {
        let messages = |act: &At<Act>| match act.what {
            Act::Send { count, .. } | Act::SendToGroup { count, .. } => count as u64,
            Act::ChangeGroup { .. } => 1,
            Act::Read { .. } | Act::ReadGroup { .. } | Act::Nap { .. } | Act::Close { .. } => 0,
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
        let shapes: [fn(&mut Shape); 9] = [
            |it| it.pace = 1,
            |it| it.users = 2,
            |it| it.devices = 1,
            |it| it.gateways = 1,
            |it| it.chat_partitions = 1,
            |it| it.user_partitions = 1,
            |it| (it.clocks_differ, it.is_late) = (false, false),
            |it| it.starts_rough = false,
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

fn plan(seed: u64) -> impl Strategy<Value = Plan> {
    let acts = prop::collection::vec(at(act()), 1..40);
    let faults = prop::collection::vec(at(fault()), 0..10);
    (Just(seed), shape(), noise(), acts, faults).prop_map(|(seed, shape, noise, acts, faults)| Plan {
        seed,
        shape,
        noise,
        acts,
        faults,
    })
}

fn shape() -> impl Strategy<Value = Shape> {
    let pace = prop_oneof![9 => Just(1_u64), 1 => Just(8)];
    let is = any::<bool>;
    let counts = (2..4_usize, 1..3_usize, 1..3_u32, 1..3_u32, 1..3_usize);
    (counts, (is(), is(), is(), is()), pace).prop_map(|(counts, flags, pace)| {
        let (users, devices, chat_partitions, user_partitions, gateways) = counts;
        let (is_tight, clocks_differ, is_late, starts_rough) = flags;
        Shape {
            users,
            devices,
            chat_partitions,
            user_partitions,
            gateways,
            is_tight,
            clocks_differ,
            is_late,
            starts_rough,
            pace,
        }
    })
}

fn noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        3 => Just(Noise { fails: 0, slow: 0 }),
        3 => Just(Noise { fails: 0, slow: 100 }),
        3 => Just(Noise { fails: 10, slow: 50 }),
        1 => Just(Noise { fails: 50, slow: 200 }),
    ]
}

fn at<T: std::fmt::Debug>(what: impl Strategy<Value = T>) -> impl Strategy<Value = At<T>> {
    (0..SPAN_MS, what).prop_map(|(at_ms, what)| At { at_ms, what })
}

fn act() -> impl Strategy<Value = Act> {
    let count = || prop_oneof![8 => 1..4_usize, 1 => 4..40_usize];
    prop_oneof![
        10 => (0..6_usize, 0..3_usize, count()).prop_map(|(device, to, count)| Act::Send { device, to, count }),
        6 => (0..6_usize, 0..3_usize).prop_map(|(device, with)| Act::Read { device, with }),
        3 => (0..6_usize, count()).prop_map(|(device, count)| Act::SendToGroup { device, count }),
        2 => (0..6_usize).prop_map(|device| Act::ReadGroup { device }),
        2 => (0..6_usize, group_change()).prop_map(|(device, change)| Act::ChangeGroup { device, change }),
        1 => (0..6_usize, 0..20_000_u64, any::<bool>())
            .prop_map(|(device, for_ms, is_killed)| Act::Nap { device, for_ms, is_killed }),
        1 => (0..6_usize, 0..10_000_u64).prop_map(|(device, for_ms)| Act::Close { device, for_ms }),
    ]
}

fn group_change() -> impl Strategy<Value = GroupChange> {
    let user = || 0..3_usize;
    prop_oneof![
        3 => user().prop_map(|user| GroupChange::Add { user }),
        2 => user().prop_map(|user| GroupChange::Remove { user }),
        1 => Just(GroupChange::Leave),
        2 => (user(), 0..3_usize).prop_map(|(user, role)| GroupChange::Role { user, role }),
        1 => Just(GroupChange::Describe),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        3 => (0..2_usize).prop_map(Who::Sequencer),
        3 => (0..2_usize).prop_map(Who::Router),
        2 => (0..2_usize).prop_map(Who::Gateway),
        2 => (0..6_usize).prop_map(Who::Device),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let trouble = prop_oneof![
        Just(Trouble::LogAway),
        Just(Trouble::LogFlaky),
        Just(Trouble::LogSlow),
        Just(Trouble::StoreAway),
        Just(Trouble::StoreFlaky),
        Just(Trouble::StoreSlow),
    ];
    let gateway = || (0..2_usize).prop_map(Who::Gateway);
    let server = prop_oneof![(0..2_usize).prop_map(Who::Sequencer), (0..2_usize).prop_map(Who::Router), gateway()];
    let trouble = prop_oneof![
        6 => (trouble, prop_oneof![1 => Just(None), 3 => server.prop_map(Some)]),
        1 => (Just(Trouble::HeartbeatsHeld), gateway().prop_map(Some)),
        1 => (Just(Trouble::PresenceHeld), prop_oneof![Just(None), gateway().prop_map(Some)]),
    ];
    prop_oneof![
        6 => (who(), 0..10_000_u64).prop_map(|(who, for_ms)| Fault::Crash { who, for_ms }),
        6 => (who(), 0..20_000_u64).prop_map(|(who, for_ms)| Fault::Overtake { who, for_ms }),
        5 => (who(), 0..12_u32, prop::option::of(0..8_u32), any::<bool>(), 0..6_usize).prop_map(
            |(who, writes, stalls_behind, is_slow, cuts)| Fault::Flap { who, writes, stalls_behind, is_slow, cuts }
        ),
        5 => (who(), 0..30_000_u64, any::<bool>())
            .prop_map(|(who, for_ms, is_overtaken)| Fault::Stall { who, for_ms, is_overtaken }),
        6 => (trouble, 0..30_000_u64)
            .prop_map(|((trouble, who), for_ms)| Fault::Trouble { trouble, who, for_ms }),
        2 => (0..2_usize).prop_map(|gateway| Fault::Trim { gateway }),
        1 => (0..2_usize).prop_map(|partition| Fault::TrimPresence { partition }),
        3 => (0..6_usize).prop_map(|device| Fault::Cut { device }),
        3 => (0..6_usize, 0..90_000_u64).prop_map(|(device, for_ms)| Fault::Hold { device, for_ms }),
        1 => (gateway(), -60_000..60_000_i64).prop_map(|(who, by_ms)| Fault::Turn { who, by_ms }),
    ]
}
