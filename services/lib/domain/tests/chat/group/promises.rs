//! What a group promises, read off its events and what follows from them; the model has no part in it.

use std::collections::{BTreeMap, BTreeSet};

use chasqui_domain::{
    Action, Change, Chat, Command, Counter, Decision, DeviceId, Effect, Entry, Event, EventKind, Refusal, Role, Rules,
    Seq, Target, TimeMs, UserId, Version, decide,
};
use proptest::prelude::*;

use super::{
    fixtures::{add, group_id, has, opens, remove, retitle, set_role, writes},
    run::{Run, run_apart},
    steps::steps,
};
use crate::{
    fixtures::{device, refuses, user},
    properties::config,
    run::Decided,
};

type Users = BTreeSet<UserId>;

/// Who is in the group after an event.
fn after(members: &Users, event: &Event) -> Users {
    let mut members = members.clone();
    match &event.kind {
        EventKind::Created { members: users, .. } | EventKind::Changed { change: Change::Add { users }, .. } => {
            members.extend(users.iter().cloned());
        }
        _ => members.retain(|member| Some(member) != gone(event)),
    }
    members
}

/// Who goes by an event.
fn gone(event: &Event) -> Option<&UserId> {
    match &event.kind {
        EventKind::Changed { change: Change::Remove { user }, .. } => Some(user),
        EventKind::Changed { by, change: Change::Leave, .. } => Some(by),
        _ => None,
    }
}

/// The event that an entry is about; none of the answers to a device.
fn version_of(entry: &Entry) -> Option<Version> {
    match entry {
        Entry::Message { event } | Entry::Changed { event } => Some(event.version),
        Entry::Receipt { version, .. } => Some(*version),
        Entry::Counts(counts) => Some(counts.version),
        Entry::Done { .. } | Entry::Repeated { .. } | Entry::Refused { .. } => None,
    }
}

/// By version, who was in the group before an event and after it.
fn memberships(run: &Run) -> BTreeMap<Version, (Users, Users)> {
    let mut members = Users::new();
    let around = |event: &Event| {
        let before = members.clone();
        members = after(&members, event);
        (event.version, (before, members.clone()))
    };
    run.events().map(around).collect()
}

/// Whether a user was in the group from a message on, so that they see it; everybody sees what is about none.
fn is_there_since(
    around: &BTreeMap<Version, (Users, Users)>,
    message: Option<Target>,
    version: Version,
    user: &UserId,
) -> bool {
    message.is_none_or(|message| around.range(message.version..=version).all(|(_, (_, after))| after.contains(user)))
}

fn effects(decision: &Decision) -> impl Iterator<Item = (&Vec<UserId>, &Entry)> {
    decision.effects.iter().map(|Effect::Place { recipients, entry }| (recipients, entry))
}

