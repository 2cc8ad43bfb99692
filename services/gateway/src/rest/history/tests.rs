use std::sync::Arc;

use bytes::Bytes;
use chasqui_domain::{
    ContentType, Counter, DeviceId, Epoch, LogId, Offset, Partition, RulesNumber, Sealed, Source, TimeMs, UserId,
};
use chasqui_store::{LogPartition, memory::MemoryStore};
use chasqui_testkit::{Faults, FaultyStore};

use super::*;

fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn chat() -> ChatId {
    ChatId::direct(&user("alice"), &user("bob"))
}

fn row(version: u64, kind: EventKind) -> EventRow {
    let stream = if kind.is_receipt() { Stream::Receipts } else { Stream::Content };
    let event = Event { chat: chat(), version: Version(version), time: TimeMs(version), rules: RulesNumber(1), kind };
    let source = Source { log: LogId([1; 16]), partition: Partition(0), offset: Offset(version), index: 0 };
    let (envelope, body) = event::encode_envelope(&event, &source).unwrap();
    EventRow { chat: chat(), stream, version: Version(version), source, envelope, body }
}

fn message(seq: u64) -> EventKind {
    EventKind::Message {
        seq: Seq(seq),
        sender: user("alice"),
        device: DeviceId::new("phone").unwrap(),
        counter: Counter(seq),
        body: Sealed {
            epoch: Epoch::FIRST,
            content_type: ContentType::new("text/plain").unwrap(),
            bytes: Bytes::from_static(b"sealed"),
        },
    }
}

/// A chat of so many messages, between which lie receipts: none, one, two, none, ...
async fn store_of(messages: u64) -> (MemoryStore, Version) {
    let mut rows = vec![row(1, EventKind::Opened { members: vec![user("alice"), user("bob")] })];
    for seq in 1..=messages {
        rows.push(row(rows.len() as u64 + 1, message(seq)));
        for _ in 0..seq % 3 {
            let kind = EventKind::Delivered { member: user("bob"), seq: Seq(seq) };
            rows.push(row(rows.len() as u64 + 1, kind));
        }
    }
    let end = Version(rows.len() as u64 + 1);
    let store = MemoryStore::new();
    let of = LogPartition { log: LogId([1; 16]), partition: Partition(0) };
    store.write_events(of, rows, Vec::new()).await.unwrap();
    (store, end)
}

#[tokio::test]
async fn every_page_of_every_chat_is_what_a_scan_gives() {
    for last in 0..8 {
        let (store, end) = store_of(last).await;
        let history = History { store: &store, chat: chat(), start: Version(0), end, last_seq: Seq(last) };
        let bounds: Vec<_> = [None].into_iter().chain((0..=last + 2).map(Some)).collect();
        for (before, after) in bounds.iter().flat_map(|before| bounds.iter().map(move |after| (*before, *after))) {
            for items_max in 1..4 {
                let query = MessagesQuery {
                    before: before.map(Seq),
                    after: after.map(Seq),
                    limit: None,
                    ..MessagesQuery::default()
                };
                let (rows, has_more) = history.page(&query, items_max).await.unwrap();
                let seqs: Vec<u64> = rows.iter().map(|row| spot_in(row).unwrap().unwrap().seq.0).collect();

                let within = |seq: &u64| before.is_none_or(|it| *seq < it) && after.is_none_or(|it| *seq > it);
                let mut expected: Vec<u64> = (1..=last).filter(within).collect();
                if after.is_none() {
                    expected.reverse();
                }
                let asked = format!("{last} messages, before {before:?}, after {after:?}, {items_max} items");
                assert_eq!(has_more, expected.len() > items_max, "{asked}");
                expected.truncate(items_max);
                assert_eq!(seqs, expected, "{asked}");
            }
        }
    }
}

#[tokio::test]
async fn every_page_from_a_time_is_what_a_scan_gives() {
    for last in 0..6 {
        let (store, end) = store_of(last).await;
        let history = History { store: &store, chat: chat(), start: Version(0), end, last_seq: Seq(last) };
        let all = history.messages(Version(0)..end, false, 100).await.unwrap();
        let times: Vec<u64> = all.0.iter().map(|row| spot_in(row).unwrap().unwrap().time.0).collect();
        for time in 0..end.0 + 2 {
            for items_max in 1..4 {
                let until = MessagesQuery { until: Some(TimeMs(time)), ..MessagesQuery::default() };
                let mut expected: Vec<u64> = times.iter().copied().filter(|it| *it < time).rev().collect();
                is_page(&history, &until, items_max, &mut expected).await;
                let since = MessagesQuery { since: Some(TimeMs(time)), ..MessagesQuery::default() };
                let mut expected: Vec<u64> = times.iter().copied().filter(|it| *it >= time).collect();
                is_page(&history, &since, items_max, &mut expected).await;
            }
        }
    }
}

