//! Random commands to a group. Whom a step is of, and whom it is about, is said relative to who is in the group then, so
//! that most steps mean something.

use chasqui_domain::{
    Action, Change, Command, Counter, Create, Epoch, Role, Rules, RulesNumber, Sealed, Send, TimeMs, UserId,
};
use proptest::{bool::weighted, collection::vec, option, prelude::*, sample::Index};

use super::{fixtures::group_id, model::Model};
use crate::{
    acting::{Acting, acting, within},
    fixtures::{device, sealed, user},
    steps::{BODY_BYTES_MAX, Count, UpTo, a_count, up_to},
};

const USERS: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
/// One fewer than there are users.
const MEMBERS_MAX: u32 = 5;
const PROFILE_BYTES_MAX: usize = 2048;

/// A command to be, and when it will be appended.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    sender: Who,
    device: &'static str,
    appended: u64,
    members_max: u32,
    /// For how long a message can be edited, and deleted.
    within: (u32, u32),
    allowed: bool,
    counter: Count,
    what: What,
}

#[derive(Debug, Clone)]
enum Who {
    Founder,
    Member(Index),
    /// An owner or an admin.
    Ruler(Index),
    Anybody(Index),
}

#[derive(Debug, Clone)]
enum What {
    Create { counter: u64, members: Vec<Who>, title: Part, picture: Option<Part> },
    Add(Vec<Who>),
    Remove(Who),
    Leave,
    SetRole(Who, Role),
    Describe { title: Option<Part>, picture: Option<Part> },
    Send { peer: Option<Who>, epoch: u32, bytes: usize },
    Delivered(UpTo),
    Read(UpTo),
    Act(Acting),
}

/// A title or a picture.
#[derive(Debug, Clone)]
struct Part {
    epoch: u32,
    bytes: usize,
}

impl Step {
    /// What the step asks after all that the model has seen.
    pub(crate) fn command(&self, model: &Model) -> (Command, TimeMs) {
        let (sender, device) = (self.sender.of(model), device(self.device));
        let counter = Counter(self.counter.after(model.highest(&sender, &device)));
        let body_bytes_max = BODY_BYTES_MAX as u32;
        let (members_max, (edit_within_ms, delete_within_ms)) = (self.members_max, self.within);
        let number = RulesNumber(1);
        let rules = Rules { number, body_bytes_max, members_max, edit_within_ms, delete_within_ms };
        let action = self.action(&sender, counter, model);
        let command = Command { chat: group_id(), sender, device, rules, action };
        (command, TimeMs(self.appended))
    }

    fn action(&self, sender: &UserId, counter: Counter, model: &Model) -> Action {
        let all = |who: &[Who]| who.iter().map(|who| who.of(model)).collect();
        let (allowed, part) = (self.allowed, |part: &Option<Part>| part.as_ref().map(Part::sealed));
        let change = match &self.what {
            What::Create { counter, members, title, picture } => {
                let (counter, members) = (Counter(*counter), all(members));
                let (title, picture) = (title.sealed(), part(picture));
                return Action::Create(Create { counter, members, allowed, title, picture });
            }
            What::Send { peer, epoch, bytes } => {
                let body = Sealed { epoch: Epoch(*epoch), ..sealed(*bytes) };
                let peer = peer.as_ref().map(|peer| peer.of(model));
                return Action::Send(Send { peer, counter, allowed, body });
            }
            What::Delivered(up_to) => return Action::Delivered { seq: up_to.seq(model.last_seq()) },
            What::Read(up_to) => return Action::Read { seq: up_to.seq(model.last_seq()) },
            What::Add(users) => Change::Add { users: all(users) },
            What::Remove(user) => Change::Remove { user: user.of(model) },
            What::Leave => Change::Leave,
            What::SetRole(user, role) => Change::SetRole { user: user.of(model), role: *role },
            What::Describe { title, picture } => Change::Describe { title: part(title), picture: part(picture) },
            What::Act(acting) => acting.change(sender, &model.kept()),
        };
        Action::Change { counter, allowed, change }
    }
}

impl Who {
    fn of(&self, model: &Model) -> UserId {
        let rules = |role: Role| role == Role::Owner || role == Role::Admin;
        let (index, here) = match self {
            Self::Founder => return user("alice"),
            Self::Anybody(index) => return user(USERS[index.index(USERS.len())]),
            Self::Member(index) => (index, model.here()),
            Self::Ruler(index) => (index, model.here().into_iter().filter(|stay| rules(stay.role())).collect()),
        };
        if here.is_empty() { user(USERS[index.index(USERS.len())]) } else { index.get(&here).user.clone() }
    }
}

