//! The edges of what a chat remembers: own messages, devices, counters.

use chasqui_domain::{
    Chat, Command, Counter, Decision, DeviceId, Entry, Rules, RulesNumber, Seq, TimeMs, chat::RUNS_MAX,
};

use crate::{
    fixtures::{acts, chat_id, delete, device, only_tells, read, send, tell, user},
    messages::Messages,
    model::Model,
};

const RUNS: u64 = RUNS_MAX as u64;

/// Tells the chat and the model the same.
fn tell_both(chat: &mut Chat, model: &mut Model, command: &Command) {
    assert_eq!(tell(chat, command, 1), model.decide(command, TimeMs(1)));
}

/// Alice's unread: what the chat says and what is true.
fn unread(chat: &Chat, model: &Model) -> (u64, u64) {
    let alice = user("alice");
    (chat.unread(chat.member(&alice).unwrap()), model.unread(&alice))
}

/// Exact up to the bound, and above it at least the bound and never too many.
fn assert_close(chat: &Chat, model: &Model) {
    let (said, exact) = unread(chat, model);
    let least = exact.min(RUNS);
    assert!((least..=exact).contains(&said), "the chat says {said}, {exact} is true");
}

#[test]
fn unread_is_exact_up_to_the_bound_and_at_least_the_bound_above() {
    let (mut chat, mut model) = (Chat::new(chat_id()), Model::new());
    for counter in 1..=20 {
        tell_both(&mut chat, &mut model, &send("bob", "phone", counter));
    }
    for counter in 1..=RUNS + 200 {
        tell_both(&mut chat, &mut model, &send("alice", "phone", counter));
        tell_both(&mut chat, &mut model, &send("bob", "phone", 20 + counter));
        assert_close(&chat, &model);
    }
    let (said, exact) = unread(&chat, &model);
    assert!(RUNS <= said && said < exact, "the bound was not reached: {said} of {exact}");

    let last = chat.last_seq.0;
    let around_the_bound = (last - 2 * RUNS - 4)..=(last - 2 * RUNS + 4);
    for seq in [10, 40].into_iter().chain(around_the_bound).chain([last - 3, last - 2, last - 1, last]) {
        tell_both(&mut chat, &mut model, &read("alice", seq));
        assert_close(&chat, &model);
    }
    assert_eq!(unread(&chat, &model), (0, 0));
    tell_both(&mut chat, &mut model, &send("bob", "phone", RUNS + 221));
    assert_eq!(unread(&chat, &model), (1, 1));
}

/// Tells the chat, its messages and the model the same.
fn tell_all(chat: &mut Chat, messages: &mut Messages, model: &mut Model, command: &Command) -> Decision {
    let decision = messages.decide(chat, command, TimeMs(1));
    assert_eq!(decision, model.decide(command, TimeMs(1)));
    messages.fold(chat, &decision);
    decision
}

/// Deleted messages are remembered up to a bound of runs, too; beyond it too many count as unread, never too few.
#[test]
fn of_deleted_messages_so_many_runs_are_kept() {
    let (mut chat, mut messages, mut model) = (Chat::new(chat_id()), Messages::default(), Model::new());
    for counter in 1..=2 * (RUNS + 3) {
        tell_all(&mut chat, &mut messages, &mut model, &send("bob", "phone", counter));
    }
    for nth in 0..RUNS + 3 {
        // Every second one, from the last to the first but one.
        let message = model.messages()[2 * (RUNS + 2 - nth) as usize].target;
        let command = acts("bob", 2 * (RUNS + 3) + 1 + nth, delete(message));
        assert_eq!(tell_all(&mut chat, &mut messages, &mut model, &command).events.len(), 1);
        let (said, exact) = unread(&chat, &model);
        assert_eq!(said, exact + (nth + 1).saturating_sub(RUNS), "after {nth}");
        assert!(chat.uncounted.iter().len() as u64 <= RUNS);
    }
    tell_all(&mut chat, &mut messages, &mut model, &read("alice", 10));
    assert_eq!(unread(&chat, &model).0, unread(&chat, &model).1);
}

