//! How many statements a message costs.

use bytes::Bytes;
use chasqui_cluster_tests::{cut::Way, keyspace::Keyspace};
use chasqui_domain::{Epoch, Offset, Term};
use chasqui_store::{Checkpoint, Error, KeyTable, Store, Stream, Summary, WRAPPED_KEY_BYTES};
use chasqui_store_cql::{CqlStore, Options};

use crate::rows::{LOG, chat, entry, event, of, summary, user};

/// How many of them a call sends.
async fn cost<T>(way: &Way, call: impl Future<Output = Result<T, Error>>) -> u64 {
    let before = way.statements();
    call.await.unwrap();
    way.statements() - before
}

/// Once its chat and its members' inboxes were written to, as almost always.
#[tokio::test]
async fn a_lone_message_costs_six_statements() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let contact_points = vec![way.address().to_owned()];
    let store = CqlStore::open(Options { contact_points, ..keyspace.options() }).await.unwrap();
    let chat = chat("bob");
    let message = async |version: u64, members_changed: bool| {
        let summary = Summary { members_changed, ..summary(chat, version, &["me", "bob"]) };
        let (inbox, state) = (Offset(version), Bytes::from_static(b"state"));
        let checkpoint = Checkpoint { term: Term(3), inbox, presence: Offset(0), state };
        let entries = ["me", "bob"].map(|name| entry(name, version)).to_vec();
        [
            cost(&way, store.write_events(of(0), vec![event(chat, Stream::Content, version)], vec![summary])).await,
            cost(&way, store.commit(of(0), Offset(version), vec![])).await,
            cost(&way, store.write_inbox(entries)).await,
            cost(&way, store.save_checkpoint(of(0), checkpoint)).await,
        ]
    };
    // The first one of a chat: its partition is marked, its bucket and those of the inboxes are listed, its members are read
    // and get it on their lists; and rows of former terms are removed.
    assert_eq!(message(1, true).await, [7, 1, 4, 2]);
    assert_eq!(message(2, false).await, [2, 1, 2, 1]);
    assert_eq!(message(3, false).await, [2, 1, 2, 1]);
}

/// What goes into one partition together goes by one statement.
#[tokio::test]
async fn messages_that_come_together_share_their_statements() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let contact_points = vec![way.address().to_owned()];
    let store = CqlStore::open(Options { contact_points, ..keyspace.options() }).await.unwrap();
    let chat = chat("bob");
    let rows = |versions: std::ops::Range<u64>| versions.map(|version| event(chat, Stream::Content, version)).collect();
    store.write_events(of(0), rows(1..2), vec![]).await.unwrap();
    assert_eq!(cost(&way, store.write_events(of(0), rows(2..102), vec![])).await, 1);
    let entries = |offsets: std::ops::Range<u64>| offsets.map(|offset| entry("alice", offset)).collect();
    store.write_inbox(entries(1..2)).await.unwrap();
    assert_eq!(cost(&way, store.write_inbox(entries(2..102))).await, 1);
}

/// A range that lies together is read by one statement, and so is a key that is there.
#[tokio::test]
async fn what_lies_together_is_read_at_once() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let contact_points = vec![way.address().to_owned()];
    let store = CqlStore::open(Options { contact_points, ..keyspace.options() }).await.unwrap();
    store.write_inbox((0..100).map(|offset| entry("alice", offset)).collect()).await.unwrap();
    assert_eq!(cost(&way, store.inbox(&user("alice"), LOG, Offset(10)..Offset(60), 100)).await, 1);
    assert_eq!(cost(&way, store.inbox(&user("alice"), LOG, Offset(10)..Offset(u64::MAX), 100)).await, 2);
    let (chat, key) = (chat("bob"), [7; WRAPPED_KEY_BYTES]);
    assert_eq!(cost(&way, store.key(chat, Epoch(1))).await, 2);
    assert_eq!(cost(&way, store.create_key(chat, Epoch(1), key)).await, 1);
    assert_eq!(cost(&way, store.key(chat, Epoch(1))).await, 1);
}
