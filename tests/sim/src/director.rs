//! Makes happen what the plan says.

use std::{sync::Arc, time::Duration};

use chasqui_client::To;
use chasqui_domain::{ChatId, GatewayId, Partition, Role, UserId};
use chasqui_log::Topic;
use chasqui_wire::frames::ChangeAsked;
use futures::{
    channel::oneshot,
    future::{Either, select},
};

use crate::{
    plan::{Act, At, Fault, GroupChange, Who},
    process::Process,
    scheduler::{ProcessId, WORLD},
    weather::Trouble,
    world::World,
};

/// A process that was overtaken while it stood still goes on for so long.
const AFTERLIFE: Duration = Duration::from_secs(10);

/// How long one that is to die at a write may live without so many.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long there is none then, if there is none.
const ABSENCE: Duration = Duration::from_secs(3);
/// For how long an app that is killed asleep would have slept on.
const SLEEPS_ON: Duration = Duration::from_secs(1);

/// Begins to direct; gives when everything will have been begun.
pub(crate) fn direct(world: &World) -> Duration {
    let plan = &world.0.plan;
    let (pace, now) = (plan.shape.pace.max(1), world.0.scheduler.now());
    let time = |at_ms: u64| Duration::from_millis(at_ms * pace);
    let mut last = Duration::ZERO;
    for (number, At { at_ms, what }) in plan.acts.iter().copied().enumerate() {
        last = last.max(time(at_ms));
        at(world, time(at_ms), move |world| act(world, number, what, pace));
    }
    for At { at_ms, what } in plan.faults.iter().copied() {
        last = last.max(time(at_ms));
        at(world, time(at_ms), move |world| fault(world, what, pace));
    }
    now + last + Duration::from_secs(1)
}

fn at(world: &World, after: Duration, happens: impl FnOnce(&World) + Send + 'static) {
    let (own, sleep) = (world.clone(), world.0.scheduler.sleep(after));
    world.0.scheduler.spawn(WORLD, async move {
        sleep.await;
        happens(&own);
    });
}

fn act(world: &World, number: usize, act: Act, pace: u64) {
    match act {
        Act::Send { device, to, count } => {
            let device = world.device(device);
            let text = |at: usize| format!("{number}.{at}");
            device.send(&world.other(device, to), (0..count).map(text).collect());
        }
        Act::Read { device, with } => {
            let device = world.device(device);
            device.read(&world.other(device, with));
        }
        Act::SendToGroup { device, count } => {
            let Some(group) = group(world) else { return };
            let text = |at: usize| format!("{number}.{at}");
            world.device(device).send_to_group(group, (0..count).map(text).collect());
        }
        Act::ReadGroup { device } => {
            if let Some(group) = *world.0.group.lock() {
                world.device(device).read_group(group);
            }
        }
        Act::ChangeGroup { device, change } => {
            let Some(group) = group(world) else { return };
            let user = |number: usize| world.0.users[number % world.0.users.len()].clone();
            let change = match change {
                GroupChange::Add { user: number } => ChangeAsked::Add { users: vec![user(number)] },
                GroupChange::Remove { user: number } => ChangeAsked::Remove { user: user(number) },
                GroupChange::Leave => ChangeAsked::Leave {},
                GroupChange::Role { user: number, role } => {
                    let role = [Role::Member, Role::Admin, Role::Owner][role % 3];
                    ChangeAsked::Role { user: user(number), role }
                }
                GroupChange::Describe => ChangeAsked::Describe { title: Some(format!("{number}")), picture: None },
            };
            world.device(device).change_group(group, change);
        }
        Act::DoTo { device, with, aim, deed } => {
            if let Some(to) = chat_of(world, device, with) {
                world.device(device).do_to(&to, aim, deed, format!("{number}.edited"));
            }
        }
        Act::Look { device, with } => {
            if let Some(to) = chat_of(world, device, with) {
                let device = world.device(device);
                device.look(to.chat(device.user()), number as u64, world.0.network.clone());
            }
        }
        Act::Nap { device, for_ms, is_killed } => {
            let (who, span) = (world.there(Who::Device(device)), Duration::from_millis(for_ms * pace));
            let wakes = world.0.scheduler.now() + span;
            // One that is to be killed doesn't wake just before.
            world.device(device).nap(if is_killed { wakes + SLEEPS_ON } else { wakes });
            let Some(process) = world.device(device).process().filter(|_| is_killed) else { return };
            world.later(span, move |world| {
                if world.kill(who, &process) {
                    begin_if_none(world, who);
                }
            });
        }
        Act::Close { device, for_ms } => {
            let who = world.there(Who::Device(device));
            world.device(device).close();
            world.later(Duration::from_millis(for_ms * pace), move |world| begin_if_none(world, who));
        }
    }
}

