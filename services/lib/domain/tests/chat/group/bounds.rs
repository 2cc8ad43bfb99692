//! The edges of what a group remembers: devices, counters, own messages and those of who went.

use chasqui_domain::{
    Chat, Command, Counter, DeviceId, Refusal, Role, RulesNumber, Seq, TimeMs, UserId,
    chat::{Accepted, Device, RUNS_MAX},
};

use super::fixtures::{Group, add, asks, creates, group_id, opens, remove, retitle, writes};
use crate::fixtures::{device, refuses, restored, tell, user};

const COUNTERS_MAX: usize = 32 * 1024;
const COUNTERS_KEPT: u64 = 8;
const WINDOW: u64 = 128;

fn name(number: usize) -> String {
    format!("user-{number:04}")
}

fn device_name(number: usize) -> String {
    format!("device-{number:04}")
}

fn on(number: usize, mut command: Command) -> Command {
    command.device = device(&device_name(number));
    command
}

/// A group of alice's with so many others.
fn group_with(others: usize) -> Chat {
    let names: Vec<_> = (0..others).map(name).collect();
    let mut chat = Chat::new(group_id());
    let mut create = creates(&names.iter().map(String::as_str).collect::<Vec<_>>());
    create.rules.members_max = u32::MAX;
    tell(&mut chat, &create, 1);
    chat
}

fn remembered(chat: &Chat) -> usize {
    chat.devices.iter().map(|device| device.accepted.len()).sum()
}

fn counters(chat: &Chat, user: &UserId, device: &DeviceId) -> Vec<u64> {
    let of = chat.devices.iter().filter(|known| (&known.user, &known.id) == (user, device));
    of.flat_map(|device| &device.accepted).map(|accepted| accepted.counter.0).collect()
}

/// That it is taken for a repeat.
fn is_recognised(chat: &Chat, command: &Command) -> bool {
    let decision = chasqui_domain::decide(chat, None, command, TimeMs(9)).unwrap();
    decision.events.is_empty() && decision != refuses(command, Refusal::CounterTooOld)
}

/// Devices that wrote as many messages as are remembered of each: as many as fit. Each wrote all of its own at once.
fn full() -> (Chat, Vec<(String, usize)>) {
    let users = 8;
    let mut chat = group_with(users);
    let devices = COUNTERS_MAX / WINDOW as usize;
    let of: Vec<_> = (0..devices).map(|number| (name(number % users), number)).collect();
    for (name, number) in &of {
        for counter in 1..=WINDOW {
            let decision = chasqui_domain::decide(&chat, None, &on(*number, writes(name, counter)), TimeMs(2)).unwrap();
            decision.events.iter().for_each(|event| chat.apply(event).unwrap());
        }
    }
    chat.validate().unwrap();
    (chat, of)
}

#[test]
fn at_the_bound_the_device_that_wrote_least_recently_keeps_its_last_counters() {
    let (mut chat, of) = full();
    assert_eq!(remembered(&chat), COUNTERS_MAX);
    for (name, number) in &of {
        assert!(is_recognised(&chat, &on(*number, writes(name, 1))), "everything is remembered up to the bound");
    }
    // The first device writes again, so the second is the one.
    let (first, second) = (&of[0], &of[1]);
    tell(&mut chat, &on(first.1, writes(&first.0, WINDOW + 1)), 3);
    assert_eq!(remembered(&chat), COUNTERS_MAX, "that pushed out its own first");
    tell(&mut chat, &writes("alice", 1), 3);
    assert_eq!(remembered(&chat), COUNTERS_MAX + 1 - (WINDOW - COUNTERS_KEPT) as usize);
    let last: Vec<_> = (WINDOW - COUNTERS_KEPT + 1..=WINDOW).collect();
    assert_eq!(counters(&chat, &user(&second.0), &device(&device_name(second.1))), last);
    for (name, number) in of.iter().filter(|it| *it != second) {
        assert_eq!(counters(&chat, &user(name), &device(&device_name(*number))).len() as u64, WINDOW);
    }
    for counter in last {
        assert!(is_recognised(&chat, &on(second.1, writes(&second.0, counter))));
    }
}

