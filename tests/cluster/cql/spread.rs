//! Rows are spread over partitions by their number; a read goes over all of them, and only over those that there are.

use chasqui_cluster_tests::keyspace::Keyspace;
use chasqui_domain::{ChatId, Offset, Version};
use chasqui_store::{EventQuery, EventRow, READ_ROWS_MAX, Store, Stream};

use crate::rows::{LOG, chat, entry, event, of, snapshot, user};

fn query(chat: ChatId, versions: std::ops::Range<u64>, descending: bool, rows_max: usize) -> EventQuery {
    let versions = Version(versions.start)..Version(versions.end);
    EventQuery { chat, stream: Stream::Content, versions, descending, rows_max }
}

fn versions(rows: &[EventRow]) -> Vec<u64> {
    rows.iter().map(|row| row.version.0).collect()
}

#[tokio::test]
async fn events_far_apart_are_read_both_ways() {
    let keyspace = Keyspace::empty().await;
    let chat = chat("bob");
    let all = [1, 1023, 1024, 1025, 5_000, 1_000_000, 1 << 40];
    let mut rows: Vec<_> = all.iter().map(|&version| event(chat, Stream::Content, version)).collect();
    rows.push(event(chat, Stream::Receipts, 70_000));
    keyspace.open().await.write_events(of(0), rows, vec![]).await.unwrap();

    // Another process, which has listed nothing.
    let store = keyspace.open().await;
    let read = async |query: EventQuery| versions(&store.events(&query).await.unwrap());
    let mut down = all;
    down.reverse();
    assert_eq!(read(query(chat, 0..u64::MAX, false, 100)).await, all);
    assert_eq!(read(query(chat, 0..u64::MAX, true, 100)).await, down);
    for rows_max in 1..all.len() {
        assert_eq!(read(query(chat, 0..u64::MAX, false, rows_max)).await, all[..rows_max]);
        assert_eq!(read(query(chat, 0..u64::MAX, true, rows_max)).await, down[..rows_max]);
    }
    assert_eq!(read(query(chat, 1024..1_000_000, false, 100)).await, all[2..5]);
    assert_eq!(read(query(chat, 1024..1_000_001, true, 2)).await, [1_000_000, 5_000]);
    assert_eq!(read(query(chat, 1024..1025, true, 100)).await, [1024]);

    store.commit(of(0), Offset(1), vec![snapshot(chat, 1024)]).await.unwrap();
    let loaded = store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap().remove(0);
    assert_eq!(versions(&loaded.rows), [1025, 5_000, 70_000, 1_000_000, 1 << 40]);
}

/// More buckets than are listed at once, most of them of the other stream.
#[tokio::test]
async fn a_long_chat_is_read_from_end_to_end() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    let chat = chat("bob");
    let row = |n: u64| event(chat, if n.is_multiple_of(3) { Stream::Content } else { Stream::Receipts }, n * 1024);
    let rows: Vec<_> = (1..=900).map(row).collect();
    store.write_events(of(0), rows.clone(), vec![]).await.unwrap();
    let content: Vec<_> = rows.iter().filter(|row| row.stream == Stream::Content).cloned().collect();
    assert_eq!(store.events(&query(chat, 0..u64::MAX, false, READ_ROWS_MAX)).await.unwrap(), content);
    let last = store.events(&query(chat, 0..u64::MAX, true, 1)).await.unwrap();
    assert_eq!(last, content[content.len() - 1..]);
    assert_eq!(store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap()[0].rows, rows);
}

/// Every batch is bounded, in rows and in bytes, and one row may be larger than any.
#[tokio::test]
async fn large_rows_and_many_are_written_and_read() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    let chat = chat("bob");
    let sized = |version, bytes| EventRow {
        envelope: vec![7; bytes].into(),
        body: Some(vec![8; bytes].into()),
        ..event(chat, Stream::Content, version)
    };
    let rows: Vec<_> = (1..=30).map(|version| sized(version, if version == 9 { 600_000 } else { 40_000 })).collect();
    store.write_events(of(0), rows.clone(), vec![]).await.unwrap();
    assert_eq!(store.events(&query(chat, 0..99, false, 99)).await.unwrap(), rows);
}

#[tokio::test]
async fn entries_far_apart_are_read_in_order() {
    let keyspace = Keyspace::empty().await;
    let all = [0, (1 << 20) - 1, 1 << 20, 5 << 20, (1 << 40) + 1];
    let rows: Vec<_> = all.iter().map(|&offset| entry("alice", offset)).collect();
    keyspace.open().await.write_inbox(rows.iter().rev().cloned().collect()).await.unwrap();

    let store = keyspace.open().await;
    let read = async |range: std::ops::Range<u64>, rows_max| {
        store.inbox(&user("alice"), LOG, Offset(range.start)..Offset(range.end), rows_max).await.unwrap()
    };
    assert_eq!(read(0..u64::MAX, 100).await, rows);
    assert_eq!(read(0..u64::MAX, 3).await, rows[..3]);
    assert_eq!(read(1..1 << 40, 100).await, rows[1..4]);
    assert_eq!(read(1 << 20..2 << 20, 100).await, rows[2..3]);
    assert!(read(6 << 20..1 << 40, 100).await.is_empty());
}

/// A number that the columns can't hold is refused, not changed.
#[tokio::test]
async fn numbers_beyond_those_of_columns_are_refused() {
    let keyspace = Keyspace::empty().await;
    let store = keyspace.open().await;
    assert!(store.commit(of(0), Offset(1 << 63), vec![]).await.is_err());
    assert!(store.write_events(of(0), vec![event(chat("bob"), Stream::Content, 1 << 60)], vec![]).await.is_ok());
    let version = Version(u64::MAX);
    let row = EventRow { version, ..event(chat("bob"), Stream::Content, 1) };
    assert!(store.write_events(of(0), vec![row], vec![]).await.is_err());
    assert_eq!(store.committed(of(0)).await.unwrap(), None);
}
