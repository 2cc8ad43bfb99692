//! What readers see.

use bytes::Bytes;
use chasqui_domain::Offset;
use futures::{FutureExt, future::join_all};

use super::{Factory, Retention, assert_dense, commands, events, gateway, inbox, read, read_on, record, values};
use crate::{Append, Bounds, Error, RECORD_BYTES_MAX};

/// A reader at the end waits, and gets what comes.
pub async fn a_reader_waits_at_the_end(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let mut reader = log.reader(&commands(0), Offset(0)).await.unwrap();
    for round in 0..20 {
        let mut waiting = reader.next(1);
        assert!((&mut waiting).now_or_never().is_none(), "there is nothing to read");
        let (records, appended) = tokio::join!(waiting, log.append(vec![record(&commands(0), round.to_string())]));
        appended.unwrap();
        assert_eq!(values(&records.unwrap()), [round.to_string()]);
    }
}

/// A reader that starts beyond the end gets exactly its offset first.
pub async fn a_reader_beyond_the_end_waits_for_its_offset(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let mut reader = log.reader(&commands(0), Offset(3)).await.unwrap();
    for number in 0..3 {
        log.append(vec![record(&commands(0), number.to_string())]).await.unwrap();
        assert!(reader.next(1000).now_or_never().is_none(), "its offset is not there yet");
    }
    log.append(vec![record(&commands(0), "3"), record(&commands(0), "4")]).await.unwrap();
    assert_eq!(values(&read_on(reader.as_mut(), 2).await), ["3", "4"]);
}

/// Readers that come at different moments, while others write, all see the same, in order.
pub async fn many_readers_see_the_same(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let readers: Vec<_> = (0..6)
        .map(|number| {
            let log = log.clone();
            tokio::spawn(async move {
                let from = number * 40;
                while log.bounds(&events(3)).await.unwrap().end.0 < from {
                    tokio::task::yield_now().await;
                }
                (from, values(&read(&log, &events(3), from, 300 - from as usize).await))
            })
        })
        .collect();
    for number in 0..100 {
        let batch = (0..3).map(|index| record(&events(3), format!("{number}-{index}"))).collect();
        log.append(batch).await.unwrap();
    }
    let all = values(&read(&log, &events(3), 0, 300).await);
    for seen in join_all(readers).await {
        let (from, seen) = seen.unwrap();
        assert_eq!(seen, all[from as usize..]);
    }
}

/// A read that was dropped at any moment has taken nothing from the reader.
pub async fn a_dropped_read_has_read_nothing(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let writing = log.clone();
    let writer = tokio::spawn(async move {
        for number in 0..200 {
            writing.append(vec![record(&inbox(2), number.to_string())]).await.unwrap();
        }
    });
    let mut reader = log.reader(&inbox(2), Offset(0)).await.unwrap();
    let mut records = Vec::new();
    while records.len() < 200 {
        if let Some(read) = reader.next(20).now_or_never() {
            records.extend(read.unwrap());
        }
        let cancelled = tokio::select! {
            biased;
            () = tokio::task::yield_now() => None,
            read = reader.next(20) => Some(read),
        };
        if let Some(read) = cancelled {
            records.extend(read.unwrap());
        }
    }
    writer.await.unwrap();
    assert_dense(&records, 0);
    assert_eq!(values(&records), (0..200).map(|number| number.to_string()).collect::<Vec<_>>());
}

/// A read returns no more than its bytes allow, and one record where the first alone is larger.
pub async fn a_read_keeps_to_its_bytes(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::Long).await;
    let sizes = [10, 500, 20, 20, 20, 2000, 5, 5, 5, 5, 100];
    for size in sizes {
        subject.log().append(vec![record(&commands(0), "x".repeat(size))]).await.unwrap();
    }
    for _ in 0..2 {
        let log = subject.log();
        for bytes_max in [0, 1, 30, 100, 600, 10_000] {
            let mut reader = log.reader(&commands(0), Offset(0)).await.unwrap();
            let mut records = Vec::new();
            while records.len() < sizes.len() {
                let read = reader.next(bytes_max).await.unwrap();
                let bytes: usize = read.iter().map(crate::Record::bytes).sum();
                assert!(read.len() == 1 || (!read.is_empty() && bytes <= bytes_max), "{bytes} of {bytes_max}");
                records.extend(read);
            }
            assert_dense(&records, 0);
        }
        drop(log);
        if !subject.reopen().await {
            break;
        }
    }
}

/// Records of the largest size come back.
pub async fn a_large_record_comes_back(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::Long).await;
    let value = |fill: u8| Bytes::from(vec![fill; RECORD_BYTES_MAX - 3]);
    let append = |fill| Append { value: value(fill), ..record(&commands(0), "") };
    let batch = vec![append(1), record(&commands(0), "small"), append(2), append(3)];
    subject.log().append(batch).await.unwrap();
    for _ in 0..2 {
        let records = read(&subject.log(), &commands(0), 0, 4).await;
        assert!(records[0].value == value(1) && records[2].value == value(2) && records[3].value == value(3));
        assert_eq!(&records[1].value[..], b"small");
        if !subject.reopen().await {
            break;
        }
    }
}

/// What goes to one partition is in no other.
pub async fn partitions_are_apart(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let places = [
        commands(0),
        commands(3),
        events(0),
        events(3),
        inbox(0),
        inbox(2),
        gateway("gateway-0"),
        gateway("gateway-1"),
    ];
    let batch = places.iter().flat_map(|at| [record(at, at.to_string()), record(at, at.to_string())]).collect();
    log.append(batch).await.unwrap();
    for at in &places {
        assert_eq!(values(&read(&log, at, 0, 2).await), [at.to_string(), at.to_string()]);
        assert_eq!(log.bounds(at).await.unwrap(), Bounds { start: Offset(0), end: Offset(2) });
    }
    assert_eq!(log.bounds(&commands(1)).await.unwrap(), Bounds::default());
}

/// A reader can be there before the first record.
pub async fn a_gateway_topic_is_there_before_it_is_used(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    assert_eq!(log.bounds(&gateway("gateway-3")).await.unwrap(), Bounds::default());
    let mut reader = log.reader(&gateway("gateway-3"), Offset(0)).await.unwrap();
    assert!(reader.next(1).now_or_never().is_none());
    log.append(vec![record(&gateway("gateway-3"), "born")]).await.unwrap();
    assert_eq!(values(&reader.next(100).await.unwrap()), ["born"]);
}

/// Bounds name the records that are there.
pub async fn bounds_follow_the_records(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    for end in 1..10 {
        log.append(vec![record(&events(1), "e")]).await.unwrap();
        assert_eq!(log.bounds(&events(1)).await.unwrap(), Bounds { start: Offset(0), end: Offset(end) });
    }
    let none = log.bounds(&events(4)).await;
    assert!(matches!(none, Err(Error::NoSuchPartition(at)) if at == events(4)));
}
