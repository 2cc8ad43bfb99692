//! What is removed, what never is, and what is still there after reopening.

use std::sync::Arc;

use chasqui_domain::Offset;

use super::{Factory, Retention, commands, events, gateway, inbox, offsets, read, read_on, record, values};
use crate::{Bounds, Error, Log, TopicPartition};

const RECORDS: u64 = 120;

/// Enough records, in appends of their own, for retention to have something to remove.
async fn fill(log: &Arc<dyn Log>, at: &TopicPartition) {
    for number in 0..RECORDS {
        let value = format!("{number:0>200}");
        log.append(vec![record(at, value)]).await.unwrap();
    }
}

/// Commands and inbox records that were not released are never removed, also when all the rest may go.
pub async fn what_is_not_released_stays(factory: &dyn Factory) {
    for at in [commands(1), inbox(1)] {
        let mut subject = factory.create(Retention::None).await;
        let log = subject.log();
        fill(&log, &at).await;
        fill(&log, &events(0)).await;
        log.release(&events(0), Offset(RECORDS)).await.unwrap();
        subject.expire().await;
        read(&log, &at, 0, RECORDS as usize).await;

        log.release(&at, Offset(70)).await.unwrap();
        // Releasing never goes back.
        log.release(&at, Offset(10)).await.unwrap();
        subject.expire().await;
        let bounds = log.bounds(&at).await.unwrap();
        assert!(bounds.start <= Offset(70) && bounds.end == Offset(RECORDS), "{bounds:?}");
        let records = read(&log, &at, 70, 50).await;
        assert_eq!(values(&records)[0], format!("{:0>200}", 70));
    }
}

/// A reader of what was removed is told so, and goes on from the start.
pub async fn what_is_gone_is_reported(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::None).await;
    let log = subject.log();
    fill(&log, &commands(0)).await;
    let mut reader = log.reader(&commands(0), Offset(0)).await.unwrap();
    log.release(&commands(0), Offset(100)).await.unwrap();
    if !subject.expire().await {
        return;
    }
    let Bounds { start, end } = log.bounds(&commands(0)).await.unwrap();
    assert!(start > Offset(0) && start <= Offset(100) && end == Offset(RECORDS), "{start} {end}");
    let trimmed = reader.next(1000).await;
    assert!(matches!(trimmed, Err(Error::Trimmed { start: named }) if named == start), "{trimmed:?}");
    let records = read_on(reader.as_mut(), (RECORDS - start.0) as usize).await;
    assert_eq!(records[0].offset, start);
}

/// An offset is used once, though all records of its partition are gone.
pub async fn offsets_are_never_used_again(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::None).await;
    fill(&subject.log(), &gateway("gateway-2")).await;
    subject.log().release(&gateway("gateway-2"), Offset(RECORDS)).await.unwrap();
    subject.expire().await;
    subject.reopen().await;
    let appended = subject.log().append(vec![record(&gateway("gateway-2"), "a new life")]).await.unwrap();
    assert_eq!(offsets(&appended), [RECORDS]);
}

/// All that was confirmed is there after closing and opening again, and so is the log id.
pub async fn all_is_there_after_reopening(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::Long).await;
    let id = subject.log().id();
    for round in 1..4u64 {
        fill(&subject.log(), &commands(0)).await;
        fill(&subject.log(), &gateway("gateway-2")).await;
        if !subject.reopen().await {
            return;
        }
        let log = subject.log();
        assert_eq!(log.id(), id);
        for at in [commands(0), gateway("gateway-2")] {
            let count = round * RECORDS;
            let records = read(&log, &at, 0, count as usize).await;
            assert_eq!(values(&records)[(count - 1) as usize], format!("{:0>200}", RECORDS - 1));
            assert_eq!(log.bounds(&at).await.unwrap(), Bounds { start: Offset(0), end: Offset(count) });
        }
    }
}

/// The bounds of a partition survive reopening, also when all its records are gone.
pub async fn the_end_is_kept_when_all_is_gone(factory: &dyn Factory) {
    let mut subject = factory.create(Retention::None).await;
    fill(&subject.log(), &gateway("gateway-2")).await;
    subject.expire().await;
    let before = subject.log().bounds(&gateway("gateway-2")).await.unwrap();
    assert_eq!(before.end, Offset(RECORDS));
    if subject.reopen().await {
        let after = subject.log().bounds(&gateway("gateway-2")).await.unwrap();
        assert_eq!(after.end, before.end);
        assert!(after.start <= after.end);
    }
}
