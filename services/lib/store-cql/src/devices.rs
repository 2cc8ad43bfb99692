//! Devices of users.
//!
//! A user has [`DEVICES_OF_USER_MAX`] slots, and each device one of them: whoever gives way is written over. Rows that were
//! deleted instead would leave tombstones, as many as a client makes up ids of devices, until nobody could read that user.
//!
//! What stands is read before it is written over, as [`DeviceRow::over`] has it. Between the two another owner may write; then
//! the timestamp decides, which is the record of `presence` that told. Slots are given in the order of these records, so two
//! owners who read the same give the same ones. If a late owner's row all the same gets a slot that its successor gave to
//! another device, that device is missing from the list until it comes or goes again.
//!
//! Offsets of different lives of the topics say nothing about each other, so each life has slots of its own, and what is
//! written removes rows of others: whoever writes is of the later life. Should a device have several rows, the one that
//! speaks of the latest time counts.

use std::collections::BTreeMap;

use chasqui_domain::{DeviceId, LogId, UserId};
use chasqui_store::{DEVICES_OF_USER_MAX, DeviceRow, Error, READ_ROWS_MAX};

use crate::{CqlStore, cluster::Sized, codec, numbers::bigint};

const _: () = assert!(DEVICES_OF_USER_MAX <= i8::MAX as usize + 1, "a slot is a tinyint");

/// Where a row stands: the number of the slot, and the life of the topics that it is of.
type Place = (LogId, i8);

/// What a user's slots hold.
type Slots = BTreeMap<Place, DeviceRow>;

/// What is to be done to a user's slots: these are put, then those emptied, unless what they hold is newer than the row.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    put: Slots,
    empty: Slots,
}

impl CqlStore {
    pub(crate) async fn put_devices(&self, rows: Vec<DeviceRow>) -> Result<(), Error> {
        let mut users: BTreeMap<UserId, Vec<DeviceRow>> = BTreeMap::new();
        for row in rows {
            users.entry(row.user.clone()).or_default().push(row);
        }
        self.cluster.all(users.into_iter().map(|(user, rows)| self.put_devices_of(user, rows))).await?;
        Ok(())
    }

    async fn put_devices_of(&self, user: UserId, rows: Vec<DeviceRow>) -> Result<(), Error> {
        let Changes { put, empty } = changes(self.slots(&user).await?, rows);
        let put = put.into_iter().map(|((log, slot), row)| {
            let (timestamp, state) = (timestamp(&row)?, codec::device(&row));
            let bytes = state.len();
            Ok(Sized { values: (user.as_str(), log.0, slot, state, timestamp), bytes })
        });
        let put = put.collect::<Result<Vec<_>, Error>>()?;
        self.cluster.write_in_order(&self.statements.put_device, put).await?;
        for ((log, slot), row) in empty {
            let values = (timestamp(&row)?, user.as_str(), log.0, slot);
            self.cluster.write(&self.statements.remove_device, values).await?;
        }
        Ok(())
    }

    pub(crate) async fn read_devices(
        &self,
        user: &UserId,
        after: Option<&DeviceId>,
        rows_max: usize,
    ) -> Result<Vec<DeviceRow>, Error> {
        let slots = self.slots(user).await?;
        let devices = kept(&slots).into_values().map(|place| &slots[&place]);
        let behind = devices.filter(|row| after.is_none_or(|after| row.device > *after));
        Ok(behind.take(rows_max.min(READ_ROWS_MAX)).cloned().collect())
    }

    /// All of them: they are few.
    async fn slots(&self, user: &UserId) -> Result<Slots, Error> {
        let rows: Vec<(Vec<u8>, i8, Vec<u8>)> =
            self.cluster.rows("devices", &self.statements.devices, (user.as_str(),)).await?;
        let slot = |(log, slot, state): &(Vec<u8>, i8, Vec<u8>)| {
            let row = codec::read_device(user, log, state)?;
            Ok(((row.told.log, *slot), row))
        };
        rows.iter().map(slot).collect()
    }
}

/// Of two rows of a life the newer one: of two that the same record told of, the one that says that the session ended.
fn age(row: &DeviceRow) -> u64 {
    row.told.offset.0.saturating_mul(2).saturating_add(u64::from(row.disconnected.is_some()))
}

/// As of which record the row is.
fn timestamp(row: &DeviceRow) -> Result<i64, Error> {
    bigint(age(row))
}

