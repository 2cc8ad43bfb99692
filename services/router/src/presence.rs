//! What is heard in `presence` and `heartbeats`, and what is owed to gateways for it.

use std::{collections::BTreeMap, time::Duration};

use chasqui_domain::{GatewayId, Incarnation, LogId, Offset, Partition, Term, TimeMs, UserId};
use chasqui_log::{Append, Record};
use chasqui_wire::{
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    presence::{Presence, PresenceKind},
};

use crate::{
    Error,
    devices::Devices,
    gateways::{Gateways, Heard},
    placing::to_gateway,
    sessions::{Place, Session, Sessions},
};

/// The sessions that wait for an answer, with the attempt that it is for.
pub(crate) type Waiting = BTreeMap<(UserId, Place), u32>;

/// What records of `presence` ask for.
#[derive(Debug)]
pub(crate) struct Owed {
    pub(crate) waiting: Waiting,
    pub(crate) devices: Devices,
}

impl Owed {
    /// Nothing yet, in this life of the topics.
    pub(crate) fn new(log: LogId) -> Self {
        Self { waiting: Waiting::new(), devices: Devices::new(log) }
    }
}

/// The session table, the gateways, and the time by which sessions expire.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) sessions: Sessions,
    pub(crate) gateways: Gateways,
    /// The log's time of the newest presence record, and when it was read: the time since then is added. So no wall
    /// clock is needed, and what is old when it is read expires all the same.
    newest: (TimeMs, Duration),
}

impl Table {
    pub(crate) fn new(gateways: Gateways) -> Self {
        Self { sessions: Sessions::default(), gateways, newest: (TimeMs(0), Duration::ZERO) }
    }

    /// A record of `presence`. `owed` collects who is to be answered, and what is new of devices; none for what was
    /// answered before.
    pub(crate) fn presence(&mut self, record: &Record, now: Duration, owed: Option<&mut Owed>) {
        self.newest = (self.newest.0.max(record.time), now);
        let presence = match Presence::decode(&record.value) {
            Ok(presence) => presence,
            Err(error) => {
                // Whoever sent it gets no answer and asks again; nothing is lost. An empty one marks a removed key.
                if !record.value.is_empty() {
                    tracing::warn!(offset = record.offset.0, %error, "a presence record is passed over");
                }
                return;
            }
        };
        let place = Place::of(&presence);
        if self.gateways.mention(&place.gateway, place.incarnation, now) != place.incarnation {
            return;
        }
        let Presence { user, device, attempt, kind, .. } = presence;
        if kind == PresenceKind::Detach {
            let session = self.sessions.remove(&user, &place);
            let Some(session) = session else { return };
            self.left(&user, &place, &session, (record.offset, record.time), owed.map(|owed| &mut owed.devices));
            return;
        }
        let known = self.sessions.put(&user, &place, &device, attempt, (record.offset, record.time));
        let Some(owed) = owed else { return };
        if known.is_none()
            && let Some(session) = self.sessions.get(&user, &place)
        {
            owed.devices.came(&user, &place, session, record.offset);
        }
        if kind == PresenceKind::Attach || known != Some(attempt) {
            owed.waiting.insert((user, place), attempt);
        }
    }

    /// A session is gone, as was told at a time. Another session of its device may have come before it and live: this one was
    /// a connection that its client had left.
    fn left(
        &mut self,
        user: &UserId,
        place: &Place,
        session: &Session,
        (told, time): (Offset, TimeMs),
        devices: Option<&mut Devices>,
    ) {
        let lives = if session.is_current { self.sessions.make_current(user, &session.device) } else { None };
        let Some(devices) = devices else { return };
        match lives {
            Some((place, session)) => devices.came(user, place, session, told),
            None => devices.went(user, place, session, told, time),
        }
    }

    /// A record of `heartbeats`. Gives which life of which gateway it is of, and what it means.
    pub(crate) fn heartbeat(&mut self, record: &Record, now: Duration) -> Option<(GatewayId, Incarnation, Heard)> {
        match Heartbeat::decode(&record.value) {
            Ok(Heartbeat { gateway, incarnation }) => {
                let heard = self.gateways.beat(&gateway, incarnation, now);
                Some((gateway, incarnation, heard))
            }
            Err(error) => {
                tracing::warn!(offset = record.offset.0, %error, "a heartbeat is passed over");
                None
            }
        }
    }

    /// Forgets sessions that were silent for too long; `last` is the last record of `presence` that was read. Gives those
    /// whose gateway may still hold them, since their refreshes may have got lost.
    pub(crate) fn expire(&mut self, now: Duration, last: Offset, devices: &mut Devices) -> Vec<(UserId, Place)> {
        let (newest, read) = self.newest;
        let since = u64::try_from(now.saturating_sub(read).as_millis()).unwrap_or(u64::MAX);
        let mut expired = Vec::new();
        self.sessions.expire(TimeMs(newest.0.saturating_add(since)), |user, place, session| {
            expired.push((user.clone(), place.clone(), session.clone()));
        });
        let mut forgotten = Vec::new();
        for (user, place, session) in expired {
            self.left(&user, &place, &session, (last, session.heard), Some(devices));
            if self.gateways.is_newest(&place.gateway, place.incarnation) {
                forgotten.push((user, place));
            }
        }
        forgotten
    }

    pub(crate) fn forget_gateways(&mut self, now: Duration) {
        self.gateways.forget(now, &self.sessions);
    }

    /// The answers to those who wait and are still there.
    pub(crate) fn answers(
        &self,
        waiting: Waiting,
        term: Term,
        about: Partition,
        up_to: Offset,
    ) -> Result<Vec<Append>, Error> {
        let there = waiting.into_iter().filter(|((user, place), _)| {
            self.sessions.knows(user, place) && self.gateways.is_newest(&place.gateway, place.incarnation)
        });
        let answer = |((user, place), attempt): ((UserId, Place), u32)| {
            let Place { gateway, incarnation, session } = place;
            let answer = GatewayRecord::Answer { term, incarnation, session, user, attempt, up_to };
            to_gateway(gateway, about, &answer, Vec::new())
        };
        there.map(answer).collect()
    }
}
