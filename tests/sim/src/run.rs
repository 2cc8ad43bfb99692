//! A run, from its plan to what the oracle says of it.

use std::{collections::BTreeMap, time::Duration};

use chasqui_domain::{ChatId, Seq};
use chasqui_log::{Log, Topic};
use chasqui_oracle::InboxReading;
use futures::FutureExt;

use crate::{director, evidence, evidence::group::Group, plan::Plan, scheduler::Broken, world::World};

/// How often inboxes are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Nothing was appended for so long: all is done that there is to do.
const QUIET: Duration = Duration::from_secs(5);
/// How long everybody may take to be there at first, while calls may fail.
const BEGINS_WITHIN: Duration = Duration::from_secs(150);
/// How long everything may take to settle once nothing goes wrong any more, but for what there is to send. It is short,
/// since a minute after its attach a session refreshes, which heals much that should have healed before.
const SETTLES_WITHIN: Duration = Duration::from_secs(50);

/// What became of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was broken, with the promise that it breaks; empty when all held.
    pub violations: Vec<String>,
    /// What happened, if it was kept.
    pub trace: Vec<String>,
    /// How many steps tasks made.
    pub steps: u64,
    /// How many messages there are in the end.
    pub messages: u64,
    /// How much time went by.
    pub time: Duration,
}

impl Outcome {
    /// The names of the promises that were broken, in the order of [`Outcome::violations`].
    pub fn promises(&self) -> impl Iterator<Item = &str> {
        self.violations.iter().map(|what| what.split(':').next().unwrap_or_default())
    }
}

/// Runs a plan and judges it.
#[must_use]
pub fn run(plan: &Plan, is_traced: bool) -> Outcome {
    let world = World::new(plan.clone(), is_traced);
    let mut messages = 0;
    let mut violations = match play(&world) {
        Ok(evidence) => {
            messages =
                evidence.served.iter().flat_map(|served| &served.chats).map(|chat| chat.last_seq).sum::<u64>() / 2;
            let broken = chasqui_oracle::judge(&evidence).err();
            broken.into_iter().flat_map(|broken| broken.0).map(|violation| violation.to_string()).collect()
        }
        Err(violations) => violations,
    };
    violations.extend(world.0.ended.lock().iter().map(|why| format!("roles go on: {why}")));
    let (steps, time) = (world.0.scheduler.steps(), world.0.scheduler.now());
    world.0.scheduler.end();
    Outcome { violations, trace: world.0.trace.take(), steps, messages, time }
}

/// Why a course has not come to its end.
enum Stuck {
    /// It can't go on, and nothing more can be learned of it.
    Broken(Broken),
    /// Not everything is settled.
    Unsettled(Vec<String>),
}

fn play(world: &World) -> Result<chasqui_oracle::Evidence, Vec<String>> {
    let mut inboxes = Vec::new();
    let unsettled = match course(world, &mut inboxes) {
        Ok(()) => Vec::new(),
        Err(Stuck::Broken(broken)) => return Err(vec![format!("everybody goes on: {broken}")]),
        Err(Stuck::Unsettled(what)) => what.into_iter().map(|what| format!("everything settles: {what}")).collect(),
    };
    match evidence::collect(world, inboxes) {
        Ok(evidence) if unsettled.is_empty() => Ok(evidence),
        // What is broken besides says more than that it doesn't end.
        Ok(evidence) => {
            let others = chasqui_oracle::judge(&evidence).err().into_iter().flat_map(|broken| broken.0);
            Err(others.map(|violation| violation.to_string()).chain(unsettled).collect())
        }
        Err(why) => Err(unsettled.into_iter().chain([why]).collect()),
    }
}

/// From the beginning until everything is settled.
fn course(world: &World, inboxes: &mut Vec<InboxReading>) -> Result<(), Stuck> {
    world.everybody().into_iter().for_each(|who| world.begin(who));
    if world.0.plan.shape.starts_rough {
        world.0.weather.set_noise(world.0.plan.noise);
        director::stumble(world);
    }
    settle(world, inboxes, BEGINS_WITHIN)?;
    // What devices have come to is on their disks by then.
    pass(world, Duration::from_secs(2), inboxes)?;
    world.set_calm(false);
    world.0.weather.set_noise(world.0.plan.noise);
    let until = director::direct(world);
    while world.0.scheduler.now() < until {
        let left = until.saturating_sub(world.0.scheduler.now());
        pass(world, left.min(LOOK_EVERY), inboxes)?;
    }
    director::calm(world);
    // A tight gateway admits a message a second.
    let admitting = if world.0.plan.shape.is_tight { world.0.plan.messages() } else { 0 };
    settle(world, inboxes, SETTLES_WITHIN + Duration::from_secs(admitting))
}

/// Lets time go by.
fn pass(world: &World, time: Duration, inboxes: &mut Vec<InboxReading>) -> Result<(), Stuck> {
    world.0.scheduler.run_until(world.0.scheduler.now() + time).map_err(Stuck::Broken)?;
    inboxes.extend(evidence::inboxes(world));
    Ok(())
}