/// The chat of a device with another user, with the next with whom it has seen something, or the group, if there is
/// one.
fn chat_of(world: &World, device: usize, with: Option<usize>) -> Option<To> {
    match with {
        Some(with) => {
            let device = world.device(device);
            let view = device.view();
            let has_seen = |other: &UserId| view.seen.contains_key(&ChatId::direct(device.user(), other).to_string());
            let others = || (with..with + world.0.users.len()).map(|number| world.other(device, number));
            others().find(has_seen).or_else(|| others().next()).map(To::from)
        }
        None => world.0.group.lock().map(To::from),
    }
}

/// The group; the first device asks for it when nobody has.
fn group(world: &World) -> Option<ChatId> {
    let group = *world.0.group.lock();
    if group.is_none() {
        // In some runs not everybody is in it at first.
        let count = if world.0.plan.seed.is_multiple_of(2) { usize::MAX } else { 1 };
        let others = world.0.users.iter().skip(1).take(count).cloned().collect();
        world.device(0).create_group(others, world.0.group.clone());
    }
    group
}

fn fault(world: &World, fault: Fault, pace: u64) {
    let trace = &world.0.trace;
    trace.note(|| format!("FAULT {fault:?}"));
    let span = |for_ms: u64| Duration::from_millis(for_ms * pace);
    match fault {
        Fault::Crash { who, for_ms } => {
            let who = world.there(who);
            crash(world, who);
            world.later(span(for_ms), move |world| begin_if_none(world, who));
        }
        Fault::Overtake { who, for_ms } => {
            let who = world.there(who);
            if let Who::Device(_) = who {
                crash(world, who);
            }
            world.begin(who);
            world.later(span(for_ms), move |world| retire(world, who));
        }
        Fault::Flap { who, writes, stalls_behind, is_slow, cuts } => {
            let brief = Brief { who: world.there(who), writes, is_slow, cuts };
            flap(world, brief, stalls_behind);
        }
        Fault::Stall { who, for_ms, is_overtaken } => {
            let who = world.there(who);
            let Some(process) = world.processes(who).pop() else { return };
            world.0.scheduler.stall(process.id());
            if is_overtaken && !matches!(who, Who::Device(_)) {
                world.later(span(for_ms) / 2, move |world| world.begin(who));
                world.later(span(for_ms) + AFTERLIFE, move |world| retire(world, who));
            }
            world.later(span(for_ms), move |world| world.0.scheduler.go_on(process.id()));
        }
        Fault::Trouble { trouble, who, for_ms } => {
            let of = who.map(|who| world.name(world.there(who)));
            world.0.weather.begin(trouble, of, world.0.scheduler.now() + span(for_ms));
        }
        Fault::Trim { gateway } => {
            let Who::Gateway(number) = world.there(Who::Gateway(gateway)) else { return };
            if let Ok(id) = GatewayId::new(format!("gateway-{number}")) {
                world.0.log.trim_all(&Topic::Gateway(id).partition(Partition(0)));
            }
        }
        Fault::TrimPresence { partition } => {
            let Who::Router(number) = world.there(Who::Router(partition)) else { return };
            world.0.log.trim_all(&Topic::Presence.partition(Partition(number as u32)));
        }
        Fault::Cut { device } => world.0.network.cut(&world.device(device).name()),
        Fault::Hold { device, for_ms } => {
            let until = world.0.scheduler.now() + span(for_ms);
            world.0.network.hold(&world.device(device).name(), until);
        }
        Fault::Turn { who, by_ms } => {
            if let Some(process) = world.processes(world.there(who)).pop() {
                process.turn_clock(by_ms);
            }
        }
    }
}

/// One that takes over and dies; see [`Fault::Flap`].
#[derive(Debug, Clone, Copy)]
struct Brief {
    who: Who,
    writes: u32,
    is_slow: bool,
    cuts: usize,
}

