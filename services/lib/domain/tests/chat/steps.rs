//! Random commands. A step is said relative to what happened before it, so that most of them mean something: the next
//! counter, one a little below the highest, a seq up to the last.

use chasqui_domain::{Action, Change, Command, Counter, Epoch, Rules, RulesNumber, Send, Seq, TimeMs};
use proptest::{collection::vec, option, prelude::*, sample::Index};

use crate::{
    acting::{Acting, acting, within},
    fixtures::{chat_id, device, sealed, user},
    model::Model,
};

const USERS: [&str; 3] = ["alice", "bob", "carol"];
pub(crate) const BODY_BYTES_MAX: usize = 4;

/// A command to be, and when it will be appended.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    sender: &'static str,
    device: usize,
    appended: u64,
    /// For how long a message can be edited, and deleted.
    within: (u32, u32),
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Send {
        peer: Option<&'static str>,
        counter: Count,
        allowed: bool,
        epoch: u32,
        bytes: usize,
    },
    Delivered(UpTo),
    Read(UpTo),
    Act {
        acting: Acting,
        counter: Count,
        allowed: bool,
    },
    /// What only groups do.
    Leave {
        counter: Count,
    },
}

/// A device's count, after the highest that was accepted from it.
#[derive(Debug, Clone)]
pub(crate) enum Count {
    Ahead(u64),
    Back(u64),
    Exactly(u64),
}

/// A seq, before or after the last.
#[derive(Debug, Clone)]
pub(crate) enum UpTo {
    Within(Index),
    Beyond(u64),
}

impl Step {
    /// What the step asks after all that the model has seen.
    pub(crate) fn command(&self, model: &Model) -> (Command, TimeMs) {
        let action = match &self.what {
            What::Send { peer, counter, allowed, epoch, bytes } => {
                let other = if self.sender == "alice" { "bob" } else { "alice" };
                let mut body = sealed(*bytes);
                body.epoch = Epoch(*epoch);
                let counter = Counter(self.counter(counter, model));
                Action::Send(Send { peer: Some(user(peer.unwrap_or(other))), counter, allowed: *allowed, body })
            }
            What::Delivered(up_to) => Action::Delivered { seq: up_to.seq(model.last_seq()) },
            What::Read(up_to) => Action::Read { seq: up_to.seq(model.last_seq()) },
            What::Act { acting, counter, allowed } => {
                let change = acting.change(&user(self.sender), &model.messages());
                Action::Change { counter: Counter(self.counter(counter, model)), allowed: *allowed, change }
            }
            What::Leave { counter } => {
                let counter = Counter(self.counter(counter, model));
                Action::Change { counter, allowed: true, change: Change::Leave }
            }
        };
        let (edit_within_ms, delete_within_ms) = self.within;
        let command = Command {
            chat: chat_id(),
            sender: user(self.sender),
            device: device(&self.device_name()),
            rules: Rules {
                number: RulesNumber(1),
                body_bytes_max: BODY_BYTES_MAX as u32,
                members_max: 2,
                edit_within_ms,
                delete_within_ms,
            },
            action,
        };
        (command, TimeMs(self.appended))
    }

    fn device_name(&self) -> String {
        format!("device-{}", self.device)
    }

    fn counter(&self, count: &Count, model: &Model) -> u64 {
        let (sender, device) = (user(self.sender), device(&self.device_name()));
        let of_device =
            model.accepted().iter().filter(|accepted| accepted.sender == sender && accepted.device == device);
        count.after(of_device.map(|accepted| accepted.counter).max().unwrap_or_default())
    }
}

impl Count {
    pub(crate) fn after(&self, highest: u64) -> u64 {
        match self {
            Self::Ahead(by) => highest.saturating_add(*by),
            Self::Back(by) => highest.saturating_sub(*by),
            Self::Exactly(counter) => *counter,
        }
    }
}

impl UpTo {
    pub(crate) fn seq(&self, last_seq: u64) -> Seq {
        match self {
            Self::Within(index) => Seq(index.index(last_seq as usize + 1) as u64),
            Self::Beyond(by) => Seq(last_seq.saturating_add(*by)),
        }
    }
}

/// Steps of everybody, on a few devices each.
pub(crate) fn few_devices() -> impl Strategy<Value = Vec<Step>> {
    let sender = prop_oneof![5 => Just("alice"), 4 => Just("bob"), 1 => Just("carol")];
    let what = prop_oneof![
        12 => a_send(),
        4 => up_to().prop_map(What::Delivered),
        4 => up_to().prop_map(What::Read),
        12 => (acting(), a_count(), proptest::bool::weighted(0.95))
            .prop_map(|(acting, counter, allowed)| What::Act { acting, counter, allowed }),
        1 => a_count().prop_map(|counter| What::Leave { counter }),
    ];
    vec(a_step(sender, 0..3, what), 0..100)
}

/// Steps of alice and bob, who write on more devices than a chat remembers.
pub(crate) fn many_devices() -> impl Strategy<Value = Vec<Step>> {
    let sender = prop_oneof![9 => Just("alice"), 1 => Just("bob")];
    vec(a_step(sender, 0..36, a_send()), 100..200)
}

fn a_step(
    sender: impl Strategy<Value = &'static str>,
    device: std::ops::Range<usize>,
    what: impl Strategy<Value = What>,
) -> impl Strategy<Value = Step> {
    let step = |(sender, device, appended, within, what)| Step { sender, device, appended, within, what };
    (sender, device, 0..1_000_u64, (within(), within()), what).prop_map(step)
}

fn a_send() -> impl Strategy<Value = What> {
    let peer = option::weighted(0.05, proptest::sample::select(&USERS[..]));
    let epoch = prop_oneof![18 => Just(1), 1 => Just(0), 1 => Just(2)];
    let bytes = prop_oneof![9 => 0..=BODY_BYTES_MAX, 1 => BODY_BYTES_MAX..BODY_BYTES_MAX + 3];
    (peer, a_count(), proptest::bool::weighted(0.95), epoch, bytes)
        .prop_map(|(peer, counter, allowed, epoch, bytes)| What::Send { peer, counter, allowed, epoch, bytes })
}

pub(crate) fn a_count() -> impl Strategy<Value = Count> {
    prop_oneof![
        100 => Just(Count::Ahead(1)),
        40 => (1..140_u64).prop_map(Count::Ahead),
        40 => (0..4_u64).prop_map(Count::Back),
        20 => (0..140_u64).prop_map(Count::Back),
        20 => (126..=130_u64).prop_map(Count::Back),
        5 => Just(Count::Exactly(0)),
        1 => (0..140_u64).prop_map(|below| Count::Exactly(u64::MAX - below)),
        1 => Just(Count::Exactly(u64::MAX)),
    ]
}

pub(crate) fn up_to() -> impl Strategy<Value = UpTo> {
    prop_oneof![
        9 => any::<Index>().prop_map(UpTo::Within),
        1 => prop_oneof![Just(1), Just(2), Just(u64::MAX)].prop_map(UpTo::Beyond),
    ]
}
