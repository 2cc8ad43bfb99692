//! What is refused appends nothing.

use bytes::Bytes;
use chasqui_domain::{Offset, Partition};
use futures::FutureExt;

use super::{Factory, PARTITIONS, Retention, commands, events, gateway, inbox, read, record, values};
use crate::{Append, Bounds, Error, RECORD_BYTES_MAX, Topic, TopicPartition};

/// One record that is too large refuses its whole batch.
pub async fn too_large_appends_nothing(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let large = Append { value: Bytes::from(vec![0; RECORD_BYTES_MAX]), ..record(&commands(0), "") };
    let refused = log.append(vec![record(&commands(0), "before"), large, record(&commands(0), "after")]).await;
    assert!(matches!(refused, Err(Error::TooLarge { bytes }) if bytes == RECORD_BYTES_MAX + 3));
    assert_eq!(log.bounds(&commands(0)).await.unwrap(), Bounds::default());
    log.append(vec![record(&commands(0), "next")]).await.unwrap();
    assert_eq!(values(&read(&log, &commands(0), 0, 1).await), ["next"]);
}

fn nowhere() -> Vec<TopicPartition> {
    let (chats, users) = (PARTITIONS.chats.get(), PARTITIONS.users.get());
    let Topic::Gateway(id) = gateway("gateway-2").topic else { unreachable!("it is a gateway's") };
    vec![
        commands(chats),
        events(chats),
        inbox(users),
        Topic::Presence.partition(Partition(users)),
        Topic::Heartbeats.partition(Partition(1)),
        Topic::Revocations.partition(Partition(1)),
        Topic::Gateway(id).partition(Partition(1)),
    ]
}

/// One record for a partition that doesn't exist refuses its whole batch.
pub async fn no_such_partition_appends_nothing(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    for at in nowhere() {
        let refused = log.append(vec![record(&events(0), "before"), record(&at, "nowhere")]).await;
        assert!(matches!(refused, Err(Error::NoSuchPartition(named)) if named == at));
    }
    assert_eq!(log.bounds(&events(0)).await.unwrap(), Bounds::default());
    log.append(vec![record(&events(0), "next")]).await.unwrap();
    assert_eq!(values(&read(&log, &events(0), 0, 1).await), ["next"]);
}

/// Every call that names a partition says when there is none.
pub async fn no_such_partition_everywhere(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    for at in nowhere() {
        assert!(matches!(log.reader(&at, Offset(0)).await, Err(Error::NoSuchPartition(_))));
        assert!(matches!(log.bounds(&at).await, Err(Error::NoSuchPartition(_))));
        assert!(matches!(log.release(&at, Offset(0)).await, Err(Error::NoSuchPartition(_))));
    }
}

/// An `enqueue` that was dropped before it resolved has appended nothing.
pub async fn a_dropped_enqueue_appends_nothing(factory: &dyn Factory) {
    let subject = factory.create(Retention::Long).await;
    let log = subject.log();
    let mut pending = Vec::new();
    // Large enough together to fill a queue, so that some of them have to wait and are dropped while they do.
    for number in 0..60 {
        let large = Append { value: Bytes::from(vec![number as u8; 512 * 1024]), ..record(&commands(0), "") };
        if let Some(enqueued) = log.enqueue(vec![large]).now_or_never() {
            pending.push(enqueued.unwrap());
        }
    }
    let taken = pending.len() as u64;
    for answer in pending {
        answer.await.unwrap();
    }
    let last = log.append(vec![record(&commands(0), "last")]).await.unwrap();
    assert_eq!(last[0].offset, Offset(taken));
}
