//! Devices as rows: when each was connected last, and where.

use chasqui_domain::{DeviceId, GatewayId, Incarnation, Position, SessionId, TimeMs, UserId};

/// The most devices of a user that are kept. Behind it the one that left first gives way.
pub const DEVICES_OF_USER_MAX: usize = 64;

/// A device of a user, as of a record of `presence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// Whose device.
    pub user: UserId,
    /// Which of theirs.
    pub device: DeviceId,
    /// The record of `presence` that told. See [`DeviceRow::over`].
    pub told: Position,
    /// When its session began.
    pub connected: TimeMs,
    /// When its session ended; none while it goes on.
    pub disconnected: Option<TimeMs>,
    /// The gateway that holds the session, or held it.
    pub gateway: GatewayId,
    /// In which of its lives.
    pub incarnation: Incarnation,
    /// Which session.
    pub session: SessionId,
}

impl DeviceRow {
    /// What stands when this row is written over a former one of the same device; none when the former one stays.
    ///
    /// Within a life of the topics a row replaces one that an earlier record told of; of two that the same record told
    /// of, the one that says that the session ended is the newer. Rows of other lives count as before. The same
    /// session keeps the time at which it began: a successor may have heard of it later.
    #[must_use]
    pub fn over(mut self, former: Option<&Self>) -> Option<Self> {
        let Some(former) = former else { return Some(self) };
        let age = |row: &Self| (row.told.offset, row.disconnected.is_some());
        if former.told.log == self.told.log && age(former) >= age(&self) {
            return None;
        }
        let session = |row: &Self| (row.told.log, row.gateway.clone(), row.incarnation, row.session);
        if session(former) == session(&self) {
            self.connected = former.connected.min(self.connected);
        }
        Some(self)
    }

    /// Which of a user's rows gives way, when they are more than [`DEVICES_OF_USER_MAX`]: the one that left first, and
    /// only if none has left the one that came first. None when they are few enough.
    #[must_use]
    pub fn gives_way(rows: &[Self]) -> Option<&Self> {
        if rows.len() <= DEVICES_OF_USER_MAX {
            return None;
        }
        rows.iter().min_by_key(|row| (row.disconnected.is_none(), row.disconnected.unwrap_or(row.connected)))
    }
}
