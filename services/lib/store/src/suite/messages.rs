//! What is done to messages: how it is found, what has become of them, and bodies that are gone.

use bytes::Bytes;
use chasqui_domain::{ChatId, Offset, Seq, Version};

use super::{
    Factory, LOG, chat, content, of, row,
    rows::{about, action, erasing, message_row, message_update},
    snapshot, update, versions,
};
use crate::{EventQuery, EventRow, MessageRow, READ_ROWS_MAX, Store, Stream};

fn all(chat: ChatId, stream: Stream) -> EventQuery {
    let versions = Version(0)..Version(u64::MAX);
    EventQuery { chat, stream, versions, descending: false, rows_max: READ_ROWS_MAX }
}

async fn read(store: &dyn Store, chat: ChatId, stream: Stream) -> Vec<EventRow> {
    store.events(&all(chat, stream)).await.unwrap()
}

async fn read_messages(store: &dyn Store, chat: ChatId, seqs: std::ops::Range<u64>) -> Vec<MessageRow> {
    store.messages(chat, Seq(seqs.start)..Seq(seqs.end)).await.unwrap()
}

fn without_body(row: &EventRow) -> EventRow {
    EventRow { body: None, ..row.clone() }
}

/// Among all actions of the chat, and once more among those of its message alone, however far they lie apart.
pub async fn what_was_done_to_a_message_is_found_by_it(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let (one, other) = (chat("bob"), chat("carol"));
    let of_seq = |version| Seq(if version % 2 == 0 { 256 } else { 1 });
    let all_versions = [3, 4, 5, 1023, 1024, 1025, 70_000, 70_001, 1 << 40, (1 << 40) + 1];
    let rows = all_versions.iter().flat_map(|&at| [action(one, at), about(one, of_seq(at), at)]);
    store.write_events(of(0), rows.collect(), vec![]).await.unwrap();
    let beside = vec![content(one, 1), row(one, Stream::Receipts, 2), about(other, Seq(1), 7), about(one, Seq(2), 9)];
    store.write_events(of(0), beside, vec![]).await.unwrap();

    let written: Vec<_> = all_versions.iter().map(|&version| action(one, version)).collect();
    assert_eq!(read(&*store, one, Stream::Actions).await, written);
    assert!(read(&*store, other, Stream::Actions).await.is_empty());
    assert_eq!(versions(&read(&*store, one, Stream::Content).await), [1]);
    for seq in [Seq(1), Seq(256)] {
        let those = all_versions.iter().filter(|&&version| of_seq(version) == seq);
        let mut written: Vec<_> = those.map(|&version| about(one, seq, version)).collect();
        assert_eq!(read(&*store, one, Stream::About(seq)).await, written);
        written.reverse();
        let descending = EventQuery { descending: true, ..all(one, Stream::About(seq)) };
        assert_eq!(store.events(&descending).await.unwrap(), written);
    }
    assert_eq!(versions(&read(&*store, one, Stream::About(Seq(2))).await), [9]);
    assert_eq!(versions(&read(&*store, other, Stream::About(Seq(1))).await), [7]);
    for none in [Seq(0), Seq(3), Seq(u64::MAX)] {
        assert!(read(&*store, one, Stream::About(none)).await.is_empty());
    }
}

/// The range and the limit count as in every stream.
pub async fn what_was_done_to_a_message_is_read_in_pages(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let (chat, seq) = (chat("bob"), Seq(5));
    let all_versions: Vec<_> = (1..=25).map(|n| n * 100).collect();
    let rows = all_versions.iter().flat_map(|&version| [action(chat, version), about(chat, seq, version)]).collect();
    store.write_events(of(0), rows, vec![]).await.unwrap();
    for stream in [Stream::Actions, Stream::About(seq)] {
        let page = async |range: std::ops::Range<u64>, rows_max, descending| {
            let range = Version(range.start)..Version(range.end);
            let query = EventQuery { versions: range, rows_max, descending, ..all(chat, stream) };
            versions(&store.events(&query).await.unwrap())
        };
        let mut read: Vec<u64> = Vec::new();
        loop {
            let behind = read.last().map_or(0, |last| last + 1);
            let rows = page(behind..u64::MAX, 10, false).await;
            assert!(rows.len() <= 10);
            if rows.is_empty() {
                break;
            }
            read.extend(rows);
        }
        assert_eq!(read, all_versions);
        assert_eq!(page(300..700, 9, false).await, [300, 400, 500, 600]);
        assert_eq!(page(300..700, 2, true).await, [600, 500]);
        assert!(page(0..u64::MAX, 0, false).await.is_empty());
        assert!(page(500..500, 9, false).await.is_empty());
        assert!(page(700..300, 9, false).await.is_empty());
    }
}

