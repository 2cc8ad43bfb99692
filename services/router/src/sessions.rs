//! The session table: which sessions of a user live on which gateway.

use std::collections::BTreeMap;

use chasqui_domain::{GatewayId, Incarnation, Offset, SessionId, TimeMs, UserId};
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Session {
    attempt: u32,
    /// When it was last heard of, by the log's time.
    heard: TimeMs,
    /// The record of `presence` that told.
    told: Offset,
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
    /// Puts a session into the table, or notes that it was heard of. Gives whether it was known with this attempt.
    pub(crate) fn put(&mut self, user: &UserId, place: &Place, attempt: u32, (told, heard): (Offset, TimeMs)) -> bool {
        let former = self.remove(user, place);
        *self.by_gateway.entry(place.gateway.clone()).or_default() += 1;
        self.by_told.insert(told, (user.clone(), place.clone()));
        self.users.entry(user.clone()).or_default().insert(place.clone(), Session { attempt, heard, told });
        former == Some(attempt)
    }

    /// Forgets a session; gives its attempt.
    pub(crate) fn remove(&mut self, user: &UserId, place: &Place) -> Option<u32> {
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
        Some(session.attempt)
    }

    /// Forgets the sessions that were not heard of for too long.
    pub(crate) fn expire(&mut self, now: TimeMs) {
        let ttl = SESSION_TTL.as_millis() as u64;
        while let Some((user, place)) = self.by_told.values().next() {
            let heard = self.users.get(user).and_then(|sessions| sessions.get(place)).map(|session| session.heard);
            if heard.is_some_and(|heard| heard.0.saturating_add(ttl) > now.0) {
                break;
            }
            let (user, place) = (user.clone(), place.clone());
            self.remove(&user, &place);
        }
    }

    /// The record that told of the session that was silent for longest; none without sessions.
    pub(crate) fn oldest(&self) -> Option<Offset> {
        self.by_told.keys().next().copied()
    }

    pub(crate) fn knows(&self, user: &UserId, place: &Place) -> bool {
        self.users.get(user).is_some_and(|sessions| sessions.contains_key(place))
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

    #[test]
    fn a_session_is_known_by_its_attempt() {
        let mut sessions = Sessions::default();
        assert!(!sessions.put(&user("a"), &place(1), 1, (Offset(1), TimeMs(0))));
        assert!(sessions.put(&user("a"), &place(1), 1, (Offset(2), TimeMs(5))));
        assert!(!sessions.put(&user("a"), &place(1), 2, (Offset(3), TimeMs(6))), "a repair is under way");
        assert!(!sessions.put(&user("b"), &place(1), 2, (Offset(4), TimeMs(6))), "another user's");
        assert_eq!(sessions.of(&user("a")).count(), 1);
    }

    #[test]
    fn what_is_not_refreshed_goes_and_leaves_nothing() {
        let ttl = SESSION_TTL.as_millis() as u64;
        let mut sessions = Sessions::default();
        sessions.put(&user("a"), &place(1), 1, (Offset(5), TimeMs(0)));
        sessions.put(&user("a"), &place(2), 1, (Offset(6), TimeMs(0)));
        sessions.put(&user("a"), &place(1), 1, (Offset(7), TimeMs(10)));
        sessions.expire(TimeMs(ttl - 1));
        assert_eq!(sessions.of(&user("a")).count(), 2);
        sessions.expire(TimeMs(ttl));
        assert!(sessions.knows(&user("a"), &place(1)) && !sessions.knows(&user("a"), &place(2)));
        assert!(sessions.are_on(&place(1).gateway));
        sessions.expire(TimeMs(ttl + 10));
        assert!(!sessions.are_on(&place(1).gateway));
        assert!(sessions.users.is_empty() && sessions.by_told.is_empty() && sessions.by_gateway.is_empty());
    }
}