/// Where the row of each device stands that counts.
fn counting(slots: &Slots) -> BTreeMap<DeviceId, Place> {
    let latest = |row: &DeviceRow| row.disconnected.unwrap_or_default().max(row.connected);
    let mut all: Vec<_> = slots.iter().map(|(place, row)| (latest(row), *place, &row.device)).collect();
    all.sort();
    all.into_iter().map(|(_, place, device)| (device.clone(), place)).collect()
}

/// Those of them that a user keeps. There can be more while rows of another life are still there.
fn kept(slots: &Slots) -> BTreeMap<DeviceId, Place> {
    let mut kept = counting(slots);
    let mut rows: Vec<_> = kept.values().map(|place| slots[place].clone()).collect();
    while let Some(gone) = DeviceRow::gives_way(&rows).map(|row| row.device.clone()) {
        rows.retain(|row| row.device != gone);
        kept.remove(&gone);
    }
    kept
}

/// The slot for a row: its device's, else a free one, else that of whoever gives way; none when that is the row itself.
fn place_for(row: &DeviceRow, slots: &Slots) -> Option<Place> {
    let (life, counting) = (row.told.log, counting(slots));
    if let Some(own) = counting.get(&row.device).filter(|place| place.0 == life) {
        return Some(*own);
    }
    // What it writes over has to be older, or the servers would keep that.
    let may_have = |place: &Place| slots.get(place).is_none_or(|held| age(held) < age(row));
    let mut others: Vec<_> = counting.into_values().filter(|place| place.0 == life).collect();
    let mut of_life = (0_i8..).take(DEVICES_OF_USER_MAX).map(|slot| (life, slot));
    if let Some(free) = of_life.find(|place| !others.contains(place) && may_have(place)) {
        return Some(free);
    }
    let rows: Vec<_> = others.iter().map(|place| slots[place].clone()).chain([row.clone()]).collect();
    let gone = DeviceRow::gives_way(&rows)?;
    others.retain(|place| slots[place].device == gone.device && may_have(place));
    others.pop()
}

/// What writing rows over those that stand comes to. Rows of other lives are removed when their device is heard of in this one,
/// or gave way; whatever is written, since a process may have ended before it did so.
fn changes(mut slots: Slots, mut given: Vec<DeviceRow>) -> Changes {
    given.sort_by_key(age);
    let mut changes = Changes::default();
    let Some(life) = given.last().map(|row| row.told.log) else { return changes };
    for row in given {
        slots.retain(|place, held| {
            let is_replaced = place.0 != life && held.device == row.device;
            if is_replaced {
                changes.empty.insert(*place, held.clone());
            }
            !is_replaced
        });
        let former = counting(&slots).get(&row.device).map(|place| &slots[place]);
        let Some(row) = row.over(former) else { continue };
        let Some(place) = place_for(&row, &slots) else { continue };
        slots.insert(place, row.clone());
        changes.put.insert(place, row);
    }
    let kept: Vec<_> = kept(&slots).into_values().collect();
    slots.retain(|place, _| place.0 != life && !kept.contains(place));
    changes.empty.append(&mut slots);
    changes
}

#[cfg(test)]
mod tests {
    use chasqui_domain::{GatewayId, Incarnation, Offset, Position, SessionId, TimeMs};

    use super::*;

    const MANY: u64 = DEVICES_OF_USER_MAX as u64;

    fn row(device: &str, life: u8, told: u64) -> DeviceRow {
        DeviceRow {
            user: UserId::new("alice").unwrap(),
            device: DeviceId::new(device).unwrap(),
            told: Position { log: LogId([life; 16]), offset: Offset(told) },
            connected: TimeMs(told),
            disconnected: None,
            gateway: GatewayId::new("g-1").unwrap(),
            incarnation: Incarnation(7),
            session: SessionId(told),
        }
    }

    fn left(row: DeviceRow, told: u64) -> DeviceRow {
        DeviceRow { disconnected: Some(TimeMs(told)), told: Position { offset: Offset(told), ..row.told }, ..row }
    }

    /// Rows in the slots of these numbers.
    fn slots(rows: impl IntoIterator<Item = (i8, DeviceRow)>) -> Slots {
        rows.into_iter().map(|(slot, row)| ((row.told.log, slot), row)).collect()
    }

    /// As many as there can be, of one life; the one in slot n was told of by record n.
    fn full() -> Slots {
        slots((0..MANY).zip(0..).map(|(told, slot)| (slot, row(&format!("{told:03}"), 1, told))))
    }

    fn put(rows: impl IntoIterator<Item = (i8, DeviceRow)>) -> Changes {
        Changes { put: slots(rows), empty: Slots::new() }
    }