/// Those that are there a second time, to be found by their message, are no events of the chat's state.
pub async fn loading_gives_each_event_once(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let rows =
        vec![content(chat, 1), action(chat, 2), row(chat, Stream::Receipts, 3), action(chat, 4), content(chat, 5)];
    let copies = vec![about(chat, Seq(1), 2), about(chat, Seq(1), 4)];
    store.write_events(of(0), [rows.clone(), copies].concat(), vec![]).await.unwrap();
    let load = async || store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap().remove(0).rows;
    assert_eq!(load().await, rows);
    store.commit(of(0), Offset(31), vec![snapshot(chat, 3)]).await.unwrap();
    assert_eq!(load().await, rows[3..]);
}

/// Also within one batch, and whatever else of the chat is newer.
pub async fn what_is_newer_of_a_message_replaces_what_is_older_and_never_the_reverse(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    store.write_events(of(0), vec![], vec![message_update(chat, 2, &[8])]).await.unwrap();
    for (given_versions, expected) in [(vec![3, 4, 2], 4), (vec![3], 4), (vec![256], 256), (vec![255, 1], 256)] {
        let updates = given_versions.iter().map(|&version| message_update(chat, version, &[7])).collect();
        store.write_events(of(0), vec![], updates).await.unwrap();
        let expected = [message_row(7, expected), message_row(8, 2)];
        assert_eq!(read_messages(&*store, chat, 0..100).await, expected, "{given_versions:?}");
    }
    // What is shown of the chat itself goes by a version of its own.
    store.write_events(of(0), vec![], vec![update(chat, 300, &["me", "bob"])]).await.unwrap();
    store.write_events(of(0), vec![], vec![message_update(chat, 299, &[8])]).await.unwrap();
    assert_eq!(read_messages(&*store, chat, 0..100).await, [message_row(7, 256), message_row(8, 299)]);
}

