//! The session table: which sessions of a user live on which gateway.

use std::collections::BTreeMap;

use chasqui_domain::{DeviceId, GatewayId, Incarnation, Offset, SessionId, TimeMs, UserId};
use chasqui_wire::presence::Presence;

use crate::SESSION_TTL;

/// What names a session of a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) gateway: GatewayId,
    pub(crate) incarnation: Incarnation,
    pub(crate) session: SessionId,
}

impl Place {
    pub(crate) fn of(presence: &Presence) -> Self {
        let Presence { gateway, incarnation, session, .. } = presence;
        Self { gateway: gateway.clone(), incarnation: *incarnation, session: *session }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) attempt: u32,
    pub(crate) device: DeviceId,
    /// When it was first heard of, by the log's time.
    pub(crate) since: TimeMs,
    /// When it was last heard of.
    pub(crate) heard: TimeMs,
    /// The record of `presence` that told.
    told: Offset,
    /// Whether no other session of the device has come since.
    pub(crate) is_current: bool,
}

/// All sessions of the partition's users. Bounded by how many live, and by how many lived within [`SESSION_TTL`].
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    users: BTreeMap<UserId, BTreeMap<Place, Session>>,
    /// By the record that told of them last, and so by time: the log's never goes back.
    by_told: BTreeMap<Offset, (UserId, Place)>,
    by_gateway: BTreeMap<GatewayId, usize>,
}

impl Sessions {
    /// Puts a session into the table, or notes that it was heard of. Gives the attempt that it was known with; none when
    /// it is new.
    pub(crate) fn put(
        &mut self,
        user: &UserId,
        place: &Place,
        device: &DeviceId,
        attempt: u32,
        (told, heard): (Offset, TimeMs),
    ) -> Option<u32> {
        let former = self.remove(user, place);
        *self.by_gateway.entry(place.gateway.clone()).or_default() += 1;
        self.by_told.insert(told, (user.clone(), place.clone()));
        let sessions = self.users.entry(user.clone()).or_default();
        let known = former.as_ref().map(|former| former.attempt);
        let session = match former {
            Some(former) => Session { attempt, heard, told, ..former },
            None => {
                let others = sessions.values_mut().filter(|other| other.device == *device);
                others.for_each(|other| other.is_current = false);
                Session { attempt, device: device.clone(), since: heard, heard, told, is_current: true }
            }
        };
        sessions.insert(place.clone(), session);
        known
    }

    /// Says that the session of a device that came last is its current one; gives it. None when the device has none.
    pub(crate) fn make_current(&mut self, user: &UserId, device: &DeviceId) -> Option<(&Place, &Session)> {
        let of_device = self.users.get_mut(user)?.iter_mut().filter(|(_, session)| session.device == *device);
        let (place, session) = of_device.max_by_key(|(place, session)| (session.since, place.session))?;
        session.is_current = true;
        Some((place, session))
    }

    /// Forgets a session, and gives it.
    pub(crate) fn remove(&mut self, user: &UserId, place: &Place) -> Option<Session> {
        let sessions = self.users.get_mut(user)?;
        let session = sessions.remove(place)?;
        if sessions.is_empty() {
            self.users.remove(user);
        }
        self.by_told.remove(&session.told);
        if let Some(count) = self.by_gateway.get_mut(&place.gateway) {
            *count -= 1;
            if *count == 0 {
                self.by_gateway.remove(&place.gateway);
            }
        }
        Some(session)
    }

    /// Forgets the sessions that were not heard of for too long, and calls `gone` with each.
    pub(crate) fn expire(&mut self, now: TimeMs, mut gone: impl FnMut(&UserId, &Place, &Session)) {
        let ttl = SESSION_TTL.as_millis() as u64;
        while let Some((user, place)) = self.by_told.values().next() {
            let heard = self.get(user, place).map(|session| session.heard);
            if heard.is_some_and(|heard| heard.0.saturating_add(ttl) > now.0) {
                break;
            }
            let (user, place) = (user.clone(), place.clone());
            if let Some(session) = self.remove(&user, &place) {
                gone(&user, &place, &session);
            }
        }
    }