fn roles(chat: &Chat) -> BTreeMap<&UserId, Role> {
    chat.members.iter().map(|member| (&member.user, member.role)).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nobody_is_told_of_an_event_outside_their_membership_and_their_own_going_is_the_last(steps in steps()) {
        let run = run_apart(&steps);
        let around = memberships(&run);
        for decided in &run.decided {
            let mut went = Users::new();
            for (recipients, entry) in effects(&decided.decision) {
                let Some(version) = version_of(entry) else { continue };
                let event = run.events().find(|event| event.version == version).unwrap();
                let going = gone(event).filter(|_| matches!(entry, Entry::Changed { .. }));
                for recipient in recipients {
                    prop_assert!(!went.contains(recipient), "{} is told more: {:?}", recipient, entry);
                    let is_in = around[&version].1.contains(recipient);
                    prop_assert!(is_in || going == Some(recipient), "{} is told {:?}", recipient, entry);
                }
                went.extend(going.cloned());
            }
        }
    }

    #[test]
    fn every_member_is_told_once_of_each_message_and_change_and_nobody_else_of_answers(steps in steps()) {
        let run = run_apart(&steps);
        let around = memberships(&run);
        for Decided { command, decision, .. } in &run.decided {
            for (recipients, entry) in effects(decision) {
                let expected: Users = match entry {
                    Entry::Message { event } | Entry::Changed { event } => {
                        let (before, after) = &around[&event.version];
                        // Who leaves is told of that alone, and not to whom the group passes on.
                        let leaves = decision.events.last().is_some_and(|last| last.version > event.version);
                        let leaver = leaves.then(|| command.sender.clone());
                        let sees = |user: &UserId| is_there_since(&around, event.kind.target(), event.version, user);
                        let told = (before | after).into_iter();
                        told.filter(|user| Some(user) != leaver.as_ref() && sees(user)).collect()
                    }
                    Entry::Counts(counts) => counts.authors.iter().map(|counts| counts.author.clone()).collect(),
                    _ => Users::from([command.sender.clone()]),
                };
                prop_assert!(recipients.iter().eq(&expected), "{:?} are told {:?}", recipients, entry);
            }
        }
    }

    #[test]
    fn a_role_is_raised_only_by_those_who_have_it_and_by_nobody_for_themselves(steps in steps()) {
        let run = run_apart(&steps);
        let (states, last) = run.states();
        let later = states.iter().skip(1).map(|(chat, _)| chat).chain([last]);
        for ((before, event), after) in states.iter().zip(later) {
            let (before, after) = (roles(before), roles(after));
            if let EventKind::Created { by, .. } = &event.kind {
                let owners = after.into_iter().filter(|(_, role)| *role != Role::Member).collect::<Vec<_>>();
                prop_assert_eq!(owners, [(by, Role::Owner)]);
                continue;
            }
            for (user, role) in &after {
                // Who comes is a member and no more.
                let former = before.get(user).copied().unwrap_or(Role::Member);
                if *role == former {
                    continue;
                }
                let EventKind::Changed { by, change: Change::SetRole { user: whose, role: set }, .. } = &event.kind else {
                    panic!("{event:?} changes the role of {user}")
                };
                prop_assert_eq!((*user, role), (whose, set));
                let is_allowed = match (before[by], former, role) {
                    (Role::Owner, ..) => true,
                    (Role::Admin, former, role) => former != Role::Owner && *role != Role::Owner,
                    (Role::Member, ..) => false,
                };
                prop_assert!(is_allowed, "{:?}", event);
                prop_assert!(by != *user || *role < former, "{} raised themselves: {:?}", by, event);
            }
        }
    }

    #[test]
    fn only_admins_and_owners_add_remove_describe_and_pin_and_nobody_removes_who_has_more_to_say(steps in steps()) {
        let run = run_apart(&steps);
        for (before, event) in &run.states().0 {
            let EventKind::Changed { by, change, .. } = &event.kind else { continue };
            let role = before.member(by).unwrap().role;
            match change {
                Change::Add { .. } | Change::Describe { .. } | Change::Pin { .. } | Change::Unpin { .. } => {
                    prop_assert_ne!(role, Role::Member);
                }
                Change::Remove { user } => {
                    prop_assert_ne!(role, Role::Member);
                    prop_assert!(role == Role::Owner || before.member(user).unwrap().role != Role::Owner);
                }
                Change::Leave | Change::SetRole { .. } => {}
                Change::Edit { .. } | Change::Delete { .. } | Change::React { .. } => {}
            }
        }
    }

    #[test]
    fn a_group_with_members_always_has_an_owner(steps in steps()) {
        let run = run_apart(&steps);
        let (states, last) = run.states();
        for chat in states.iter().map(|(chat, _)| chat).chain([last]) {
            let has_owner = chat.members.iter().any(|member| member.role == Role::Owner);
            prop_assert!(has_owner || chat.members.is_empty(), "{:?}", chat.members);
        }
    }

    #[test]
    fn who_is_not_in_it_can_do_nothing(steps in steps()) {
        let run = run_apart(&steps);
        let names = ["alice", "bob", "carol", "dave", "erin", "frank", "zoe"];
        for name in names.into_iter().filter(|name| run.chat.member(&user(name)).is_none()) {
            let change = |change| asks_on("watch", name, change);
            let mut write = writes(name, 1);
            write.device = device("watch");
            let all = [
                write,
                change(add(&[name])),
                change(remove(name)),
                change(set_role(name, Role::Owner)),
                change(Change::Leave),
                change(retitle(3)),
                has(name, 0),
                opens(name, run.chat.last_seq.0),
            ];
            for command in all {
                let refused = refuses(&command, Refusal::NotAMember);
                prop_assert_eq!(decide(&run.chat, None, &command, TimeMs(0)).unwrap(), refused);
            }
        }
    }

    #[test]
    fn what_all_others_have_never_goes_back_and_no_count_exceeds_the_others(steps in steps()) {
        let run = run_apart(&steps);
        let mut told = BTreeMap::<(UserId, Version), (Seq, Seq)>::new();
        for Decided { before, decision, .. } in &run.decided {
            for (_, entry) in effects(decision) {
                let Entry::Counts(counts) = entry else { continue };
                for it in &counts.authors {
                    prop_assert!(it.read <= it.delivered);
                    let joined = before.member(&it.author).unwrap().joined.version;
                    let former = told.insert((it.author.clone(), joined), (it.delivered, it.read)).unwrap_or_default();
                    prop_assert!(former.0 <= it.delivered && former.1 <= it.read, "{:?} after {:?}", it, former);
                    for message in &it.messages {
                        prop_assert!(message.read <= message.delivered && message.delivered <= it.others);
                        prop_assert_eq!(message.delivered == it.others, message.seq <= it.delivered, "{:?}", it);
                        prop_assert_eq!(message.read == it.others, message.seq <= it.read, "{:?}", it);
                    }
                }
            }
        }
    }
}

fn asks_on(on: &str, sender: &str, change: Change) -> Command {
    let action = Action::Change { counter: Counter(1), allowed: true, change };
    let device = DeviceId::new(on).unwrap();
    Command { chat: group_id(), sender: user(sender), device, rules: Rules::default(), action }
}