/// The end is excluded, odd ranges are empty, and no read looks at more than the most messages.
pub async fn messages_are_read_by_range(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let (one, other) = (chat("bob"), chat("carol"));
    let seqs = [1, 2, 255, 256, 257, 1000, 1001, 1300, 1 << 40];
    store
        .write_events(of(0), vec![], vec![message_update(one, 9, &seqs), message_update(other, 4, &[2, 300])])
        .await
        .unwrap();
    let found = async |seqs| {
        let rows = read_messages(&*store, one, seqs).await;
        assert!(rows.iter().all(|row| *row == message_row(row.seq.0, 9)));
        rows.iter().map(|row| row.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(found(0..258).await, [1, 2, 255, 256, 257]);
    assert_eq!(found(2..256).await, [2, 255]);
    assert_eq!(found(256..257).await, [256]);
    for nothing in [3..255, 256..256, 300..2, 0..0, 1301..u64::MAX, u64::MAX - 1..u64::MAX] {
        assert!(found(nothing.clone()).await.is_empty(), "{nothing:?}");
    }
    assert_eq!(found(1 << 40..u64::MAX).await, [1 << 40]);
    // As far as so many messages, though few of them have rows.
    assert_eq!(READ_ROWS_MAX, 1000);
    assert_eq!(found(0..u64::MAX).await, [1, 2, 255, 256, 257]);
    assert_eq!(found(1..u64::MAX).await, [1, 2, 255, 256, 257, 1000]);
    assert_eq!(found(1000..2000).await, [1000, 1001, 1300]);
    assert_eq!(read_messages(&*store, other, 0..1000).await, [message_row(2, 4), message_row(300, 4)]);
}

/// As many as a read gives, written at once.
pub async fn a_read_of_messages_gives_all_of_them(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let seqs: Vec<_> = (1..=READ_ROWS_MAX as u64 + 5).collect();
    store.write_events(of(0), vec![], vec![message_update(chat, 9, &seqs)]).await.unwrap();
    let first = read_messages(&*store, chat, 1..u64::MAX).await;
    assert_eq!(first.iter().map(|row| row.seq.0).collect::<Vec<_>>(), seqs[..READ_ROWS_MAX]);
    assert_eq!(read_messages(&*store, chat, 1001..u64::MAX).await.len(), 5);
}

/// What a message said, and what replaced it; all else of their rows, and all other rows, stay as they are.
pub async fn an_erased_body_stays_away_though_its_row_is_written_again(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    // One of each pair has an empty body, which is another thing than none.
    let rows: Vec<_> = [1, 2, 4, 1025].into_iter().map(|version| content(chat, version)).collect();
    let actions: Vec<_> = [5, 7, 8, 1031].into_iter().map(|version| action(chat, version)).collect();
    let both = [rows.clone(), actions.clone()].concat();
    store.write_events(of(0), both.clone(), vec![]).await.unwrap();
    let gone = [
        (Stream::Content, 1),
        (Stream::Content, 2),
        (Stream::Content, 1025),
        (Stream::Actions, 5),
        (Stream::Actions, 7),
        (Stream::Actions, 1031),
    ];
    let check = async || {
        let expected = |row: &EventRow| {
            let is_gone = gone.contains(&(row.stream, row.version.0));
            if is_gone { without_body(row) } else { row.clone() }
        };
        assert_eq!(read(&*store, chat, Stream::Content).await, rows.iter().map(expected).collect::<Vec<_>>());
        assert_eq!(read(&*store, chat, Stream::Actions).await, actions.iter().map(expected).collect::<Vec<_>>());
        let mut loaded: Vec<_> = both.iter().map(expected).collect();
        loaded.sort_by_key(|row| row.version);
        assert_eq!(store.load_chats(&[chat], LOG, Offset(u64::MAX)).await.unwrap()[0].rows, loaded);
        assert_eq!(read_messages(&*store, chat, 0..9).await, [message_row(3, 2000)]);
    };
    store.write_events(of(0), vec![], vec![erasing(chat, 2000, 3, &gone)]).await.unwrap();
    check().await;
    // A late former owner, who has seen nothing of that, or some of it.
    store.write_events(of(0), both.clone(), vec![]).await.unwrap();
    check().await;
    store.write_events(of(0), both.clone(), vec![erasing(chat, 10, 3, &gone[..1])]).await.unwrap();
    check().await;
    // Nor when nobody reads in between.
    for _ in 0..3 {
        store.write_events(of(0), both.clone(), vec![]).await.unwrap();
        store.write_events(of(0), vec![], vec![erasing(chat, 2000, 3, &gone)]).await.unwrap();
        store.write_events(of(0), both.clone(), vec![]).await.unwrap();
    }
    check().await;
}

/// Rows go before what follows from them.
pub async fn a_body_that_comes_with_its_erasure_is_never_seen(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let rows = vec![content(chat, 1), content(chat, 4), action(chat, 5), about(chat, Seq(1), 5), action(chat, 7)];
    let gone = erasing(chat, 8, 1, &[(Stream::Content, 1), (Stream::Actions, 5), (Stream::Actions, 7)]);
    for _ in 0..2 {
        store.write_events(of(0), rows.clone(), vec![gone.clone()]).await.unwrap();
        assert_eq!(read(&*store, chat, Stream::Content).await, [without_body(&rows[0]), rows[1].clone()]);
        let actions = read(&*store, chat, Stream::Actions).await;
        assert_eq!(actions, [without_body(&rows[2]), without_body(&rows[4])]);
        assert_eq!(read(&*store, chat, Stream::About(Seq(1))).await, [rows[3].clone()]);
        assert_eq!(read_messages(&*store, chat, 1..2).await, [message_row(1, 8)]);
    }
}

/// What is gone is gone, also when somebody says so who knows less than what stands of the message and the chat.
pub async fn an_older_update_erases_no_less(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let chat = chat("bob");
    let mut rows: Vec<_> = [1, 2, 4, 5, 7].into_iter().map(|version| content(chat, version)).collect();
    let newer = vec![update(chat, 9, &["me", "bob"]), message_update(chat, 9, &[1])];
    store.write_events(of(0), rows.clone(), newer).await.unwrap();
    assert_eq!(read(&*store, chat, Stream::Content).await, rows);
    let gone = |at, version| erasing(chat, at, 1, &[(Stream::Content, version)]);
    store.write_events(of(0), vec![], vec![gone(5, 1)]).await.unwrap();
    rows[0].body = None;
    assert_eq!(read(&*store, chat, Stream::Content).await, rows);
    assert_eq!(read_messages(&*store, chat, 0..9).await, [message_row(1, 9)]);
    // Of several that come at once, or before anybody reads, each counts.
    store.write_events(of(0), vec![], vec![gone(20, 2), gone(19, 4)]).await.unwrap();
    store.write_events(of(0), vec![], vec![gone(18, 5)]).await.unwrap();
    rows[1..4].iter_mut().for_each(|row| row.body = None);
    assert_eq!(read(&*store, chat, Stream::Content).await, rows);
    assert_eq!(read_messages(&*store, chat, 0..9).await, [message_row(1, 20)]);
}

/// Each step of a message is seen right behind its write, while many others are written beside.
pub async fn what_becomes_of_a_message_is_seen_by_the_next_read(factory: &dyn Factory) {
    let store = factory.open().await.store;
    let mut writers = tokio::task::JoinSet::new();
    for of_whom in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            let chat = chat(&format!("friend {of_whom}"));
            for seq in 1..=10 {
                let version = seq * 3 + 1;
                let said = content(chat, version);
                store.write_events(of(of_whom), vec![said.clone()], vec![]).await.unwrap();
                let found = read(&*store, chat, Stream::Content).await;
                assert_eq!(found.last(), Some(&said));
                let done = vec![action(chat, version + 1), about(chat, Seq(seq), version + 1)];
                let gone = erasing(chat, version + 1, seq, &[(Stream::Content, version)]);
                store.write_events(of(of_whom), done, vec![gone]).await.unwrap();
                let found = read(&*store, chat, Stream::Content).await;
                assert_eq!(found.last(), Some(&without_body(&said)));
                assert_eq!(read_messages(&*store, chat, seq..seq + 1).await, [message_row(seq, version + 1)]);
                assert_eq!(versions(&read(&*store, chat, Stream::About(Seq(seq))).await), [version + 1]);
            }
        });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap();
    }
}

