//! How plans are made.

use proptest::prelude::*;

use super::{Act, Aim, At, Deed, Fault, GroupChange, Plan, Shape, Who};
use crate::weather::{Noise, Trouble};

/// Within so many milliseconds everything is begun; see [`Shape::pace`].
const SPAN_MS: u64 = 40_000;

/// All plans with a seed.
pub(super) fn plan(seed: u64) -> impl Strategy<Value = Plan> {
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
    (counts, (is(), is(), is(), is(), is()), pace).prop_map(|(counts, flags, pace)| {
        let (users, devices, chat_partitions, user_partitions, gateways) = counts;
        let (is_tight, clocks_differ, is_late, starts_rough, acts_are_brief) = flags;
        Shape {
            users,
            devices,
            chat_partitions,
            user_partitions,
            gateways,
            is_tight,
            clocks_differ,
            is_late,
            acts_are_brief,
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
        10 => (0..6_usize, chat(), aim(), deed())
            .prop_map(|(device, with, aim, deed)| Act::DoTo { device, with, aim, deed }),
        1 => (0..6_usize, chat()).prop_map(|(device, with)| Act::Look { device, with }),
        1 => (0..6_usize, 0..20_000_u64, any::<bool>())
            .prop_map(|(device, for_ms, is_killed)| Act::Nap { device, for_ms, is_killed }),
        1 => (0..6_usize, 0..10_000_u64).prop_map(|(device, for_ms)| Act::Close { device, for_ms }),
    ]
}

/// With whom a chat is; none when it is the group.
fn chat() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![3 => (0..3_usize).prop_map(Some), 2 => Just(None)]
}

fn aim() -> impl Strategy<Value = Aim> {
    prop_oneof![3 => Just(Aim::Own), 4 => (0..5_u64).prop_map(Aim::Back)]
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Edit),
        4 => Just(Deed::Delete),
        5 => (0..3_usize).prop_map(Deed::React),
        1 => Just(Deed::TakeBack),
        2 => Just(Deed::Pin),
        1 => Just(Deed::Unpin),
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