    /// The record that told of the session that was silent for longest; none without sessions.
    pub(crate) fn oldest(&self) -> Option<Offset> {
        self.by_told.keys().next().copied()
    }

    pub(crate) fn get(&self, user: &UserId, place: &Place) -> Option<&Session> {
        self.users.get(user)?.get(place)
    }

    pub(crate) fn knows(&self, user: &UserId, place: &Place) -> bool {
        self.get(user, place).is_some()
    }

    /// Whether the gateway holds any session, in whichever of its lives.
    pub(crate) fn are_on(&self, gateway: &GatewayId) -> bool {
        self.by_gateway.contains_key(gateway)
    }

    /// The sessions of a user, those on one gateway beside each other.
    pub(crate) fn of(&self, user: &UserId) -> impl Iterator<Item = &Place> {
        self.users.get(user).into_iter().flat_map(BTreeMap::keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(session: u64) -> Place {
        Place { gateway: GatewayId::new("g").unwrap(), incarnation: Incarnation(1), session: SessionId(session) }
    }

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn put(sessions: &mut Sessions, name: &str, session: u64, attempt: u32, told: u64, heard: u64) -> Option<u32> {
        let phone = DeviceId::new("phone").unwrap();
        sessions.put(&user(name), &place(session), &phone, attempt, (Offset(told), TimeMs(heard)))
    }

    #[test]
    fn a_session_is_known_by_its_attempt() {
        let mut sessions = Sessions::default();
        assert_eq!(put(&mut sessions, "a", 1, 1, 1, 0), None);
        assert_eq!(put(&mut sessions, "a", 1, 1, 2, 5), Some(1));
        assert_eq!(put(&mut sessions, "a", 1, 2, 3, 6), Some(1), "a repair is under way");
        assert_eq!(put(&mut sessions, "b", 1, 2, 4, 6), None, "another user's");
        assert_eq!(sessions.of(&user("a")).count(), 1);
        let session = sessions.get(&user("a"), &place(1)).unwrap();
        assert_eq!((session.since, session.heard), (TimeMs(0), TimeMs(6)));
    }

    #[test]
    fn the_current_session_of_a_device_is_the_one_that_came_last() {
        let mut sessions = Sessions::default();
        put(&mut sessions, "a", 1, 1, 1, 0);
        put(&mut sessions, "a", 2, 1, 2, 0);
        let pad = DeviceId::new("pad").unwrap();
        sessions.put(&user("a"), &place(3), &pad, 1, (Offset(3), TimeMs(0)));
        put(&mut sessions, "a", 1, 1, 4, 0);
        let current = |session| sessions.get(&user("a"), &place(session)).unwrap().is_current;
        assert_eq!([current(1), current(2), current(3)], [false, true, true]);
    }

    #[test]
    fn what_is_not_refreshed_goes_and_leaves_nothing() {
        let ttl = SESSION_TTL.as_millis() as u64;
        let mut sessions = Sessions::default();
        put(&mut sessions, "a", 1, 1, 5, 0);
        put(&mut sessions, "a", 2, 1, 6, 0);
        put(&mut sessions, "a", 1, 1, 7, 10);
        sessions.expire(TimeMs(ttl - 1), |_, _, _| panic!("too early"));
        assert_eq!(sessions.of(&user("a")).count(), 2);
        let mut gone = Vec::new();
        sessions.expire(TimeMs(ttl), |_, place, _| gone.push(place.clone()));
        assert_eq!(gone, [place(2)]);
        assert!(sessions.knows(&user("a"), &place(1)) && !sessions.knows(&user("a"), &place(2)));
        assert!(sessions.are_on(&place(1).gateway));
        sessions.expire(TimeMs(ttl + 10), |_, _, _| {});
        assert!(!sessions.are_on(&place(1).gateway));
        assert!(sessions.users.is_empty() && sessions.by_told.is_empty() && sessions.by_gateway.is_empty());
    }
}
