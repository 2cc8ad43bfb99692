//! Which sessions are here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chasqui_domain::{DeviceId, Partition, SessionId, UserId};
use chasqui_wire::Code;
use parking_lot::Mutex;

use crate::{limits::UNANSWERED_PER_DEVICE_MAX, queue::Queue};

/// A session, as the dispatcher sees it.
pub(crate) struct Handle {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    /// The partition of the user's inbox.
    pub(crate) partition: Partition,
    pub(crate) queue: Queue,
    /// Whether its client has answered the welcome.
    pub(crate) has_answered: AtomicBool,
}

impl Handle {
    fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }
}

/// The sessions of this gateway by user. Its size is bounded by who may connect.
#[derive(Default)]
pub(crate) struct Registry {
    /// Each user's in the order in which they came.
    users: Mutex<BTreeMap<UserId, Vec<Arc<Handle>>>>,
}

/// Keeps a session registered until dropped.
pub(crate) struct Registration {
    registry: Arc<Registry>,
    pub(crate) handle: Arc<Handle>,
}

impl Registry {
    /// Adds a session. Older ones of the same device stay until [`Registry::answered`], but of those that have not
    /// answered there is a most: the oldest is asked to go, and may come back.
    ///
    /// # Errors
    /// [`Code::TooManySessions`] when `sessions_max` other devices of the user have sessions.
    pub(crate) fn register(self: &Arc<Self>, handle: Handle, sessions_max: usize) -> Result<Registration, Code> {
        let handle = Arc::new(handle);
        let mut users = self.users.lock();
        let sessions = users.entry(handle.user.clone()).or_insert_with(|| Vec::with_capacity(1));
        let open = || sessions.iter().filter(|older| older.queue.closing().is_none());
        let others: BTreeSet<_> =
            open().map(|older| &older.device).filter(|device| **device != handle.device).collect();
        if others.len() >= sessions_max {
            return Err(Code::TooManySessions);
        }
        let unanswered = || open().filter(|older| older.device == handle.device && !older.has_answered());
        if unanswered().count() >= UNANSWERED_PER_DEVICE_MAX
            && let Some(oldest) = unanswered().next()
        {
            oldest.queue.close(Code::TooManySessions);
        }
        sessions.push(handle.clone());
        Ok(Registration { registry: self.clone(), handle })
    }

    /// The client of a session has answered the welcome, so it is there: older sessions of its device are asked to go, since
    /// a device reads its inbox once. A connection that its client has left can be read late, and never answers.
    pub(crate) fn answered(&self, newer: &Handle) {
        if newer.has_answered.swap(true, Ordering::Relaxed) {
            return;
        }
        let users = self.users.lock();
        let older = users.get(&newer.user).into_iter().flatten().take_while(|older| older.session != newer.session);
        older.filter(|older| older.device == newer.device).for_each(|older| older.queue.close(Code::Replaced));
    }

    /// Whether any of these users has a session here.
    pub(crate) fn any(&self, users: &[UserId]) -> bool {
        let sessions = self.users.lock();
        users.iter().any(|user| sessions.contains_key(user))
    }

    /// Calls `visit` with every session of a user.
    pub(crate) fn visit(&self, user: &UserId, mut visit: impl FnMut(&Handle)) {
        for handle in self.users.lock().get(user).into_iter().flatten() {
            visit(handle);
        }
    }

    /// Tells sessions that they may have missed something: those of one partition's users, or all.
    pub(crate) fn mark_gaps(&self, partition: Option<Partition>) {
        for handle in self.users.lock().values().flatten() {
            if partition.is_none_or(|partition| partition == handle.partition) {
                handle.queue.mark_gap();
            }
        }
    }

    /// Asks up to `count` sessions to end that weren't asked before.
    pub(crate) fn close(&self, count: usize, why: Code) {
        let users = self.users.lock();
        let open = users.values().flatten().filter(|handle| handle.queue.closing().is_none());
        open.take(count).for_each(|handle| handle.queue.close(why));
    }

    /// Asks the sessions of a user, or those of one device of theirs, to end.
    pub(crate) fn close_of(&self, user: &UserId, device: Option<&DeviceId>, why: Code) {
        self.visit(user, |handle| {
            if device.is_none_or(|device| *device == handle.device) {
                handle.queue.close(why);
            }
        });
    }

    /// Whose sessions are here, and of which devices.
    pub(crate) fn devices(&self) -> Vec<(UserId, DeviceId)> {
        let users = self.users.lock();
        users.values().flatten().map(|handle| (handle.user.clone(), handle.device.clone())).collect()
    }

