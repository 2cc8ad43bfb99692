//! What is known of gateways: which life each is in, and whether it lives. Leases are judged by this router's own
//! monotonic clock, and only when every heartbeat that there is has been read.

use std::{collections::BTreeMap, time::Duration};

use chasqui_domain::{GatewayId, Incarnation, Offset};

use crate::sessions::Sessions;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gateway {
    incarnation: Incarnation,
    /// When its lease began.
    heard: Duration,
    /// From which inbox offset on it gets no pushes.
    suspended: Option<Offset>,
}

impl Gateway {
    fn is_over(&self, lease: Duration, now: Duration) -> bool {
        now.saturating_sub(self.heard) >= lease
    }
}

/// What a heartbeat means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is of an earlier life than the newest, which the gateway may not know.
    Superseded {
        /// The newest.
        by: Incarnation,
    },
    /// The gateway lives.
    Alive,
    /// It lives again. Before any push it must be told to repair.
    Again,
}

/// The gateways that were heard of.
#[derive(Debug)]
pub(crate) struct Gateways {
    all: BTreeMap<GatewayId, Gateway>,
    lease: Duration,
    /// From which inbox offset on a gateway that is new here gets no pushes until it was told to repair.
    suspects: Option<Offset>,
}

impl Gateways {
    /// As a router begins that takes over the suspensions of another. All leases begin now.
    pub(crate) fn new(lease: Duration, suspended: Vec<(GatewayId, Incarnation, Offset)>, now: Duration) -> Self {
        let all = suspended
            .into_iter()
            .map(|(id, incarnation, from)| (id, Gateway { incarnation, heard: now, suspended: Some(from) }));
        Self { all: all.collect(), lease, suspects: None }
    }

    /// Gateways may hold sessions that are not known here, and that a push for another session of their users would reach:
    /// every gateway is told to repair before it is pushed to, those that are heard of later as well.
    pub(crate) fn suspect_all(&mut self, from: Offset) {
        self.suspects = Some(from);
    }

    /// All sessions that live are known.
    pub(crate) fn suspect_none(&mut self) {
        self.suspects = None;
    }

    /// One of its sessions was heard of. That begins a lease only for a life that is new here: presence may be old
    /// when it is read. Gives the newest life, which may be a later one.
    pub(crate) fn mention(&mut self, id: &GatewayId, incarnation: Incarnation, now: Duration) -> Incarnation {
        match self.all.get(id) {
            Some(known) if known.incarnation >= incarnation => known.incarnation,
            _ => {
                self.all.insert(id.clone(), Gateway { incarnation, heard: now, suspended: self.suspects });
                incarnation
            }
        }
    }

    /// A heartbeat was read. After [`Heard::Again`] the gateway stays suspended until [`Gateways::resume`].
    pub(crate) fn beat(&mut self, id: &GatewayId, incarnation: Incarnation, now: Duration) -> Heard {
        let by = self.mention(id, incarnation, now);
        match self.all.get_mut(id) {
            Some(gateway) if by == incarnation => {
                gateway.heard = now;
                if gateway.suspended.is_some() { Heard::Again } else { Heard::Alive }
            }
            _ => Heard::Superseded { by },
        }
    }

    /// The gateway was told to repair: what follows may be pushed.
    pub(crate) fn resume(&mut self, id: &GatewayId) {
        if let Some(gateway) = self.all.get_mut(id) {
            gateway.suspended = None;
        }
    }

    /// Whether a lease has run out of a gateway that is not suspended yet.
    pub(crate) fn has_lapsed(&self, now: Duration) -> bool {
        self.all.values().any(|gateway| gateway.suspended.is_none() && gateway.is_over(self.lease, now))
    }

    /// Suspends the gateways whose lease has run out; they get nothing at or beyond `from`.
    pub(crate) fn suspend(&mut self, now: Duration, from: Offset) {
        for (id, gateway) in &mut self.all {
            if gateway.suspended.is_none() && gateway.is_over(self.lease, now) {
                tracing::warn!(gateway = %id, from = from.0, "the gateway's lease has lapsed: no pushes");
                gateway.suspended = Some(from);
            }
        }
    }

