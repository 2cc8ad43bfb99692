//! Devices of users.
//!
//! What stands is read before it is written over, as [`DeviceRow::over`] has it. Between the two another owner may write; then
//! the timestamp decides, which is the record of `presence` that told.
//!
//! Offsets of different lives of the topics say nothing about each other, so each life has a row of its own, and what is
//! written removes those of others: whoever writes is of the later life. Should several be there all the same, because a process
//! ended in between, the one that speaks of the latest time counts.

use std::collections::BTreeMap;

use chasqui_domain::{DeviceId, TimeMs, UserId};
use chasqui_store::{DeviceRow, Error, READ_ROWS_MAX};

use crate::{CqlStore, cluster::Sized, codec, numbers::bigint};

/// What is to be done to a user's rows: these put, then those removed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    put: BTreeMap<DeviceId, DeviceRow>,
    remove: Vec<DeviceRow>,
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
        let Changes { put, remove } = changes(self.device_rows(&user).await?, rows);
        let row = |row: DeviceRow| {
            let (timestamp, state) = (timestamp(&row)?, codec::device(&row));
            let bytes = state.len();
            Ok(Sized { values: (user.as_str(), row.device.to_string(), row.told.log.0, state, timestamp), bytes })
        };
        let put = put.into_values().map(row).collect::<Result<Vec<_>, Error>>()?;
        self.cluster.write_in_order(&self.statements.put_device, put).await?;
        for row in remove {
            let values = (timestamp(&row)?, user.as_str(), row.device.as_str(), row.told.log.0);
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
        let devices = newest(self.device_rows(user).await?).0.into_values();
        let behind = devices.filter(|row| after.is_none_or(|after| row.device > *after));
        Ok(behind.take(rows_max.min(READ_ROWS_MAX)).collect())
    }

    /// All of them: they are few.
    async fn device_rows(&self, user: &UserId) -> Result<Vec<DeviceRow>, Error> {
        let rows: Vec<(String, Vec<u8>, Vec<u8>)> =
            self.cluster.rows("devices", &self.statements.devices, (user.as_str(),)).await?;
        rows.iter().map(|(device, log, state)| codec::read_device(user, device, log, state)).collect()
    }
}

/// As of which record the row is; of two that the same record told of, the one that says that the session ended is newer.
fn timestamp(row: &DeviceRow) -> Result<i64, Error> {
    let ended = u64::from(row.disconnected.is_some());
    bigint(row.told.offset.0.saturating_mul(2).saturating_add(ended))
}

/// The row of each device that counts, and the others.
fn newest(rows: Vec<DeviceRow>) -> (BTreeMap<DeviceId, DeviceRow>, Vec<DeviceRow>) {
    let (mut counts, mut others) = (BTreeMap::new(), Vec::new());
    let latest = |row: &DeviceRow| -> (TimeMs, [u8; 16]) {
        (row.disconnected.unwrap_or(row.connected).max(row.connected), row.told.log.0)
    };
    let mut rows = rows;
    rows.sort_by_key(latest);
    for row in rows {
        others.extend(counts.insert(row.device.clone(), row));
    }
    (counts, others)
}

/// What writing rows over those that stand comes to. However many are too many, they give way: a process may have ended
/// before it removed them.
fn changes(stand: Vec<DeviceRow>, given: Vec<DeviceRow>) -> Changes {
    let (mut counts, others) = newest(stand);
    let mut changes = Changes::default();
    for row in given {
        let former = counts.get(&row.device);
        let Some(row) = row.over(former) else { continue };
        changes.remove.extend(former.filter(|former| former.told.log != row.told.log).cloned());
        changes.put.insert(row.device.clone(), row.clone());
        counts.insert(row.device.clone(), row);
    }
    let mut rows: Vec<_> = counts.into_values().collect();
    while let Some(gone) = DeviceRow::gives_way(&rows).cloned() {
        rows.retain(|row| row.device != gone.device);
        changes.put.remove(&gone.device);
        changes.remove.push(gone);
    }
    let stays = |row: &DeviceRow| rows.iter().any(|stays| stays.device == row.device);
    let is_stale = |row: &DeviceRow| changes.put.contains_key(&row.device) || !stays(row);
    let stale: Vec<_> = others.into_iter().filter(is_stale).collect();
    changes.remove.extend(stale);
    changes
}

#[cfg(test)]
mod tests {
    use chasqui_domain::{GatewayId, Incarnation, LogId, Offset, Position, SessionId};
    use chasqui_store::DEVICES_OF_USER_MAX;

    use super::*;

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

    fn put(rows: &[DeviceRow]) -> BTreeMap<DeviceId, DeviceRow> {
        rows.iter().map(|row| (row.device.clone(), row.clone())).collect()
    }

    #[test]
    fn a_row_is_newer_by_its_record_and_then_by_its_end() {
        let (came, left) = (row("phone", 1, 5), DeviceRow { disconnected: Some(TimeMs(0)), ..row("phone", 1, 5) });
        let order = [row("phone", 1, 4), came, left, row("phone", 1, 6)].map(|row| timestamp(&row).unwrap());
        assert!(order.is_sorted_by(|one, next| one < next), "{order:?}");
        assert!(timestamp(&row("phone", 1, 1 << 62)).is_err());
    }

    #[test]
    fn what_is_of_another_life_goes() {
        let (former, now) = (row("phone", 1, 900), row("phone", 2, 3));
        let expected = Changes { put: put(std::slice::from_ref(&now)), remove: vec![former.clone()] };
        assert_eq!(changes(vec![former.clone()], vec![now.clone()]), expected);
        // Both are there when a process ended in between; what is written then removes the one that doesn't count, too.
        let later = row("phone", 2, 4);
        let both = changes(vec![now, former.clone()], vec![later.clone()]);
        assert_eq!(both.put, put(&[later]));
        assert!(both.remove.contains(&former));
    }

    /// Also when nothing else is to be written, as when a write is repeated.
    #[test]
    fn those_that_are_too_many_give_way() {
        let rows: Vec<_> = (0..DEVICES_OF_USER_MAX as u64 + 2).map(|n| row(&format!("{n:03}"), 1, n)).collect();
        let repeated = changes(rows.clone(), vec![rows[5].clone()]);
        assert_eq!(repeated, Changes { put: BTreeMap::new(), remove: rows[..2].to_vec() });
    }
}