    /// How many sessions are here.
    pub(crate) fn count(&self) -> usize {
        self.users.lock().values().map(Vec::len).sum()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut users = self.registry.users.lock();
        let Some(sessions) = users.get_mut(&self.handle.user) else { return };
        sessions.retain(|other| other.session != self.handle.session);
        if sessions.is_empty() {
            users.remove(&self.handle.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use chasqui_domain::Offset;

    use super::*;
    use crate::queue::{Item, Popped};

    fn handle(session: u64, user: &str, device: &str, partition: u32) -> Handle {
        Handle {
            session: SessionId(session),
            user: UserId::new(user).unwrap(),
            device: DeviceId::new(device).unwrap(),
            partition: Partition(partition),
            queue: Queue::new(8),
            has_answered: false.into(),
        }
    }

    #[test]
    fn the_older_session_of_a_device_is_replaced_and_no_other() {
        let registry = Arc::new(Registry::default());
        let older = registry.register(handle(1, "alice", "phone", 0), 4).unwrap();
        let laptop = registry.register(handle(2, "alice", "laptop", 0), 4).unwrap();
        let bobs = registry.register(handle(3, "bob", "phone", 1), 4).unwrap();
        let newer = registry.register(handle(4, "alice", "phone", 0), 4).unwrap();
        assert_eq!(older.handle.queue.closing(), None, "the newer one may be dead");
        registry.answered(&newer.handle);
        registry.answered(&older.handle);
        assert_eq!(older.handle.queue.closing(), Some(Code::Replaced));
        for other in [&laptop, &bobs, &newer] {
            assert_eq!(other.handle.queue.closing(), None);
        }
        drop(older);
        let mut seen = Vec::new();
        registry.visit(&laptop.handle.user, |handle| seen.push(handle.session));
        assert_eq!(seen, [SessionId(2), SessionId(4)]);
    }

    #[test]
    fn who_answers_replaces_what_is_older_and_nothing_newer() {
        let registry = Arc::new(Registry::default());
        let [left, lives, dead] =
            [1, 2, 3].map(|session| registry.register(handle(session, "alice", "phone", 0), 4).unwrap());
        registry.answered(&lives.handle);
        let closing = [&left, &lives, &dead].map(|registration| registration.handle.queue.closing());
        assert_eq!(closing, [Some(Code::Replaced), None, None]);
    }

    #[test]
    fn of_the_sessions_of_a_device_that_have_not_answered_the_oldest_gives_way() {
        let registry = Arc::new(Registry::default());
        let lives = registry.register(handle(0, "alice", "phone", 0), 1).unwrap();
        registry.answered(&lives.handle);
        let flood: Vec<_> =
            (1..=9).map(|session| registry.register(handle(session, "alice", "phone", 0), 1).unwrap()).collect();
        let closing = flood.iter().map(|registration| registration.handle.queue.closing());
        let gone = closing.take_while(|closing| *closing == Some(Code::TooManySessions)).count();
        assert_eq!(gone, flood.len() - UNANSWERED_PER_DEVICE_MAX);
        let open = flood.iter().chain([&lives]).filter(|registration| registration.handle.queue.closing().is_none());
        assert_eq!(open.count(), UNANSWERED_PER_DEVICE_MAX + 1);
    }

    #[test]
    fn sessions_are_closed_by_user_or_by_device() {
        let registry = Arc::new(Registry::default());
        let open = |session, user, device| registry.register(handle(session, user, device, 0), 9).unwrap();
        let (phone, pad, bobs) = (open(1, "alice", "phone"), open(2, "alice", "pad"), open(3, "bob", "phone"));
        assert_eq!(registry.devices().len(), 3);
        registry.close_of(&phone.handle.user, Some(&phone.handle.device), Code::Banned);
        let closing = || [&phone, &pad, &bobs].map(|registration| registration.handle.queue.closing());
        assert_eq!(closing(), [Some(Code::Banned), None, None]);
        registry.close_of(&phone.handle.user, None, Code::Banned);
        assert_eq!(closing(), [Some(Code::Banned), Some(Code::Banned), None]);
    }

    #[test]
    fn gaps_reach_a_partition_or_all() {
        let registry = Arc::new(Registry::default());
        let alice = registry.register(handle(1, "alice", "phone", 0), 4).unwrap();
        let bob = registry.register(handle(2, "bob", "phone", 1), 4).unwrap();
        registry.mark_gaps(Some(Partition(1)));
        bob.handle.queue.push(Item::Answer { attempt: 1, up_to: Offset(0) });
        assert_eq!(alice.handle.queue.pop(), Popped::Empty);
        assert_eq!(bob.handle.queue.pop(), Popped::Gap);
        registry.mark_gaps(None);
        assert_eq!(alice.handle.queue.pop(), Popped::Gap);
        assert!(registry.any(std::slice::from_ref(&bob.handle.user)));
        let gone = bob.handle.user.clone();
        drop(bob);
        assert!(!registry.any(&[gone]));
        assert_eq!(registry.count(), 1);
    }

    #[test]
    fn a_user_has_no_more_sessions_than_allowed_and_a_device_can_always_connect_again() {
        let registry = Arc::new(Registry::default());
        let phone = registry.register(handle(1, "alice", "phone", 0), 2).unwrap();
        let _laptop = registry.register(handle(2, "alice", "laptop", 0), 2).unwrap();
        let refused = registry.register(handle(3, "alice", "tablet", 0), 2).map(drop);
        assert_eq!(refused, Err(Code::TooManySessions));
        let _bobs = registry.register(handle(4, "bob", "phone", 0), 2).unwrap();
        let again = registry.register(handle(5, "alice", "phone", 0), 2).unwrap();
        // Both of the phone's count as one, and so the laptop can come again, too.
        let _laptop_again = registry.register(handle(6, "alice", "laptop", 0), 2).unwrap();
        registry.answered(&again.handle);
        drop(phone);
        assert!(registry.register(handle(7, "alice", "tablet", 0), 2).is_err());
    }
}
