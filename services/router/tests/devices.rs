//! What a router writes of devices, and what it leaves alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    unreachable_pub,
    reason = "a test program: helpers fail the test by panicking"
)]

mod support;

use chasqui_domain::{DeviceId, Incarnation, Offset, Partition, Position, SessionId, TimeMs};
use chasqui_log::{Log, Topic};
use chasqui_router::SESSION_TTL;
use chasqui_store::{DeviceRow, Store};
use chasqui_wire::presence::PresenceKind::{self, Attach, Detach, Refresh};

use chasqui_testkit::{Faults, MODES};
use support::{LOG, OF, Running, World, answers, gateway, user};

fn world() -> World {
    World::new(Faults::none())
}

async fn devices(world: &World, name: &str) -> Vec<DeviceRow> {
    world.store.devices_of(&user(name), None, 99).await.unwrap()
}

async fn phone(world: &World) -> DeviceRow {
    devices(world, "alice").await.remove(0)
}

/// Says something of alice's phone in life 3 of the gateway, a second after what was said before; gives when.
async fn say(world: &World, running: &Running, session: u64, kind: PresenceKind) -> TimeMs {
    world.clock.advance(1);
    world.say("alice", 3, session, 1, kind).await;
    world.settled(running).await;
    last_time(world).await
}

/// When the last record of `presence` was appended.
async fn last_time(world: &World) -> TimeMs {
    let at = Topic::Presence.partition(Partition(0));
    let last = Offset(world.end(&at).await.0 - 1);
    world.log.reader(&at, last).await.unwrap().next(1).await.unwrap()[0].time
}