impl Part {
    fn sealed(&self) -> Sealed {
        Sealed { epoch: Epoch(self.epoch), ..sealed(self.bytes) }
    }
}

/// Most begin with the group being made.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let first = a_step(Just(Who::Founder), Just("phone"), a_create(Just(1), false));
    let sender = prop_oneof![5 => a_ruler(), 8 => a_member(), 1 => anybody(), 1 => Just(Who::Founder)];
    let rest = a_step(sender, prop_oneof![4 => Just("phone"), 1 => Just("pad")], anything());
    (option::weighted(0.95, first), vec(rest, 0..120)).prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

fn a_step(
    sender: impl Strategy<Value = Who>,
    device: impl Strategy<Value = &'static str>,
    what: impl Strategy<Value = What>,
) -> impl Strategy<Value = Step> {
    let members_max = prop_oneof![9 => Just(MEMBERS_MAX), 1 => 1..MEMBERS_MAX];
    let step = |(sender, device, appended, members_max, within, allowed, counter, what)| Step {
        sender,
        device,
        appended,
        members_max,
        within,
        allowed,
        counter,
        what,
    };
    let within = (within(), within());
    (sender, device, 0..1_000_u64, members_max, within, weighted(0.95), a_count(), what).prop_map(step)
}

fn anything() -> impl Strategy<Value = What> {
    let role = prop_oneof![3 => Just(Role::Member), 4 => Just(Role::Admin), 2 => Just(Role::Owner)];
    prop_oneof![
        1 => a_create(prop_oneof![3 => Just(1), 1 => Just(0), 1 => 2..5_u64], true),
        5 => vec(anybody(), 0..3).prop_map(What::Add),
        3 => about().prop_map(What::Remove),
        2 => Just(What::Leave),
        5 => (about(), role).prop_map(|(user, role)| What::SetRole(user, role)),
        2 => (option::of(a_part(true)), option::of(a_part(true)))
            .prop_map(|(title, picture)| What::Describe { title, picture }),
        18 => a_send(),
        6 => up_to().prop_map(What::Delivered),
        7 => up_to().prop_map(What::Read),
        24 => acting().prop_map(What::Act),
    ]
}

fn a_create(counter: impl Strategy<Value = u64>, may_be_wrong: bool) -> impl Strategy<Value = What> {
    let picture = option::of(a_part(may_be_wrong));
    (counter, vec(anybody(), 0..5), a_part(may_be_wrong), picture)
        .prop_map(|(counter, members, title, picture)| What::Create { counter, members, title, picture })
}

fn a_send() -> impl Strategy<Value = What> {
    let peer = option::weighted(0.03, anybody());
    let epoch = prop_oneof![38 => Just(1), 1 => Just(0), 1 => Just(2)];
    let bytes = prop_oneof![19 => 0..=BODY_BYTES_MAX, 1 => BODY_BYTES_MAX..BODY_BYTES_MAX + 3];
    (peer, epoch, bytes).prop_map(|(peer, epoch, bytes)| What::Send { peer, epoch, bytes })
}

fn a_part(may_be_wrong: bool) -> impl Strategy<Value = Part> {
    let wrong = u32::from(may_be_wrong);
    let epoch = prop_oneof![9 => Just(0), wrong => Just(1)];
    let bytes = prop_oneof![8 => 0..9_usize, 1 => Just(PROFILE_BYTES_MAX), wrong => Just(PROFILE_BYTES_MAX + 1)];
    (epoch, bytes).prop_map(|(epoch, bytes)| Part { epoch, bytes })
}

/// Whom a change is about.
fn about() -> impl Strategy<Value = Who> {
    prop_oneof![3 => a_member(), 1 => a_ruler(), 1 => anybody()]
}

fn a_member() -> impl Strategy<Value = Who> {
    any::<Index>().prop_map(Who::Member)
}

fn a_ruler() -> impl Strategy<Value = Who> {
    any::<Index>().prop_map(Who::Ruler)
}

fn anybody() -> impl Strategy<Value = Who> {
    any::<Index>().prop_map(Who::Anybody)
}
