//! What is heard in `presence` and `heartbeats`, and what is owed to gateways for it.

use std::{collections::BTreeMap, time::Duration};

use chasqui_domain::{GatewayId, Incarnation, Offset, Partition, TimeMs, UserId};
use chasqui_log::{Append, Record};
use chasqui_wire::{
    gateway_record::GatewayRecord,
    heartbeat::Heartbeat,
    presence::{Presence, PresenceKind},
};

use crate::{
    Error,
    gateways::{Gateways, Heard},
    placing::to_gateway,
    sessions::{Place, Sessions},
};

/// The sessions that wait for an answer, with the attempt that it is for.
pub(crate) type Waiting = BTreeMap<(UserId, Place), u32>;

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

    /// A record of `presence`. `waiting` collects who is to be answered; none for what was answered before.
    pub(crate) fn presence(&mut self, record: &Record, now: Duration, waiting: Option<&mut Waiting>) {
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
        if !self.gateways.mention(&place.gateway, place.incarnation, now) {
            return;
        }
        let Presence { user, attempt, kind, .. } = presence;
        let owed = match kind {
            PresenceKind::Detach => {
                self.sessions.remove(&user, &place);
                false
            }
            PresenceKind::Attach => {
                self.sessions.put(&user, &place, attempt, (record.offset, record.time));
                true
            }
            PresenceKind::Refresh => !self.sessions.put(&user, &place, attempt, (record.offset, record.time)),
        };
        if let Some(waiting) = waiting
            && owed
        {
            waiting.insert((user, place), attempt);
        }
    }

    /// A record of `heartbeats`. Gives the gateway if it must be told to repair.
    pub(crate) fn heartbeat(&mut self, record: &Record, now: Duration) -> Option<(GatewayId, Incarnation)> {
        match Heartbeat::decode(&record.value) {
            Ok(Heartbeat { gateway, incarnation }) => {
                (self.gateways.beat(&gateway, incarnation, now) == Heard::Again).then_some((gateway, incarnation))
            }
            Err(error) => {
                tracing::warn!(offset = record.offset.0, %error, "a heartbeat is passed over");
                None
            }
        }
    }

    pub(crate) fn expire(&mut self, now: Duration) {
        let (newest, read) = self.newest;
        let since = u64::try_from(now.saturating_sub(read).as_millis()).unwrap_or(u64::MAX);
        self.sessions.expire(TimeMs(newest.0.saturating_add(since)));
    }

    pub(crate) fn forget_gateways(&mut self, now: Duration) {
        self.gateways.forget(now, &self.sessions);
    }

    /// The answers to those who wait and are still there.
    pub(crate) fn answers(&self, waiting: Waiting, about: Partition, up_to: Offset) -> Result<Vec<Append>, Error> {
        let there = waiting.into_iter().filter(|((user, place), _)| {
            self.sessions.knows(user, place) && self.gateways.is_newest(&place.gateway, place.incarnation)
        });
        let answer = |((user, place), attempt): ((UserId, Place), u32)| {
            let Place { gateway, incarnation, session } = place;
            let answer = GatewayRecord::Answer { incarnation, session, user, attempt, up_to };
            to_gateway(gateway, about, &answer, Vec::new())
        };
        there.map(answer).collect()
    }
}