async fn is_page(history: &History<'_>, query: &MessagesQuery, items_max: usize, expected: &mut Vec<u64>) {
    let (rows, has_more) = history.page(query, items_max).await.unwrap();
    let times: Vec<u64> = rows.iter().map(|row| spot_in(row).unwrap().unwrap().time.0).collect();
    assert_eq!(has_more, expected.len() > items_max, "{query:?}");
    expected.truncate(items_max);
    assert_eq!(times, *expected, "{query:?}");
}

#[tokio::test]
async fn how_often_is_read_for_a_message_does_not_depend_on_how_long_its_chat_is() {
    for last in [300, 3_000, 30_000] {
        let (store, end) = store_of(last).await;
        let faults = Faults::none();
        let store = FaultyStore::new(Arc::new(store), faults.clone());
        let history = History { store: &*store, chat: chat(), start: Version(0), end, last_seq: Seq(last) };
        for seq in (1..last).step_by(17) {
            let before = faults.calls();
            history.message(Seq(seq)).await.unwrap().unwrap();
            // A guess and the message, each with one more where the first event of the chat, which is none, is read too.
            assert!(faults.calls() - before <= 4, "{} reads for {seq} of {last}", faults.calls() - before);
        }
    }
}

#[tokio::test]
async fn a_message_is_found_in_a_few_reads_where_seqs_are_uneven_too() {
    // A thousand messages, each with a thousand receipts in a row behind it where its seq is a multiple of a hundred.
    let mut rows = Vec::new();
    for seq in 1..=1_000 {
        rows.push(row(rows.len() as u64 + 1, message(seq)));
        for _ in 0..if seq % 100 == 0 { 1_000 } else { 0 } {
            rows.push(row(rows.len() as u64 + 1, EventKind::Delivered { member: user("bob"), seq: Seq(seq) }));
        }
    }
    let end = Version(rows.len() as u64 + 1);
    let store = Arc::new(MemoryStore::new());
    let of = LogPartition { log: LogId([1; 16]), partition: Partition(0) };
    store.write_events(of, rows, Vec::new()).await.unwrap();
    let faults = Faults::none();
    let store = FaultyStore::new(store, faults.clone());
    let history = History { store: &*store, chat: chat(), start: Version(0), end, last_seq: Seq(1_000) };
    for seq in 1..=1_000 {
        let before = faults.calls();
        let row = history.message(Seq(seq)).await.unwrap().unwrap();
        assert_eq!(spot_in(&row).unwrap().unwrap().seq, Seq(seq));
        // As many as are guessed, the halvings of all versions, and the message itself.
        assert!(faults.calls() - before <= GUESSES as u64 + 14 + 1, "{} reads for {seq}", faults.calls() - before);
    }
}

#[tokio::test]
async fn a_message_is_found_by_its_seq_alone() {
    let (store, end) = store_of(7).await;
    let history = History { store: &store, chat: chat(), start: Version(0), end, last_seq: Seq(7) };
    for seq in 1..=7 {
        let row = history.message(Seq(seq)).await.unwrap().unwrap();
        assert_eq!(spot_in(&row).unwrap().unwrap().seq, Seq(seq));
    }
    for seq in [0, 8, u64::MAX] {
        assert!(history.message(Seq(seq)).await.unwrap().is_none(), "{seq}");
    }
}

#[tokio::test]
async fn a_page_ends_where_its_bodies_are_too_long_and_the_next_one_goes_on() {
    let large = |seq| {
        let EventKind::Message { sender, device, counter, body, .. } = message(seq) else { unreachable!() };
        let body = Sealed { bytes: vec![7; 100 * 1024].into(), ..body };
        EventKind::Message { seq: Seq(seq), sender, device, counter, body }
    };
    let store = MemoryStore::new();
    let of = LogPartition { log: LogId([1; 16]), partition: Partition(0) };
    let rows = (1..=30).map(|seq| row(seq, large(seq))).collect();
    store.write_events(of, rows, Vec::new()).await.unwrap();
    let history = History { store: &store, chat: chat(), start: Version(0), end: Version(31), last_seq: Seq(30) };
    let (mut seen, mut pages, mut before) = (Vec::new(), 0, None);
    loop {
        let query = MessagesQuery { before, ..MessagesQuery::default() };
        let (rows, has_more) = history.page(&query, 200).await.unwrap();
        seen.extend(rows.iter().map(|row| spot_in(row).unwrap().unwrap().seq.0));
        (pages, before) = (pages + 1, seen.last().copied().map(Seq));
        if !has_more {
            break;
        }
    }
    assert_eq!(seen, (1..=30).rev().collect::<Vec<_>>());
    assert_eq!(pages, 15, "two fit a page");
}