    /// Forgets the gateways whose lease has run out and that hold no session here: nobody can miss anything.
    pub(crate) fn forget(&mut self, now: Duration, sessions: &Sessions) {
        let lease = self.lease;
        self.all.retain(|id, gateway| !gateway.is_over(lease, now) || sessions.are_on(id));
    }

    /// Whether this is the gateway's newest life.
    pub(crate) fn is_newest(&self, id: &GatewayId, incarnation: Incarnation) -> bool {
        self.all.get(id).is_some_and(|gateway| gateway.incarnation == incarnation)
    }

    /// Whether this life of the gateway gets pushes.
    pub(crate) fn gets_pushes(&self, id: &GatewayId, incarnation: Incarnation) -> bool {
        self.all.get(id).is_some_and(|gateway| gateway.incarnation == incarnation && gateway.suspended.is_none())
    }

    /// For the checkpoint: a successor must know whom to tell to repair.
    pub(crate) fn suspended(&self) -> Vec<(GatewayId, Incarnation, Offset)> {
        let all = self.all.iter();
        all.filter_map(|(id, gateway)| Some((id.clone(), gateway.incarnation, gateway.suspended?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use chasqui_domain::{DeviceId, SessionId, TimeMs, UserId};

    use super::*;
    use crate::sessions::Place;

    const LEASE: Duration = Duration::from_secs(10);

    fn id() -> GatewayId {
        GatewayId::new("g").unwrap()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn sessions() -> Sessions {
        let mut sessions = Sessions::default();
        let place = Place { gateway: id(), incarnation: Incarnation(5), session: SessionId(1) };
        let device = DeviceId::new("phone").unwrap();
        sessions.put(&UserId::new("a").unwrap(), &place, &device, 1, (Offset(0), TimeMs(0)));
        sessions
    }

    #[test]
    fn a_lapse_suspends_and_a_heartbeat_asks_for_a_repair_first() {
        let mut gateways = Gateways::new(LEASE, Vec::new(), at(0));
        assert_eq!(gateways.mention(&id(), Incarnation(5), at(0)), Incarnation(5));
        assert_eq!(gateways.beat(&id(), Incarnation(5), at(5)), Heard::Alive);
        assert_eq!(gateways.mention(&id(), Incarnation(5), at(14)), Incarnation(5), "presence is no sign of life");
        assert!(!gateways.has_lapsed(at(14)) && gateways.has_lapsed(at(15)));
        gateways.suspend(at(15), Offset(7));
        assert!(!gateways.gets_pushes(&id(), Incarnation(5)) && !gateways.has_lapsed(at(99)));
        assert_eq!(gateways.suspended(), [(id(), Incarnation(5), Offset(7))]);
        assert_eq!(gateways.beat(&id(), Incarnation(5), at(20)), Heard::Again);
        assert!(!gateways.gets_pushes(&id(), Incarnation(5)), "it was not told yet");
        gateways.resume(&id());
        assert!(gateways.gets_pushes(&id(), Incarnation(5)) && gateways.suspended().is_empty());
    }

    #[test]
    fn a_higher_life_ends_the_lower_ones() {
        let mut gateways = Gateways::new(LEASE, vec![(id(), Incarnation(5), Offset(1))], at(0));
        assert_eq!(gateways.beat(&id(), Incarnation(6), at(1)), Heard::Alive, "its sessions attach anew");
        assert_eq!(gateways.mention(&id(), Incarnation(5), at(1)), Incarnation(6));
        assert_eq!(gateways.beat(&id(), Incarnation(5), at(1)), Heard::Superseded { by: Incarnation(6) });
        assert!(gateways.gets_pushes(&id(), Incarnation(6)) && !gateways.gets_pushes(&id(), Incarnation(5)));
    }

    #[test]
    fn a_lapsed_gateway_is_kept_while_it_has_sessions() {
        let mut gateways = Gateways::new(LEASE, vec![(id(), Incarnation(5), Offset(1))], at(0));
        gateways.suspend(at(10), Offset(2));
        gateways.forget(at(10), &sessions());
        assert_eq!(gateways.suspended(), [(id(), Incarnation(5), Offset(1))]);
        gateways.forget(at(10), &Sessions::default());
        assert!(gateways.suspended().is_empty());
    }
}
