//! What is kept by partition: offsets, marks, skip lists, checkpoints; and what outlives a reopening.

use bytes::Bytes;
use chasqui_domain::{Epoch, LogId, Offset, Partition, Seq, Term};

use super::{Factory, LOG, bans, chat, content, devices, entry, of, rows::chat_row, snapshot, update, user};
use crate::{Checkpoint, LogPartition, WRAPPED_KEY_BYTES};

fn elsewhere() -> [LogPartition; 2] {
    [of(8), LogPartition { log: LogId([9; 16]), partition: Partition(7) }]
}

/// The last one counts; none is another thing than 0.
pub async fn offsets_are_kept_by_partition_and_life(factory: &dyn Factory) {
    let store = factory.open().await.store;
    assert_eq!(store.committed(of(7)).await.unwrap(), None);
    store.commit(of(7), Offset(0), vec![]).await.unwrap();
    assert_eq!(store.committed(of(7)).await.unwrap(), Some(Offset(0)));
    store.commit(of(7), Offset(258), vec![]).await.unwrap();
    assert_eq!(store.committed(of(7)).await.unwrap(), Some(Offset(258)));
    for other in elsewhere() {
        assert_eq!(store.committed(other).await.unwrap(), None);
    }
}

/// It comes from a former owner; what it says of snapshots counts by their versions.
pub async fn a_late_commit_moves_nothing_back(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    store.commit(of(7), Offset(9), vec![]).await.unwrap();
    store.commit(of(7), Offset(5), vec![snapshot(chat, 3)]).await.unwrap();
    assert_eq!(store.committed(of(7)).await.unwrap(), Some(Offset(9)));
    let loaded = store.load_chats(&[chat], LOG, Offset(9)).await.unwrap().remove(0);
    assert_eq!(loaded.snapshot, Some(snapshot(chat, 3)));
    // Also when the other has been read.
    store.commit(of(7), Offset(6), vec![]).await.unwrap();
    assert_eq!(store.committed(of(7)).await.unwrap(), Some(Offset(9)));
}

/// Whatever the order in which they arrive.
pub async fn an_older_snapshot_never_replaces_a_newer_one(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    for (given, expected) in [(256, 256), (255, 256), (257, 257)] {
        store.commit(of(0), Offset(1), vec![snapshot(chat, given)]).await.unwrap();
        let loaded = store.load_chats(&[chat], LOG, Offset(1)).await.unwrap().remove(0);
        assert_eq!(loaded.snapshot, Some(snapshot(chat, expected)));
    }
}

/// A write without events leaves none.
pub async fn events_leave_a_mark_on_their_partition(factory: &dyn Factory) {
    let store = factory.open().await.store;
    store.write_events(of(7), vec![], vec![update(chat("bob"), 1, &["me"])]).await.unwrap();
    assert!(!store.has_events(of(7)).await.unwrap());
    store.write_events(of(7), vec![content(chat("bob"), 1)], vec![]).await.unwrap();
    assert!(store.has_events(of(7)).await.unwrap());
    for other in elsewhere() {
        assert!(!store.has_events(other).await.unwrap());
    }
}

/// A command may be put on it twice.
pub async fn the_skip_list_is_kept_by_partition(factory: &dyn Factory) {
    let store = factory.open().await.store;
    for command in [300, 5, 300, u64::MAX] {
        store.skip(of(7), Offset(command)).await.unwrap();
    }
    let skipped: Vec<_> = store.skipped(of(7)).await.unwrap().into_iter().collect();
    assert_eq!(skipped, [Offset(5), Offset(300), Offset(u64::MAX)]);
    for other in elsewhere() {
        assert!(store.skipped(other).await.unwrap().is_empty());
    }
}

/// The last one counts.
pub async fn checkpoints_are_kept_by_partition(factory: &dyn Factory) {
    let store = factory.open().await.store;
    assert_eq!(store.checkpoint(of(7)).await.unwrap(), None);
    for state in [&b"first"[..], b"", b"the second"] {
        let checkpoint = Checkpoint {
            term: Term(3),
            inbox: Offset(1 << 40),
            presence: Offset(2),
            state: Bytes::copy_from_slice(state),
        };
        store.save_checkpoint(of(7), checkpoint.clone()).await.unwrap();
        assert_eq!(store.checkpoint(of(7)).await.unwrap(), Some(checkpoint));
    }
    for other in elsewhere() {
        assert_eq!(store.checkpoint(other).await.unwrap(), None);
    }
}

/// The term counts first, whatever the offsets say; then the offset of `inbox`.
pub async fn a_former_owner_moves_no_checkpoint(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let checkpoint = |term, inbox, state: &'static [u8]| Checkpoint {
        term: Term(term),
        inbox: Offset(inbox),
        presence: Offset(0),
        state: Bytes::from_static(state),
    };
    let stands = [
        (checkpoint(3, 9, b"first"), true),
        (checkpoint(3, 8, b"late"), false),
        (checkpoint(2, 99, b"of a former owner"), false),
        (checkpoint(3, 9, b"at the same place"), true),
        (checkpoint(4, 5, b"of the next owner"), true),
        (checkpoint(3, 10, b"of a former owner again"), false),
    ];
    let mut newest = None;
    for (given, counts) in stands.clone() {
        store.save_checkpoint(of(7), given.clone()).await.unwrap();
        if counts {
            newest = Some(given);
        }
        assert_eq!(store.checkpoint(of(7)).await.unwrap(), newest);
    }
    // Nor when nobody reads in between.
    for (given, _) in stands {
        store.save_checkpoint(of(8), given).await.unwrap();
    }
    assert_eq!(store.checkpoint(of(8)).await.unwrap(), newest);
}