/// So many devices that all have is what is kept of each.
fn only_kept(seq: impl Fn(usize) -> u64) -> (Chat, Vec<String>) {
    let users = 129;
    let mut chat = group_with(users);
    tell(&mut chat, &writes("alice", 1), 2);
    tell(&mut chat, &writes("alice", 2), 2);
    chat.devices.clear();
    let devices = COUNTERS_MAX / COUNTERS_KEPT as usize;
    for number in 0..devices {
        let accepted = (1..=COUNTERS_KEPT)
            .map(|counter| Accepted {
                counter: Counter(counter),
                seq: Seq(seq(number)),
                time: TimeMs(2),
                is_change: true,
            })
            .collect();
        chat.devices.push(Device { user: user(&name(number / 32)), id: device(&device_name(number)), accepted });
    }
    chat.validate().unwrap();
    assert_eq!(remembered(&chat), COUNTERS_MAX);
    (chat, (0..devices).map(|number| name(number / 32)).collect())
}

#[test]
fn when_no_device_has_more_than_is_kept_the_one_that_wrote_least_recently_goes() {
    let (mut chat, names) = only_kept(|number| if number == 77 { 1 } else { 2 });
    assert!(is_recognised(&chat, &on(77, writes(&names[77], 1))));
    tell(&mut chat, &writes("alice", 3), 3);
    assert_eq!(remembered(&chat), COUNTERS_MAX + 1 - COUNTERS_KEPT as usize);
    assert!(counters(&chat, &user(&names[77]), &device(&device_name(77))).is_empty());
    assert_eq!(counters(&chat, &user("alice"), &device("phone")), [3]);
    assert!(is_recognised(&chat, &on(78, writes(&names[78], 1))));
}

/// Many changes lie behind one message; who asked just now is never the one to be forgotten.
#[test]
fn what_was_asked_last_is_recognised_at_the_bound_also_when_no_message_lies_between() {
    let (mut chat, _) = only_kept(|_| 2);
    let change = asks("alice", 3, retitle(3));
    assert!(user("alice") < user(&name(0)), "it comes first of all");
    tell(&mut chat, &change, 3);
    assert_eq!(remembered(&chat), COUNTERS_MAX + 1 - COUNTERS_KEPT as usize);
    assert!(is_recognised(&chat, &change));
}

#[test]
fn what_a_member_asked_last_is_recognised_also_when_no_message_lies_between() {
    let mut chat = group_with(0);
    for number in (0..40).rev() {
        let change = on(number, asks("alice", 1, retitle(3)));
        assert_eq!(tell(&mut chat, &change, 2).events.len(), 1);
        assert!(is_recognised(&chat, &change), "{} was forgotten at once", change.device);
        assert!(chat.devices.len() <= 32);
    }
}

#[test]
fn devices_of_who_went_are_remembered_and_bounded_like_others() {
    let mut chat = group_with(1);
    let gone = name(0);
    tell(&mut chat, &on(1, writes(&gone, 1)), 2);
    tell(&mut chat, &asks("alice", 1, remove(&gone)), 2);
    assert!(is_recognised(&chat, &on(1, writes(&gone, 1))));
    for number in 0..40 {
        tell(&mut chat, &on(number, writes("alice", 1)), 2);
    }
    assert!(is_recognised(&chat, &on(1, writes(&gone, 1))), "others' devices don't count");
}

/// A group's counters and a chat's are told apart by the sender and the device alone.
#[test]
fn a_window_is_one_devices_and_one_users() {
    let mut chat = group_with(1);
    tell(&mut chat, &on(1, writes("alice", 500)), 2);
    for command in [on(2, writes("alice", 1)), on(1, writes(&name(0), 1))] {
        assert_eq!(tell(&mut chat, &command, 2).events.len(), 1);
    }
    let old = on(1, writes("alice", 1));
    assert_eq!(tell(&mut chat, &old, 2), refuses(&old, Refusal::CounterTooOld));
}