/// Nothing happens when nobody is there, or the former one is to stand still and doesn't write so often.
fn flap(world: &World, brief: Brief, stalls_behind: Option<u32>) {
    let Some(former) = world.processes(brief.who).pop() else { return };
    if matches!(brief.who, Who::Device(_)) {
        return die_at_write(world, brief, &former, None);
    }
    let Some(writes) = stalls_behind else { return overtake_briefly(world, brief, None) };
    let weak = Arc::downgrade(&world.0);
    former.at_write(writes, move |former| {
        let Some(world) = weak.upgrade().map(World).filter(|world| !world.is_calm()) else { return };
        world.0.trace.note(|| format!("{} stands still at a write", former.name()));
        world.0.scheduler.stall(former.id());
        overtake_briefly(&world, brief, Some(former.id()));
    });
}

/// Another one takes over and dies at a write; then one that stands still goes on.
fn overtake_briefly(world: &World, brief: Brief, stalled: Option<ProcessId>) {
    world.begin(brief.who);
    world.0.devices.iter().take(brief.cuts).for_each(|device| world.0.network.cut(&device.name()));
    if brief.is_slow {
        let until = world.0.scheduler.now() + PATIENCE;
        world.0.weather.begin(Trouble::LogSlow, Some(world.name(brief.who)), until);
    }
    if let Some(process) = world.processes(brief.who).pop() {
        die_at_write(world, brief, &process, stalled);
    }
}

/// Lets a process die behind so many writes, or when it doesn't write so often for long. Then one that stands still
/// goes on, and if there is none, another begins.
fn die_at_write(world: &World, brief: Brief, process: &Process, stalled: Option<ProcessId>) {
    let Brief { who, writes, .. } = brief;
    let (send, at_write) = oneshot::channel();
    process.at_write(writes, move |_| {
        // Nobody waits any more who has lost patience.
        let _ = send.send(());
    });
    let (own, process, patience) = (world.clone(), process.clone(), world.0.scheduler.sleep(PATIENCE));
    world.0.scheduler.spawn(WORLD, async move {
        let writes = matches!(select(at_write, patience).await, Either::Left(_));
        if own.is_calm() {
            return;
        }
        if own.kill(who, &process) {
            let when = if writes { "at a write" } else { "without so many writes" };
            own.0.trace.note(|| format!("{} has died {when}", process.name()));
        }
        if let Some(stalled) = stalled {
            own.0.scheduler.go_on(stalled);
        }
        own.later(ABSENCE, move |world| begin_if_none(world, who));
    });
}

fn crash(world: &World, who: Who) {
    if let Some(process) = world.processes(who).pop() {
        world.kill(who, &process);
    }
}

/// Ends all processes of a role but the newest.
fn retire(world: &World, who: Who) {
    let mut processes = world.processes(who);
    processes.pop();
    processes.iter().for_each(Process::kill);
}

fn begin_if_none(world: &World, who: Who) {
    if world.processes(who).is_empty() {
        world.begin(who);
    }
}

/// Lets every role die once in its first moments.
pub(crate) fn stumble(world: &World) {
    for who in world.everybody().into_iter().filter(|who| !matches!(who, Who::Device(_))) {
        let after = world.roll(|dice| dice.ms(0..1_500));
        at(world, after, move |world| {
            crash(world, who);
            begin_if_none(world, who);
        });
    }
}

/// From now on nothing goes wrong: everybody is there and awake, and once, but for gateways: an earlier life ends by
/// itself.
pub(crate) fn calm(world: &World) {
    world.set_calm(true);
    world.0.trace.note(|| "CALM".to_owned());
    world.0.weather.clear();
    for who in world.everybody() {
        if !matches!(who, Who::Gateway(_)) {
            retire(world, who);
        }
        if let Who::Device(number) = who {
            world.device(number).nap(Duration::ZERO);
        }
        world.processes(who).iter().for_each(|process| world.0.scheduler.go_on(process.id()));
        begin_if_none(world, who);
    }
}

/// Opens the apps that are closed by now.
pub(crate) fn wake(world: &World) {
    (0..world.0.devices.len()).map(Who::Device).for_each(|who| begin_if_none(world, who));
}