/// Also while many others write.
pub async fn an_answered_write_is_seen_by_the_next_read(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let mut writers = tokio::task::JoinSet::new();
    for partition in 0..16 {
        let store = store.clone();
        writers.spawn(async move {
            for offset in 0..20 {
                store.commit(of(partition), Offset(offset), vec![]).await.unwrap();
                assert_eq!(store.committed(of(partition)).await.unwrap(), Some(Offset(offset)));
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
}

/// Every kind of row, after [`crate::Store::flush`] and a reopening.
pub async fn what_was_flushed_is_there_after_reopening(factory: &dyn Factory) {
    let subject = factory.open().await;
    let (chat, key) = (chat("bob"), [7; WRAPPED_KEY_BYTES]);
    let checkpoint =
        Checkpoint { term: Term(3), inbox: Offset(1), presence: Offset(2), state: Bytes::from_static(b"state") };
    let rows: Vec<_> = (1..=5).map(|version| content(chat, version)).collect();
    let store = &subject.store;
    store.write_events(of(0), rows.clone(), vec![update(chat, 5, &["me", "bob"])]).await.unwrap();
    store.commit(of(0), Offset(51), vec![snapshot(chat, 3)]).await.unwrap();
    store.skip(of(0), Offset(9)).await.unwrap();
    store.write_inbox(vec![entry("alice", LOG, 3, 5)]).await.unwrap();
    store.save_checkpoint(of(0), checkpoint.clone()).await.unwrap();
    store.write_devices(of(0), vec![devices::row("phone", LOG, 3)]).await.unwrap();
    subject.keys.create_key(chat, Epoch::FIRST, key).await.unwrap();
    store.flush().await.unwrap();
    let Some(subject) = factory.reopen(subject).await else { return };

    let store = &subject.store;
    let loaded = store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap().remove(0);
    assert_eq!((loaded.snapshot, loaded.rows), (Some(snapshot(chat, 3)), rows[3..].to_vec()));
    let found = store.chats(&[chat], &user("me")).await.unwrap();
    assert_eq!(found, [Some(chat_row(chat, 5, &[("bob", 5), ("me", 5)]))]);
    assert_eq!(store.chats_of(&user("bob"), None, 9).await.unwrap(), [chat]);
    assert_eq!(store.committed(of(0)).await.unwrap(), Some(Offset(51)));
    assert!(store.has_events(of(0)).await.unwrap());
    assert_eq!(store.skipped(of(0)).await.unwrap().len(), 1);
    assert_eq!(store.checkpoint(of(0)).await.unwrap(), Some(checkpoint));
    let inbox = store.inbox(&user("alice"), LOG, Offset(0)..Offset(9), 9).await.unwrap();
    assert_eq!(inbox, [entry("alice", LOG, 3, 5)]);
    let devices = store.devices_of(&user("alice"), None, 9).await.unwrap();
    assert_eq!(devices, [devices::row("phone", LOG, 3)]);
    assert_eq!(subject.keys.key(chat, Epoch::FIRST).await.unwrap(), Some(key));
}

/// Without any flush, and with it what was answered before.
pub async fn what_is_durable_when_answered_is_there_after_reopening(factory: &dyn Factory) {
    let (own, phone) = (bans::ban("bob", None, 1, Some("spam")), bans::ban("bob", Some("phone"), 2, None));
    let mut subject = factory.open().await;
    subject.store.commit(of(0), Offset(7), vec![]).await.unwrap();
    subject.store.skip(of(0), Offset(9)).await.unwrap();
    let Some(reopened) = factory.reopen(subject).await else { return };
    subject = reopened;
    assert_eq!(subject.store.committed(of(0)).await.unwrap(), Some(Offset(7)));
    assert_eq!(subject.store.skipped(of(0)).await.unwrap().len(), 1);

    for ban in [&own, &phone] {
        subject.store.ban(ban.clone()).await.unwrap();
        let Some(reopened) = factory.reopen(subject).await else { return };
        subject = reopened;
        assert_eq!(subject.store.bans(None, None, 9).await.unwrap().last(), Some(ban));
    }
    subject.store.unban(&own.key).await.unwrap();
    let Some(reopened) = factory.reopen(subject).await else { return };
    assert_eq!(reopened.store.bans(None, None, 9).await.unwrap(), [phone]);
}

/// An empty store, and empty batches.
pub async fn nothing_reads_as_nothing(factory: &dyn Factory) {
    let subject = factory.open().await;
    let store = &subject.store;
    store.flush().await.unwrap();
    store.write_events(of(0), vec![], vec![]).await.unwrap();
    store.write_inbox(vec![]).await.unwrap();
    store.write_devices(of(0), vec![]).await.unwrap();
    store.expire_inbox(chasqui_domain::TimeMs(u64::MAX)).await.unwrap();
    store.flush().await.unwrap();
    assert!(!store.has_events(of(0)).await.unwrap());
    assert_eq!(store.chats(&[chat("bob")], &user("me")).await.unwrap(), [None]);
    assert!(store.members(chat("bob"), None, 9).await.unwrap().is_empty());
    assert!(store.chats_of(&user("me"), Some(chat("bob")), 9).await.unwrap().is_empty());
    assert!(store.messages(chat("bob"), Seq(0)..Seq(9)).await.unwrap().is_empty());
    assert_eq!(subject.keys.key(chat("bob"), Epoch::FIRST).await.unwrap(), None);
}
