//! Rows of devices.

use chasqui_domain::{DeviceId, Incarnation, LogId, Offset, Position, TimeMs};

use super::{FORMER_LOG, Factory, LOG, of, rows, user};
use crate::{DEVICES_OF_USER_MAX, DeviceRow, Store};

fn device(name: &str) -> DeviceId {
    DeviceId::new(name).unwrap()
}

/// A row of a device of alice, as the record at `told` tells, which is also its time; of a session that began then.
pub(crate) fn row(name: &str, log: LogId, told: u64) -> DeviceRow {
    rows::device("alice", name, log, told)
}

fn left(row: DeviceRow, told: u64) -> DeviceRow {
    let told = Position { offset: Offset(told), ..row.told };
    DeviceRow { disconnected: Some(TimeMs(told.offset.0)), told, ..row }
}

async fn read(store: &dyn Store) -> Vec<DeviceRow> {
    store.devices_of(&user("alice"), None, usize::MAX).await.unwrap()
}

/// Every field comes back, in pages, of one user alone.
pub async fn devices_of_a_user_are_read_in_pages(factory: &dyn Factory) {
    let store = factory.open().await.store;
    assert!(read(&*store).await.is_empty());
    let rows = [row("pad", LOG, 3), left(row("phone", LOG, 1), 4), row("phone.2", LOG, 258)];
    store.write_devices(of(0), rows.iter().rev().cloned().collect()).await.unwrap();
    for name in ["al", "alice2", "b"] {
        store.write_devices(of(0), vec![DeviceRow { user: user(name), ..row("watch", LOG, 9) }]).await.unwrap();
    }
    assert_eq!(read(&*store).await, rows);
    let page =
        async |after: &str, rows_max| store.devices_of(&user("alice"), Some(&device(after)), rows_max).await.unwrap();
    assert_eq!(page("pad", 1).await, rows[1..2]);
    assert_eq!(page("phone", 9).await, rows[2..]);
    assert_eq!(page("pa", 9).await, rows, "what it goes on from needn't be there");
    assert!(page("phone.2", 9).await.is_empty());
    assert!(store.devices_of(&user("alice"), None, 0).await.unwrap().is_empty());
}

/// Whatever the order in which they arrive.
pub async fn a_newer_row_of_a_device_replaces_an_older_one_and_never_the_reverse(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let first = row("phone", LOG, 256);
    let second = row("phone", LOG, 300);
    let steps = [
        (first.clone(), first.clone()),
        (row("phone", LOG, 255), first.clone()),
        (left(row("phone", LOG, 10), 255), first.clone()),
        // The same record can tell both: that it came, and that nothing was heard since.
        (left(first.clone(), 256), left(first.clone(), 256)),
        (first.clone(), left(first.clone(), 256)),
        (second.clone(), second.clone()),
        (left(first, 299), second.clone()),
        (left(second.clone(), 301), left(second, 301)),
    ];
    for (given, expected) in steps {
        store.write_devices(of(0), vec![given.clone()]).await.unwrap();
        assert_eq!(read(&*store).await, [expected], "after {given:?}");
    }
}

/// A successor that hears of a session again doesn't move when it began.
pub async fn a_session_keeps_the_time_at_which_it_began(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let began = row("phone", LOG, 5);
    store.write_devices(of(0), vec![began.clone()]).await.unwrap();
    let heard = DeviceRow { connected: TimeMs(90), ..left(began.clone(), 95) };
    store.write_devices(of(0), vec![heard.clone()]).await.unwrap();
    assert_eq!(read(&*store).await, [DeviceRow { connected: TimeMs(5), ..heard }]);
    // Another session is another thing, though its number is the same in another life of the gateway.
    let other = DeviceRow { incarnation: Incarnation(8), session: began.session, ..row("phone", LOG, 100) };
    store.write_devices(of(0), vec![other.clone()]).await.unwrap();
    assert_eq!(read(&*store).await, [other]);
}

/// Their offsets say nothing about this one's.
pub async fn rows_of_devices_of_other_lives_count_as_before(factory: &dyn Factory) {
    let store = factory.open().await.store;
    store.write_devices(of(0), vec![left(row("phone", FORMER_LOG, 900), 950)]).await.unwrap();
    let newer = row("phone", LOG, 2);
    store.write_devices(of(0), vec![newer.clone()]).await.unwrap();
    assert_eq!(read(&*store).await, [newer]);
}

/// The one that left first gives way, before any that is connected.
pub async fn a_user_keeps_so_many_devices_and_no_more(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let many = DEVICES_OF_USER_MAX as u64;
    let rows: Vec<_> = (0..many).map(|n| row(&format!("{n:03}"), LOG, n)).collect();
    store.write_devices(of(0), rows).await.unwrap();
    assert_eq!(read(&*store).await.len(), DEVICES_OF_USER_MAX);
    store.write_devices(of(0), vec![left(row("005", LOG, 5), many), left(row("003", LOG, 3), many + 1)]).await.unwrap();
    let names = async || read(&*store).await.iter().map(|row| row.device.to_string()).collect::<Vec<_>>();
    for (gone, n) in [("005", 2), ("003", 3), ("000", 4), ("001", 5)] {
        let came = format!("new-{n}");
        store.write_devices(of(0), vec![row(&came, LOG, many + n)]).await.unwrap();
        let names = names().await;
        assert_eq!(names.len(), DEVICES_OF_USER_MAX);
        assert!(!names.iter().any(|name| name == gone) && names.contains(&came), "{gone} is to go: {names:?}");
    }
}