    #[test]
    fn a_row_is_newer_by_its_record_and_then_by_its_end() {
        let (came, left) = (row("phone", 1, 5), DeviceRow { disconnected: Some(TimeMs(0)), ..row("phone", 1, 5) });
        let order = [row("phone", 1, 4), came, left, row("phone", 1, 6)].map(|row| timestamp(&row).unwrap());
        assert!(order.is_sorted_by(|one, next| one < next), "{order:?}");
        assert!(timestamp(&row("phone", 1, 1 << 62)).is_err());
    }

    #[test]
    fn a_device_keeps_its_slot_and_a_new_one_gets_the_lowest_that_is_free() {
        let (phone, pad, watch) = (row("phone", 1, 5), row("pad", 1, 6), row("watch", 1, 7));
        assert_eq!(
            changes(Slots::new(), vec![watch.clone(), phone.clone(), pad.clone()]),
            put([(0, phone.clone()), (1, pad.clone()), (2, watch.clone())])
        );
        let stand = slots([(1, pad.clone()), (3, phone.clone())]);
        let phone = left(phone, 8);
        assert_eq!(changes(stand.clone(), vec![watch.clone(), phone.clone()]), put([(0, watch), (3, phone)]));
        assert_eq!(changes(stand, vec![row("phone", 1, 4), pad]), Changes::default(), "nothing is new");
    }

    #[test]
    fn whoever_gives_way_is_written_over() {
        let came = row("new", 1, 200);
        assert_eq!(changes(full(), vec![came.clone()]), put([(0, came.clone())]));
        let mut some_left = full();
        for (slot, told) in [(9, 101), (4, 102)] {
            let row = &some_left[&(LogId([1; 16]), slot)];
            some_left.insert((LogId([1; 16]), slot), left(row.clone(), told));
        }
        let next = row("next", 1, 201);
        assert_eq!(changes(some_left, vec![next.clone(), came.clone()]), put([(9, came), (4, next)]));
    }

    /// A record that is read again doesn't bring back who gave way.
    #[test]
    fn whoever_gave_way_stays_away() {
        let mut stand = full();
        stand.insert((LogId([1; 16]), 0), row("new", 1, 200));
        assert_eq!(changes(stand, vec![row("000", 1, 0)]), Changes::default());
    }

    #[test]
    fn what_is_of_another_life_goes() {
        let (former, now) = (row("phone", 1, 900), row("phone", 2, 3));
        let expected = Changes { put: slots([(0, now.clone())]), empty: slots([(5, former.clone())]) };
        assert_eq!(changes(slots([(5, former.clone())]), vec![now.clone()]), expected);
        // Both are there when a process ended in between; a write that has nothing new removes the one of before all the same,
        // whatever the times say.
        for told in [1, 900] {
            let former = row("phone", 1, told);
            let both = slots([(5, former.clone()), (0, now.clone())]);
            let expected = Changes { put: Slots::new(), empty: slots([(5, former)]) };
            assert_eq!(changes(both, vec![now.clone()]), expected);
        }
    }

    #[test]
    fn rows_of_another_life_give_way_as_others_do() {
        let came = row("new", 2, 3000);
        let gone = full().into_iter().take(1).collect();
        assert_eq!(changes(full(), vec![came.clone()]), Changes { put: slots([(0, came.clone())]), empty: gone });
        // Nothing of this life is removed, which would leave a tombstone for each.
        let gone_at_once = left(row("new", 2, 0), 0);
        let expected = put([(0, gone_at_once)]);
        assert_eq!(changes(full(), vec![left(row("new", 2, 0), 0)]), expected);
        let stand = full().into_iter().chain(expected.put).collect();
        assert_eq!(kept(&stand).len(), DEVICES_OF_USER_MAX);
        assert!(!kept(&stand).contains_key(&came.device));
    }

    /// Two rows of a device can be there when a late owner wrote: the slot of the one that counts no more is free.
    #[test]
    fn a_slot_that_counts_no_more_is_free() {
        let stand = slots([(0, row("phone", 1, 5)), (1, row("phone", 1, 9)), (2, row("pad", 1, 6))]);
        assert_eq!(counting(&stand)[&DeviceId::new("phone").unwrap()], (LogId([1; 16]), 1));
        let (older, newer) = (row("watch", 1, 4), row("watch", 1, 10));
        assert_eq!(changes(stand.clone(), vec![newer.clone()]), put([(0, newer)]));
        assert_eq!(changes(stand, vec![older.clone()]), put([(3, older)]), "what is there would be kept");
    }
}
