//! How many statements a message costs.

use std::collections::BTreeMap;

use bytes::Bytes;
use chasqui_cluster_tests::{cut::Way, keyspace::Keyspace};
use chasqui_domain::{Epoch, Offset, Seq, Term};
use chasqui_store::{ChatUpdate, Checkpoint, Error, KeyTable, MemberState, Store, Stream, WRAPPED_KEY_BYTES};
use chasqui_store_cql::{CqlStore, Options, STATEMENTS};
use chasqui_telemetry::metrics::StoreMetrics;

use crate::rows::{
    LOG, about, action, chat, device, entry, erasing, event, group, member_update, message_update, of, snapshot, state,
    update, user,
};

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
    let message = async |version: u64| {
        let update = if version == 1 {
            update(chat, version, &["me", "bob"])
        } else {
            let sender = member_update(chat, version, &[("me", MemberState::Stays(state("me", version)))]);
            ChatUpdate { summary: Some(state("summary", version)), ..sender }
        };
        let (inbox, state) = (Offset(version), Bytes::from_static(b"state"));
        let checkpoint = Checkpoint { term: Term(3), inbox, presence: Offset(0), state };
        let entries = ["me", "bob"].map(|name| entry(name, version)).to_vec();
        [
            cost(&way, store.write_events(of(0), vec![event(chat, Stream::Content, version)], vec![update])).await,
            cost(&way, store.commit(of(0), Offset(version), vec![])).await,
            cost(&way, store.write_inbox(entries)).await,
            cost(&way, store.save_checkpoint(of(0), checkpoint)).await,
        ]
    };
    // The first one of a chat: its partition is marked, its bucket and those of the inboxes are listed, and its members get it
    // on their lists; and rows of former terms are removed.
    assert_eq!(message(1).await, [6, 1, 4, 2]);
    assert_eq!(message(2).await, [2, 1, 2, 1]);
    assert_eq!(message(3).await, [2, 1, 2, 1]);
}

/// However many members a group has: a message writes its row and the sender's with what is shown of it, a receipt its row and the
/// reader's.
#[tokio::test]
async fn what_one_member_does_costs_no_more_in_a_large_group() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let contact_points = vec![way.address().to_owned()];
    let store = CqlStore::open(Options { contact_points, ..keyspace.options() }).await.unwrap();
    let group = group(1);
    let names: Vec<_> = (0..1024).map(|n| format!("member-{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let first =
        vec![event(group, Stream::Changes, 1), event(group, Stream::Content, 2), event(group, Stream::Receipts, 3)];
    store.write_events(of(0), first, vec![update(group, 1, &names)]).await.unwrap();
    let stays =
        |version| member_update(group, version, &[("member-7", MemberState::Stays(state("member-7", version)))]);
    let message = ChatUpdate { summary: Some(state("summary", 4)), ..stays(4) };
    let written = store.write_events(of(0), vec![event(group, Stream::Content, 4)], vec![message]);
    assert_eq!(cost(&way, written).await, 2);
    let written = store.write_events(of(0), vec![event(group, Stream::Receipts, 5)], vec![stays(5)]);
    assert_eq!(cost(&way, written).await, 2);
    assert_eq!(cost(&way, store.chats(&[group], &user("member-7"))).await, 1);
}

/// Its row, that by which it is found, and what has become of the message; one more where bodies go that lie together.
/// A page of messages is read by one statement.
#[tokio::test]
async fn what_is_done_to_a_message_costs_three_statements() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let contact_points = vec![way.address().to_owned()];
    let store = CqlStore::open(Options { contact_points, ..keyspace.options() }).await.unwrap();
    let chat = chat("bob");
    let done = |version, seq| vec![action(chat, version), about(chat, Seq(seq), version)];
    let first = [vec![event(chat, Stream::Content, 1), event(chat, Stream::Content, 2)], done(3, 1)].concat();
    store.write_events(of(0), first, vec![message_update(chat, 3, &[1])]).await.unwrap();
    let written = store.write_events(of(0), done(4, 2), vec![message_update(chat, 4, &[2])]);
    assert_eq!(cost(&way, written).await, 3);
    let gone = erasing(chat, 5, 1, &[(Stream::Content, 1), (Stream::Content, 2)]);
    assert_eq!(cost(&way, store.write_events(of(0), done(5, 1), vec![gone])).await, 4);
    assert_eq!(cost(&way, store.messages(chat, Seq(0)..Seq(256))).await, 1);
    assert_eq!(cost(&way, store.messages(chat, Seq(0)..Seq(u64::MAX))).await, 4);
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

/// However rows go together, and whether they are written or read.
#[tokio::test]
async fn what_the_store_counts_is_what_is_sent() {
    let (keyspace, way) = (Keyspace::empty().await, Way::open().await);
    let (contact_points, metrics) = (vec![way.address().to_owned()], StoreMetrics::default());
    let options = Options { contact_points, metrics: metrics.clone(), ..keyspace.options() };
    let store = CqlStore::open(options).await.unwrap();
    let (chat, before) = (chat("bob"), way.by_statement());
    let rows = (1..=200).map(|version| event(chat, Stream::Content, version)).collect();
    store.write_events(of(0), rows, vec![update(chat, 200, &["me", "bob"])]).await.unwrap();
    store.write_inbox((0..3).map(|offset| entry("bob", offset)).collect()).await.unwrap();
    store.write_devices(of(0), vec![device("bob", "phone", LOG, 1)]).await.unwrap();
    store.commit(of(0), Offset(7), vec![snapshot(chat, 1)]).await.unwrap();
    store.chats(&[chat], &user("bob")).await.unwrap();
    let sent = way.by_statement();
    let count = |counts: &BTreeMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or_default();
    for (name, _) in STATEMENTS {
        assert_eq!(metrics.statements(name).get(), count(&sent, name) - count(&before, name), "{name}");
    }
    assert_eq!(metrics.statements("put_event").get(), 2, "200 rows, of which a statement takes 128");
}
