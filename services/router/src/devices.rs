//! The rows of devices that are owed to the store.
//!
//! A device has one session, the one that attached last; what becomes of others says nothing about it. What is written
//! is as of a record of `presence`, so a late former owner can't undo what its successor wrote.

use std::collections::BTreeMap;

use chasqui_domain::{DeviceId, LogId, Offset, Position, TimeMs, UserId};
use chasqui_store::DeviceRow;

use crate::sessions::{Place, Session};

/// The newest row of each device of which there is something new to say.
#[derive(Debug)]
pub(crate) struct Devices {
    log: LogId,
    rows: BTreeMap<(UserId, DeviceId), DeviceRow>,
}

impl Devices {
    /// Nothing yet, of this life of the topics.
    pub(crate) fn new(log: LogId) -> Self {
        Self { log, rows: BTreeMap::new() }
    }

    /// A session came, as the record at `told` says.
    pub(crate) fn came(&mut self, user: &UserId, place: &Place, session: &Session, told: Offset) {
        self.put(user, place, session, told, None);
    }

    /// A session went, as of the record at `told`.
    pub(crate) fn went(&mut self, user: &UserId, place: &Place, session: &Session, told: Offset, time: TimeMs) {
        if session.is_current {
            self.put(user, place, session, told, Some(time));
        }
    }

    fn put(&mut self, user: &UserId, place: &Place, session: &Session, told: Offset, disconnected: Option<TimeMs>) {
        let row = DeviceRow {
            user: user.clone(),
            device: session.device.clone(),
            told: Position { log: self.log, offset: told },
            connected: session.since,
            disconnected,
            gateway: place.gateway.clone(),
            incarnation: place.incarnation,
            session: place.session,
        };
        self.rows.insert((row.user.clone(), row.device.clone()), row);
    }

    /// The rows.
    pub(crate) fn into_rows(self) -> Vec<DeviceRow> {
        self.rows.into_values().collect()
    }
}