/// Waits until all is done that there is to do.
fn settle(world: &World, inboxes: &mut Vec<InboxReading>, within: Duration) -> Result<(), Stuck> {
    let until = world.0.scheduler.now() + within;
    let mut before = ends(world);
    while world.0.scheduler.now() < until {
        director::wake(world);
        pass(world, QUIET, inboxes)?;
        let now = ends(world);
        if now == before && world.0.weather.is_still() && unsettled(world).is_empty() {
            return Ok(());
        }
        before = now;
    }
    let mut left = unsettled(world);
    if left.is_empty() {
        left.push("something is still called or appended".to_owned());
    }
    Err(Stuck::Unsettled(left))
}

/// The ends of the topics in which what people do ends up.
fn ends(world: &World) -> Vec<u64> {
    let log = &*world.0.log;
    let partitions = log.partitions();
    let commands = (0..partitions.chats.get()).map(|number| (Topic::Commands, number));
    let inbox = (0..partitions.users.get()).map(|number| (Topic::Inbox, number));
    let end = |(topic, number): (Topic, u32)| {
        let bounds = log.bounds(&topic.partition(chasqui_domain::Partition(number))).now_or_never();
        bounds.and_then(Result::ok).map_or(0, |bounds| bounds.end.0)
    };
    commands.chain(inbox).map(end).collect()
}

/// What is still to be done.
fn unsettled(world: &World) -> Vec<String> {
    let last_seqs: BTreeMap<ChatId, Seq> = evidence::last_seqs(world);
    let mut unsettled = Vec::new();
    for who in world.everybody() {
        let (name, count) = (world.name(who), world.processes(who).len());
        if count != 1 {
            unsettled.push(format!("{name} is there {count} times"));
        }
    }
    for device in &world.0.devices {
        let (name, view) = (device.name(), device.view());
        if !view.is_caught_up {
            unsettled.push(format!("{name} is not caught up"));
        }
        if let Some((chat, id)) = view.open.first().or(view.open_in_groups.first()) {
            unsettled.push(format!("{name} has no outcome of {id} in {chat}"));
        }
        for other in world.0.users.iter().filter(|user| *user != device.user()) {
            let chat = ChatId::direct(device.user(), other);
            let last = last_seqs.get(&chat).map_or(0, |seq| seq.0);
            let seen = view.seen.get(&chat.to_string()).copied().unwrap_or_default();
            if seen < last {
                unsettled.push(format!("{name} has seen {seen} of {last} in {chat}"));
            }
        }
    }
    for &chat in last_seqs.keys() {
        for (user, member) in evidence::members(world, chat) {
            let devices = world.0.devices.iter().filter(|device| *device.user() == user);
            let opened = devices.map(|device| device.view().opened(&chat.to_string())).max().unwrap_or_default();
            let chat_id = chat.to_string();
            let others = world.0.devices.iter().filter(|device| *device.user() != user);
            for device in others.filter(|device| !device.view().is_told(&chat_id, user.as_str(), &member)) {
                unsettled.push(format!("{} is not told that {user} is at {member:?} in {chat}", device.name()));
            }
            if member.delivered < member.last || member.read.0 < opened {
                unsettled.push(format!("{user} is at {member:?} in {chat} and has opened {opened}"));
            }
        }
    }
    unsettled.extend(last_seqs.keys().flat_map(|chat| unsettled_in_chat(world, *chat)));
    unsettled.extend(world.0.witness.groups().into_iter().flat_map(|chat| unsettled_in_group(world, chat)));
    unsettled
}

/// Who has not seen what was last done to a message of a direct chat.
fn unsettled_in_chat(world: &World, chat: ChatId) -> Vec<String> {
    let group = Group::of(world, chat);
    let mut unsettled = Vec::new();
    for device in &world.0.devices {
        let (name, last) = (device.name(), group.last.get(device.user()));
        let Some((by, on, id)) = last.map(|last| &last.change).filter(|(.., id)| *id > 0) else { continue };
        let is_own = name == format!("{by}/{on}");
        if !device.view().has_change(&chat.to_string(), (!is_own).then_some((by, on)), *id) {
            unsettled.push(format!("{name} has perhaps not seen all that was done in {chat}: {last:?}"));
        }
    }
    unsettled
}

/// What is still to be done in a group.
fn unsettled_in_group(world: &World, chat: ChatId) -> Vec<String> {
    let (group, chat) = (Group::of(world, chat), chat.to_string());
    let mut unsettled = Vec::new();
    for device in &world.0.devices {
        let (name, view, user) = (device.name(), device.view(), device.user());
        let Some(last) = group.last.get(user) else { continue };
        let seen = view.seen.get(&chat).copied().unwrap_or_default();
        let (by, on, id) = &last.change;
        let is_own = name == format!("{by}/{on}");
        if seen < last.seq || !view.has_change(&chat, (!is_own).then_some((by, on)), *id) {
            unsettled.push(format!("{name} has seen {seen} in {chat} and perhaps not all changes: {last:?}"));
        }
        let Some(member) = group.members.get(user) else { continue };
        if member.delivered < member.last {
            unsettled.push(format!("{user} is at {member:?} in {chat}"));
        }
        let (delivered, read) = group.due(user, &name);
        if !view.is_told_of_all(&chat, delivered, read) {
            unsettled.push(format!("{name} is not told that all others are at {delivered} and {read} in {chat}"));
        }
    }
    unsettled
}