/// Own messages that were deleted between others make more runs than are kept: what is lost is lost for good.
#[test]
fn deleting_own_messages_keeps_their_runs_bounded() {
    let (mut chat, mut messages, mut model) = (Chat::new(chat_id()), Messages::default(), Model::new());
    for counter in 1..=2 * RUNS + 8 {
        tell_all(&mut chat, &mut messages, &mut model, &send("alice", "phone", counter));
    }
    for nth in 0..RUNS + 3 {
        let message = model.messages()[2 * nth as usize + 1].target;
        let command = acts("alice", 2 * RUNS + 9 + nth, delete(message));
        assert_eq!(tell_all(&mut chat, &mut messages, &mut model, &command).events.len(), 1);
        let alice = chat.member(&user("alice")).unwrap();
        assert!(alice.own.iter().len() as u64 <= RUNS);
        assert_eq!(unread(&chat, &model), (0, 0));
    }
}

#[test]
fn the_limits_are_those_that_the_model_has() {
    let rules = RulesNumber(1);
    assert_eq!((rules.dedupe_window(), rules.devices_per_member_max(), rules.profile_bytes_max()), (128, 32, 2048));
    assert_eq!((rules.counters_max(), rules.counters_kept()), (32 * 1024, 8));
    assert_eq!(Rules::default().number, rules);
}

fn known(chat: &Chat, name: &str) -> Vec<DeviceId> {
    chat.devices.iter().filter(|device| device.user == user(name)).map(|device| device.id.clone()).collect()
}

#[test]
fn the_device_that_wrote_least_recently_gives_way() {
    let mut chat = Chat::new(chat_id());
    tell(&mut chat, &send("bob", "d-00", 1), 1);
    for number in 0..32 {
        tell(&mut chat, &send("alice", &format!("d-{number:02}"), 1), 2);
    }
    assert_eq!(known(&chat, "alice").len(), 32);
    // d-00 came first, but has written since; d-01 goes.
    tell(&mut chat, &send("alice", "d-00", 2), 3);
    tell(&mut chat, &send("alice", "d-32", 1), 4);
    let left = known(&chat, "alice");
    assert_eq!(left.len(), 32);
    assert!(left.contains(&device("d-00")) && !left.contains(&device("d-01")) && left.contains(&device("d-32")));
    assert_eq!(known(&chat, "bob"), [device("d-00")], "others' devices don't count");

    // What is remembered is recognised, what is forgotten is taken for new: the limit says how far that goes.
    assert_eq!(tell(&mut chat, &send("alice", "d-00", 1), 5), repeated("alice", "d-00", 1, 2, 2));
    assert_eq!(tell(&mut chat, &send("alice", "d-01", 1), 5).events.len(), 1);
    assert!(!known(&chat, "alice").contains(&device("d-02")));
}

#[test]
fn a_device_that_only_repeats_does_not_count_as_writing() {
    let mut chat = Chat::new(chat_id());
    for number in 0..32 {
        tell(&mut chat, &send("alice", &format!("d-{number:02}"), 1), 2);
    }
    assert_eq!(tell(&mut chat, &send("alice", "d-00", 1), 3), repeated("alice", "d-00", 1, 1, 2));
    tell(&mut chat, &send("alice", "d-32", 1), 4);
    assert!(!known(&chat, "alice").contains(&device("d-00")));
}

#[test]
fn counters_may_come_late_and_out_of_order_within_the_window() {
    let mut chat = Chat::new(chat_id());
    for (seq, counter) in [(1, 130), (2, 3), (3, 129), (4, 4)] {
        tell(&mut chat, &send("alice", "phone", counter), seq);
    }
    for (seq, counter) in [(1, 130), (2, 3), (3, 129), (4, 4)] {
        assert_eq!(tell(&mut chat, &send("alice", "phone", counter), 9), repeated("alice", "phone", counter, seq, seq));
    }
}

#[test]
fn the_highest_counters_of_all_are_recognised_like_others() {
    let mut chat = Chat::new(chat_id());
    for (seq, counter) in [(1, 5), (2, u64::MAX - 1), (3, u64::MAX), (4, u64::MAX - 127)] {
        assert!(!tell(&mut chat, &send("alice", "phone", counter), seq).events.is_empty());
    }
    for (seq, counter) in [(2, u64::MAX - 1), (3, u64::MAX), (4, u64::MAX - 127)] {
        assert_eq!(tell(&mut chat, &send("alice", "phone", counter), 9), repeated("alice", "phone", counter, seq, seq));
    }
}

fn repeated(sender: &str, on: &str, counter: u64, seq: u64, time: u64) -> Decision {
    let entry = Entry::Repeated {
        chat: chat_id(),
        device: device(on),
        counter: Counter(counter),
        seq: Seq(seq),
        time: TimeMs(time),
    };
    only_tells(&user(sender), entry)
}
