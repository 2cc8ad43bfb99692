//! Where records get their places.

use std::borrow::Cow;

use bytes::Bytes;
use chasqui_domain::Offset;
use futures::future::{join_all, try_join_all};

use super::{Factory, Retention, commands, events, inbox, offsets, read, record, values};
use crate::{Append, Bounds, Header};

/// The first record of a partition has offset 0, and each that follows the next.
pub async fn offsets_are_dense_and_start_at_zero(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    for round in 0..20u64 {
        let batch = vec![record(&commands(0), format!("a{round}")), record(&commands(0), format!("b{round}"))];
        let appended = log.append(batch).await.unwrap();
        assert_eq!(offsets(&appended), [round * 2, round * 2 + 1]);
    }
    let records = read(&log, &commands(0), 0, 40).await;
    assert_eq!(values(&records)[..4], ["a0", "b0", "a1", "b1"]);
}

/// A confirmed record is there for a reader that comes now, with the time that was confirmed.
pub async fn what_is_confirmed_can_be_read(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    for round in 0..20u64 {
        let appended = log.append(vec![record(&events(1), round.to_string())]).await.unwrap();
        let records = read(&log, &events(1), round, 1).await;
        assert_eq!(values(&records), [round.to_string()]);
        assert_eq!((records[0].offset, records[0].time), (appended[0].offset, appended[0].time));
    }
}

/// Key, value and headers are the same bytes, empty ones too.
pub async fn records_come_back_as_they_were_given(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::Long).await;
    let header = |name: &'static str, value: &'static [u8]| Header {
        name: Cow::Borrowed(name),
        value: Bytes::from_static(value),
    };
    let given = vec![
        Append { to: inbox(0), key: Bytes::new(), value: Bytes::new(), headers: Vec::new() },
        Append {
            to: inbox(0),
            key: Bytes::from_static(b"\0key\xff"),
            value: Bytes::from_static(b"\0\x01\xfe"),
            headers: vec![header("traceparent", b"00-1-2-01"), header("", b""), header("traceparent", b"again")],
        },
    ];
    subject.log().append(given.clone()).await.unwrap();
    for _ in 0..2 {
        let records = read(&subject.log(), &inbox(0), 0, given.len()).await;
        for (record, given) in records.iter().zip(&given) {
            assert_eq!((&record.key, &record.value, &record.headers), (&given.key, &given.value, &given.headers));
        }
        if !subject.reopen().await {
            break;
        }
    }
}

/// The records of a batch that go to one partition are neighbours, whoever else writes; answers are in the order given.
pub async fn a_batch_has_neighbours_in_each_partition(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let writers = (0..8).map(|writer| {
        let log = log.clone();
        async move {
            for round in 0..10 {
                let name = |index: usize| format!("{writer}-{round}-{index}");
                let to = [commands(0), inbox(1), commands(0), events(2), inbox(1), commands(0)];
                let batch = to.iter().enumerate().map(|(index, to)| record(to, name(index))).collect();
                let got = offsets(&log.append(batch).await.unwrap());
                assert_eq!((got[2], got[5]), (got[0] + 1, got[0] + 2), "neighbours in commands");
                assert_eq!(got[4], got[1] + 1, "neighbours in inbox");
                let mut reader = log.reader(&commands(0), Offset(got[0])).await.unwrap();
                assert_eq!(values(&reader.next(0).await.unwrap()), [name(0)]);
            }
        }
    });
    join_all(writers).await;
    read(&log, &commands(0), 0, 240).await;
}

/// Batches given one after another keep that order, though nobody waits for the first before giving the second.
pub async fn unawaited_batches_keep_their_order(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let mut pending = Vec::new();
    for number in 0..500 {
        pending.push(log.enqueue(vec![record(&commands(1), number.to_string())]).await.unwrap());
    }
    let answers = try_join_all(pending).await.unwrap();
    let got: Vec<u64> = answers.iter().flat_map(|answer| offsets(answer)).collect();
    assert_eq!(got, (0..500).collect::<Vec<u64>>());
    let records = read(&log, &commands(1), 0, 500).await;
    assert_eq!(values(&records), (0..500).map(|number| number.to_string()).collect::<Vec<_>>());
}

/// Dropping a pending answer loses the answer, not the records.
pub async fn an_answer_nobody_waits_for_loses_nothing(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    for number in 0..50 {
        drop(log.enqueue(vec![record(&events(0), number.to_string())]).await.unwrap());
    }
    read(&log, &events(0), 0, 50).await;
}

/// Many writers at once: every record has an offset of its own, none is missing.
pub async fn concurrent_writers_get_a_place_each(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let writers = (0..16).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let mut got = Vec::new();
            for number in 0..25 {
                let batch = vec![record(&commands(2), format!("{writer}-{number}"))];
                got.extend(offsets(&log.append(batch).await.unwrap()));
            }
            assert!(got.is_sorted());
            got
        })
    });
    let mut got: Vec<u64> = join_all(writers).await.into_iter().flat_map(Result::unwrap).collect();
    got.sort_unstable();
    assert_eq!(got, (0..400).collect::<Vec<u64>>());
    let mut all = values(&read(&log, &commands(2), 0, 400).await);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 400);
}

/// The times of a partition never go back, whatever the clock does, also after reopening.
pub async fn time_never_goes_back(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::Long).await;
    let mut count = 0;
    for _ in 0..3 {
        for _ in 0..20 {
            subject.log().append(vec![record(&commands(0), "tick")]).await.unwrap();
            count += 1;
        }
        let records = read(&subject.log(), &commands(0), 0, count).await;
        assert!(records.iter().map(|record| record.time).is_sorted());
        if !subject.reopen().await {
            break;
        }
    }
}

/// A batch of nothing is confirmed with nothing.
pub async fn an_empty_batch_is_confirmed(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    assert!(log.append(Vec::new()).await.unwrap().is_empty());
    assert_eq!(log.bounds(&commands(0)).await.unwrap(), Bounds { start: Offset(0), end: Offset(0) });
}
