//! Inbox rows and their expiry.

use chasqui_domain::{Offset, TimeMs};

use super::{DAY_MS, FORMER_LOG, Factory, LOG, entry, of, user};
use crate::{InboxRow, Store};

async fn read(store: &dyn Store, name: &str) -> Vec<InboxRow> {
    store.inbox(&user(name), LOG, Offset(0)..Offset(u64::MAX), usize::MAX).await.unwrap()
}

/// The end is excluded; each life of the topics has its own offsets.
pub async fn inbox_rows_are_read_by_range_and_life(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let rows: Vec<_> = [700, 1, 2, 300].into_iter().map(|offset| entry("alice", LOG, offset, offset)).collect();
    store.write_inbox(rows).await.unwrap();
    store.write_inbox(vec![entry("alice", FORMER_LOG, 2, 5)]).await.unwrap();

    let read = async |log, range: std::ops::Range<u64>, rows_max| {
        store.inbox(&user("alice"), log, Offset(range.start)..Offset(range.end), rows_max).await.unwrap()
    };
    let expected: Vec<_> = [1, 2, 300, 700].into_iter().map(|offset| entry("alice", LOG, offset, offset)).collect();
    assert_eq!(read(LOG, 0..u64::MAX, 100).await, expected);
    assert_eq!(read(LOG, 2..700, 100).await, expected[1..3]);
    assert_eq!(read(LOG, 2..700, 1).await, expected[1..2]);
    assert_eq!(read(FORMER_LOG, 0..100, 100).await, [entry("alice", FORMER_LOG, 2, 5)]);
    assert!(read(LOG, 5..5, 100).await.is_empty());
    assert!(read(LOG, 9..5, 100).await.is_empty());
}

/// Whatever the lengths and beginnings of their ids.
pub async fn inboxes_of_users_are_apart(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let names = ["a", "aa", "ab", "b", "aé", &"a".repeat(128)];
    for (offset, name) in names.iter().enumerate() {
        store.write_inbox(vec![entry(name, LOG, offset as u64, 0)]).await.unwrap();
    }
    for (offset, name) in names.iter().enumerate() {
        assert_eq!(read(&*store, name).await, [entry(name, LOG, offset as u64, 0)]);
    }
}

/// What is of the same day as the given time stays.
pub async fn expiry_removes_whole_days_and_no_more(factory: &dyn Factory) {
    if !factory.expires_when_told() {
        return;
    }
    let store = factory.open().await.store;
    let rows = |name: &'static str| (0..8).map(move |n| entry(name, LOG, n, n * DAY_MS / 2)).collect::<Vec<_>>();
    store.write_inbox(rows("alice")).await.unwrap();
    store.write_inbox(rows("bob")).await.unwrap();
    store.write_inbox(vec![entry("bob", FORMER_LOG, 3, 0)]).await.unwrap();

    store.expire_inbox(TimeMs(2 * DAY_MS - 1)).await.unwrap();
    for name in ["alice", "bob"] {
        assert_eq!(read(&*store, name).await, rows(name)[2..]);
    }
    assert!(store.inbox(&user("bob"), FORMER_LOG, Offset(0)..Offset(9), 9).await.unwrap().is_empty());
    store.expire_inbox(TimeMs(2 * DAY_MS)).await.unwrap();
    store.expire_inbox(TimeMs(DAY_MS)).await.unwrap();
    assert_eq!(read(&*store, "alice").await, rows("alice")[4..]);

    // A late former router writes what has expired already: the next expiry takes it away again.
    store.write_inbox(rows("alice")).await.unwrap();
    store.expire_inbox(TimeMs(2 * DAY_MS)).await.unwrap();
    assert_eq!(read(&*store, "alice").await, rows("alice")[4..]);
}

/// More rows than one step of any implementation removes, while others write and read.
pub async fn expiry_of_many_rows_lets_other_writes_go_on(factory: &dyn Factory) {
    if !factory.expires_when_told() {
        return;
    }
    let store = factory.open().await.store;
    for name in ["alice", "bob", "carol"] {
        store.write_inbox((0..5_000).map(|n| entry(name, LOG, n, 0)).collect()).await.unwrap();
        store.write_inbox(vec![entry(name, LOG, 5_000, DAY_MS)]).await.unwrap();
    }
    let writes = async {
        for n in 0..50 {
            store.write_inbox(vec![entry("dave", LOG, n, DAY_MS)]).await.unwrap();
            store.commit(of(0), Offset(n), vec![]).await.unwrap();
            assert_eq!(read(&*store, "dave").await.len() as u64, n + 1);
        }
    };
    let (expired, again, ()) =
        tokio::join!(store.expire_inbox(TimeMs(DAY_MS)), store.expire_inbox(TimeMs(DAY_MS)), writes);
    expired.unwrap();
    again.unwrap();
    for name in ["alice", "bob", "carol"] {
        assert_eq!(read(&*store, name).await, [entry(name, LOG, 5_000, DAY_MS)]);
    }
    assert_eq!(read(&*store, "dave").await.len(), 50);
}
