//! Makes happen what the plan says.

use std::time::Duration;

use chasqui_domain::{GatewayId, Partition};
use chasqui_log::Topic;
use futures::{channel::oneshot, future::select};

use crate::{
    plan::{Act, At, Fault, Who},
    process::Process,
    scheduler::WORLD,
    world::World,
};

/// A process that was overtaken while it stood still goes on for so long.
const AFTERLIFE: Duration = Duration::from_secs(10);

/// One that is to die at a write, and doesn't write, dies behind so long; and another begins behind so long again.
const FLAP_PATIENCE: Duration = Duration::from_secs(3);

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
        Act::Nap { device, for_ms, is_killed } => {
            let (who, span) = (world.there(Who::Device(device)), Duration::from_millis(for_ms * pace));
            world.device(device).nap(world.0.scheduler.now() + span);
            if is_killed {
                world.later(span, move |world| {
                    crash(world, who);
                    begin_if_none(world, who);
                });
            }
        }
        Act::Close { device, for_ms } => {
            let who = world.there(Who::Device(device));
            world.device(device).close();
            world.later(Duration::from_millis(for_ms * pace), move |world| begin_if_none(world, who));
        }
    }
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
        Fault::Flap { who, writes, is_stalled, cuts } => flap(world, world.there(who), writes, is_stalled, cuts),
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

/// See [`Fault::Flap`]. Nothing happens when the former one is to stand still and doesn't write.
fn flap(world: &World, who: Who, writes: u32, is_stalled: bool, cuts: usize) {
    let Some(former) = world.processes(who).pop() else { return };
    if matches!(who, Who::Device(_)) {
        return die_at_write(world, who, &former, writes, || {});
    }
    let (own, stalled) = (world.clone(), former.clone());
    let happens = move || {
        if own.is_calm() {
            return;
        }
        if is_stalled {
            own.0.trace.note(|| format!("{} stands still at a write", stalled.name()));
            own.0.scheduler.stall(stalled.id());
        }
        own.begin(who);
        own.0.devices.iter().take(cuts).for_each(|device| own.0.network.cut(&device.name()));
        if let Some(brief) = own.processes(who).pop() {
            let scheduler = own.0.scheduler.clone();
            die_at_write(&own, who, &brief, writes, move || scheduler.go_on(stalled.id()));
        }
    };
    if is_stalled {
        former.at_write(0, happens);
    } else {
        happens();
    }
}

/// Lets a process die behind so many writes, and another begin if there is none then.
fn die_at_write(world: &World, who: Who, process: &Process, writes: u32, then: impl FnOnce() + Send + 'static) {
    let (send, at_write) = oneshot::channel();
    process.at_write(writes, move || {
        // Nobody waits any more who has lost patience.
        let _ = send.send(());
    });
    let (own, process, patience) = (world.clone(), process.clone(), world.0.scheduler.sleep(FLAP_PATIENCE));
    world.0.scheduler.spawn(WORLD, async move {
        select(at_write, patience).await;
        if own.is_calm() {
            return;
        }
        own.0.trace.note(|| format!("{} dies at a write", process.name()));
        if let Who::Device(number) = who {
            own.device(number).kill();
        } else {
            process.kill();
        }
        then();
        own.later(FLAP_PATIENCE, move |world| begin_if_none(world, who));
    });
}

fn crash(world: &World, who: Who) {
    if let Who::Device(number) = who {
        world.device(number).kill();
    } else if let Some(process) = world.processes(who).pop() {
        process.kill();
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
        if let Who::Gateway(_) = who {
            world.processes(who).iter().for_each(|process| world.0.scheduler.go_on(process.id()));
        } else {
            retire(world, who);
        }
        if let Who::Device(number) = who {
            world.device(number).nap(Duration::ZERO);
        }
        match world.processes(who).pop() {
            Some(process) => world.0.scheduler.go_on(process.id()),
            None => world.begin(who),
        }
    }
}

/// Opens the apps that are closed by now.
pub(crate) fn wake(world: &World) {
    (0..world.0.devices.len()).map(Who::Device).for_each(|who| begin_if_none(world, who));
}