/// What has become of messages, and that bodies are gone, after a reopening.
pub async fn what_was_erased_is_gone_after_reopening(factory: &dyn Factory) {
    let subject = factory.open().await;
    let chat = chat("bob");
    let rows = vec![content(chat, 1), content(chat, 4)];
    let store = &subject.store;
    store.write_events(of(0), rows.clone(), vec![]).await.unwrap();
    let done = vec![action(chat, 5), about(chat, Seq(1), 5)];
    store.write_events(of(0), done.clone(), vec![erasing(chat, 5, 1, &[(Stream::Content, 1)])]).await.unwrap();
    store.flush().await.unwrap();
    let Some(subject) = factory.reopen(subject).await else { return };

    let store = &subject.store;
    let expected = [without_body(&rows[0]), rows[1].clone()];
    for _ in 0..2 {
        assert_eq!(read(&**store, chat, Stream::Content).await, expected);
        store.write_events(of(0), rows.clone(), vec![]).await.unwrap();
    }
    assert_eq!(read(&**store, chat, Stream::Actions).await, done[..1]);
    assert_eq!(read(&**store, chat, Stream::About(Seq(1))).await, done[1..]);
    let expected = MessageRow { seq: Seq(1), state: Bytes::from_static(b"message 1 at 5") };
    assert_eq!(read_messages(&**store, chat, 0..9).await, [expected]);
}
