//! Bans.

use chasqui_domain::{DeviceId, TimeMs};

use super::{Factory, user};
use crate::{BAN_REASON_BYTES_MAX, Ban, BanKey, BanReason, READ_ROWS_MAX};

pub(crate) fn ban(name: &str, device: Option<&str>, since: u64, reason: Option<&str>) -> Ban {
    let device = device.map(|device| DeviceId::new(device).unwrap());
    let reason = reason.map(|reason| BanReason::new(reason).unwrap());
    Ban { key: BanKey { user: user(name), device }, since: TimeMs(since), reason }
}

/// The first time stays, the last reason counts.
pub async fn a_ban_that_is_written_again_changes_its_reason_alone(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let long = "x".repeat(BAN_REASON_BYTES_MAX);
    for (since, reason) in [(5, Some("spam")), (9, None), (3, Some("")), (u64::MAX, Some(long.as_str()))] {
        store.ban(ban("bob", None, since, reason)).await.unwrap();
        assert_eq!(store.bans_of(&user("bob"), None).await.unwrap(), [ban("bob", None, 5, reason)]);
    }
    store.unban(&ban("bob", None, 0, None).key).await.unwrap();
    assert!(store.bans_of(&user("bob"), None).await.unwrap().is_empty());
    store.ban(ban("bob", None, 7, None)).await.unwrap();
    assert_eq!(store.bans_of(&user("bob"), None).await.unwrap(), [ban("bob", None, 7, None)]);
}

/// One can go without the other, and neither touches anybody else.
pub async fn bans_of_a_user_and_of_their_devices_are_apart(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let (own, phone) = (ban("bob", None, 1, None), ban("bob", Some("phone"), 2, Some("lost")));
    let of = async |name: &str, device: &str| {
        store.bans_of(&user(name), Some(&DeviceId::new(device).unwrap())).await.unwrap()
    };
    store.ban(phone.clone()).await.unwrap();
    assert_eq!(of("bob", "phone").await, std::slice::from_ref(&phone));
    for (name, device) in [("bob", "pad"), ("bob", "phon"), ("bob", "phone2"), ("bobp", "hone"), ("carol", "phone")] {
        assert!(of(name, device).await.is_empty(), "{name} {device}");
    }
    assert!(store.bans_of(&user("bob"), None).await.unwrap().is_empty());
    store.ban(own.clone()).await.unwrap();
    assert_eq!(of("bob", "phone").await, [own.clone(), phone.clone()]);
    assert_eq!(of("bob", "pad").await, std::slice::from_ref(&own));
    store.unban(&own.key).await.unwrap();
    store.unban(&own.key).await.unwrap();
    assert_eq!(of("bob", "phone").await, std::slice::from_ref(&phone));
    store.unban(&phone.key).await.unwrap();
    assert!(of("bob", "phone").await.is_empty());
}

/// By user and then by device, the user's own first; of all, or of one user.
pub async fn bans_are_read_in_pages_and_in_order(factory: &dyn Factory) {
    let store = factory.open().await.store;
    assert!(store.bans(None, None, 9).await.unwrap().is_empty());
    let long = "b".repeat(128);
    let all = [
        ban("a", None, 1, None),
        ban("a", Some("x"), 2, Some("why")),
        ban("ab", Some("phone"), 3, None),
        ban("b", Some("-"), 4, None),
        ban("b", Some("phone"), 5, None),
        ban(&long, None, 6, None),
        ban("é", None, 7, None),
    ];
    for ban in all.iter().rev() {
        store.ban(ban.clone()).await.unwrap();
    }
    assert_eq!(store.bans(None, None, usize::MAX).await.unwrap(), all);
    for at in 0..all.len() {
        assert_eq!(store.bans(None, Some(&all[at].key), 2).await.unwrap(), all[at + 1..all.len().min(at + 3)]);
    }
    assert_eq!(store.bans(Some(&user("b")), None, 9).await.unwrap(), all[3..5]);
    assert_eq!(store.bans(Some(&user("a")), Some(&all[0].key), 9).await.unwrap(), all[1..2]);
    assert!(store.bans(Some(&user("a")), Some(&all[4].key), 9).await.unwrap().is_empty());
    assert_eq!(store.bans(Some(&user("b")), Some(&all[0].key), 9).await.unwrap(), all[3..5]);
    assert!(store.bans(None, None, 0).await.unwrap().is_empty());

    let mut writers = tokio::task::JoinSet::new();
    for n in 0..READ_ROWS_MAX + 3 {
        let store = store.clone();
        writers.spawn(async move { store.ban(ban(&format!("z{n:05}"), None, 1, None)).await });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap().unwrap();
    }
    assert_eq!(store.bans(None, None, usize::MAX).await.unwrap().len(), READ_ROWS_MAX);
}