/// More runs of those who went than are kept: the oldest are lost, and so is what comes to lie below them later.
#[test]
fn what_is_kept_of_those_who_went_is_bounded_and_stays_in_order() {
    let mut chat = group_with(0);
    tell(&mut chat, &asks("alice", 1, add(&["bob", "carol", "dave", "zoe"])), 2);
    let mut counter = 1;
    let mut tell_next = |chat: &mut Chat, command: fn(&str, u64) -> Command, name: &str| {
        counter += 1;
        assert_eq!(tell(chat, &command(name, counter), 2).events.len(), 1);
        assert!(chat.uncounted.iter().len() <= RUNS_MAX);
        assert_eq!(restored(chat), *chat);
    };
    // Carol's first lie below what will be lost of bob's; her last lie between his, which become fewer runs with hers.
    let bobs = (0..RUNS_MAX).flat_map(|round| ["bob", if round < RUNS_MAX - 4 { "alice" } else { "carol" }]);
    let writers = ["carol", "alice", "carol", "alice"].into_iter().chain(bobs);
    for writer in writers.chain(["alice", "dave", "alice", "dave"]) {
        tell_next(&mut chat, writes, writer);
    }
    let removes = |name: &str, counter| asks("alice", counter, remove(name));
    tell_next(&mut chat, removes, "bob");
    assert_eq!((chat.uncounted.iter().len(), chat.uncounted.floor()), (RUNS_MAX, Seq(0)));
    tell_next(&mut chat, removes, "dave");
    let floor = chat.uncounted.floor();
    assert_eq!((chat.uncounted.iter().len(), floor), (RUNS_MAX, Seq(7)));
    tell_next(&mut chat, removes, "carol");
    assert_eq!(chat.uncounted.floor(), floor);
    assert!(chat.uncounted.iter().all(|(first, _)| first > floor));
    for reader in ["alice", "zoe"] {
        let all = opens(reader, chat.last_seq.0);
        tell(&mut chat, &all, 2);
        assert_eq!(chat.unread(chat.member(&user(reader)).unwrap()), 0);
    }
    assert_eq!((chat.uncounted.iter().len(), chat.uncounted.floor()), (0, floor));
}

/// Of each member so many runs are kept that all members' together are bounded, but sixteen at least.
#[test]
fn the_runs_of_own_messages_are_shared_evenly() {
    for (members, kept) in [(2, 1024), (16, 1024), (17, 963), (32, 512), (1024, 16), (1100, 16)] {
        let mut chat = group_with(members - 1);
        for counter in 1..=kept + 3 {
            for sender in ["alice", &name(0)] {
                let decision = chasqui_domain::decide(&chat, None, &writes(sender, counter), TimeMs(2)).unwrap();
                decision.events.iter().for_each(|event| chat.apply(event).unwrap());
            }
        }
        chat.validate().unwrap();
        let alice = chat.member(&user("alice")).unwrap();
        assert_eq!(alice.own.iter().len() as u64, kept, "of {members} members");
        assert_eq!(chat.unread(alice), kept + 1, "at least one before each run");
    }
}

#[test]
fn in_a_group_own_messages_are_kept_until_all_have_read_them() {
    let mut group = Group::of(&[("bob", Role::Member)]);
    for sender in ["alice", "bob", "alice"] {
        group.writes(sender);
    }
    let own = |group: &Group| group.chat.member(&user("alice")).unwrap().own.iter().collect::<Vec<_>>();
    group.tell(&opens("alice", 3));
    assert_eq!(own(&group), [(Seq(1), Seq(1)), (Seq(3), Seq(3))]);
    group.tell(&opens("bob", 2));
    assert_eq!(own(&group), [(Seq(3), Seq(3))]);
    group.changes("alice", add(&["carol"]));
    group.changes("alice", remove("bob"));
    assert_eq!(own(&group), []);
}

#[test]
fn the_limits_are_those_that_these_tests_have() {
    let rules = RulesNumber(1);
    assert_eq!((rules.counters_max(), rules.counters_kept() as u64), (COUNTERS_MAX, COUNTERS_KEPT));
    assert_eq!(rules.dedupe_window(), WINDOW);
}