#[tokio::test]
async fn a_row_says_where_a_device_is_connected_and_when_it_left() {
    let world = world();
    let running = world.start();
    let came = say(&world, &running, 1, Attach).await;
    let row = DeviceRow {
        user: user("alice"),
        device: DeviceId::new("phone").unwrap(),
        told: Position { log: LOG, offset: Offset(0) },
        connected: came,
        disconnected: None,
        gateway: gateway("g"),
        incarnation: Incarnation(3),
        session: SessionId(1),
    };
    assert_eq!(devices(&world, "alice").await, std::slice::from_ref(&row));
    assert_eq!(answers(&world.told().await).len(), 1);

    let left = say(&world, &running, 1, Detach).await;
    // The router's term lies between the two.
    let told = Position { log: LOG, offset: Offset(2) };
    assert_eq!(devices(&world, "alice").await, [DeviceRow { told, disconnected: Some(left), ..row }]);
    world.say_of("alice", "pad", (3, 2), 1, Attach).await;
    world.say_of("bob", "phone", (3, 3), 1, Attach).await;
    world.settled(&running).await;
    assert_eq!(devices(&world, "alice").await.iter().map(|row| row.session.0).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(devices(&world, "bob").await[0].session, SessionId(3));
}

#[tokio::test]
async fn a_refresh_and_a_repair_write_nothing() {
    let world = world();
    let running = world.start();
    say(&world, &running, 1, Attach).await;
    let before = phone(&world).await;
    say(&world, &running, 1, Refresh).await;
    world.say("alice", 3, 1, 2, Attach).await;
    world.settled(&running).await;
    assert_eq!(phone(&world).await, before);
}

#[tokio::test]
async fn the_session_that_came_last_is_the_one_of_its_device() {
    let world = world();
    let running = world.start();
    say(&world, &running, 1, Attach).await;
    let came = say(&world, &running, 2, Attach).await;
    // The older one goes, or stays; it no longer matters.
    say(&world, &running, 1, Refresh).await;
    say(&world, &running, 1, Detach).await;
    let row = phone(&world).await;
    assert_eq!((row.session, row.connected, row.disconnected), (SessionId(2), came, None));
    let left = say(&world, &running, 2, Detach).await;
    assert_eq!(phone(&world).await.disconnected, Some(left));
}

#[tokio::test]
async fn a_session_that_falls_silent_has_left_when_it_was_last_heard_of_and_may_come_back() {
    let world = world();
    let running = world.start();
    let came = say(&world, &running, 1, Attach).await;
    let heard = say(&world, &running, 1, Refresh).await;
    world.clock.advance(SESSION_TTL.as_secs());
    world.settled(&running).await;
    let row = phone(&world).await;
    assert_eq!((row.connected, row.disconnected), (came, Some(heard)));

    say(&world, &running, 1, Refresh).await;
    let row = phone(&world).await;
    assert_eq!((row.connected, row.disconnected), (came, None), "it is the same session");
}

#[tokio::test]
async fn a_device_that_came_back_elsewhere_is_not_said_to_have_left_when_its_old_session_expires() {
    let world = world();
    let running = world.start();
    say(&world, &running, 1, Attach).await;
    // The gateway has died and begun a new life, in which the first session is never heard of again.
    world.clock.advance(SESSION_TTL.as_secs() / 2);
    world.say("alice", 9, 1, 1, Attach).await;
    world.settled(&running).await;
    world.clock.advance(SESSION_TTL.as_secs() / 2);
    world.settled(&running).await;
    let row = phone(&world).await;
    assert_eq!((row.incarnation, row.disconnected), (Incarnation(9), None));
}

#[tokio::test]
async fn a_successor_goes_on_from_what_was_answered() {
    let world = world();
    let running = world.start();
    let came = say(&world, &running, 1, Attach).await;
    drop(running);
    // Nobody is there to see it refresh and go.
    world.say("alice", 3, 1, 1, Refresh).await;
    world.clock.advance(1);
    world.say("alice", 3, 1, 1, Detach).await;
    let left = last_time(&world).await;
    let running = world.start();
    world.settled(&running).await;
    let row = phone(&world).await;
    assert_eq!((row.connected, row.disconnected), (came, Some(left)));
}

#[tokio::test]
async fn a_late_former_owner_takes_nothing_back() {
    let world = world();
    let running = world.start();
    say(&world, &running, 1, Attach).await;
    let old = phone(&world).await;
    say(&world, &running, 1, Detach).await;
    say(&world, &running, 2, Attach).await;
    let now = phone(&world).await;
    let late = DeviceRow { disconnected: Some(TimeMs(1)), ..old };
    world.store.write_devices(OF, vec![late]).await.unwrap();
    assert_eq!(phone(&world).await, now);
}

/// Whatever call fails, and however: in the end the rows are those of a run in which nothing failed.
#[tokio::test]
async fn a_fault_at_any_call_leaves_the_rows_right() {
    let whole = run(Faults::none()).await;
    assert_eq!(whole.iter().map(|row| row.disconnected.is_some()).collect::<Vec<_>>(), [false, true, true]);
    for mode in MODES {
        for call in 1.. {
            let faults = Faults::new(call, mode);
            let rows = run(faults.clone()).await;
            if !faults.happened() {
                assert!(call > 15, "only {call} calls: the test has lost its object");
                break;
            }
            // Time goes on while a router is away, so when is told less exactly than what.
            let told = |rows: &[DeviceRow]| {
                let row = |row: &DeviceRow| (row.device.clone(), row.session, row.disconnected.is_some());
                rows.iter().map(row).collect::<Vec<_>>()
            };
            assert_eq!(told(&rows), told(&whole), "{mode:?} at call {call}");
        }
    }
}

#[tokio::test]
async fn a_device_is_there_while_another_session_of_it_is() {
    let world = World::new(Faults::none());
    let running = world.start();
    let came = say(&world, &running, 1, Attach).await;
    say(&world, &running, 2, Attach).await;
    say(&world, &running, 2, Detach).await;
    let rows = devices(&world, "alice").await;
    assert_eq!((rows[0].session, rows[0].connected, rows[0].disconnected), (SessionId(1), came, None));
    say(&world, &running, 1, Detach).await;
    assert!(devices(&world, "alice").await[0].disconnected.is_some());
}

#[tokio::test]
async fn a_device_is_there_when_a_later_session_of_it_falls_silent() {
    let world = World::new(Faults::none());
    let running = world.start();
    say(&world, &running, 1, Attach).await;
    say(&world, &running, 2, Attach).await;
    world.clock.advance(SESSION_TTL.as_secs() - 5);
    say(&world, &running, 1, Refresh).await;
    world.clock.advance(10);
    world.settled(&running).await;
    let rows = devices(&world, "alice").await;
    assert_eq!((rows[0].session, rows[0].disconnected), (SessionId(1), None));
}

/// A phone that comes, comes again and stays; a pad that comes and goes; a watch that falls silent.
async fn run(faults: std::sync::Arc<Faults>) -> Vec<DeviceRow> {
    let world = World::new(faults);
    let mut running = world.start();
    let said = [
        ("phone", 1, Attach),
        ("pad", 2, Attach),
        ("watch", 3, Attach),
        ("phone", 4, Attach),
        ("pad", 2, Detach),
        ("phone", 1, Detach),
    ];
    let refreshes = [("phone", 4, Refresh); 20];
    for (device, session, kind) in said.into_iter().chain(refreshes) {
        world.clock.advance(10);
        world.say_of("alice", device, (3, session), 1, kind).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
            if futures::FutureExt::now_or_never(world.faults.crash()).is_some() {
                running.task.abort();
                running = world.start();
            }
        }
    }
    for _ in 0..50 {
        world.clock.advance(1);
        for _ in 0..20 {
            tokio::task::yield_now().await;
            if futures::FutureExt::now_or_never(world.faults.crash()).is_some() {
                running.task.abort();
                running = world.start();
            }
        }
    }
    let mut rows = devices(&world, "alice").await;
    rows.sort_by_key(|row| row.disconnected.is_some());
    rows
}
