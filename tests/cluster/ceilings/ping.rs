//! One record at a time, through Kafka and back.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use anyhow::ensure;
use bytes::Bytes;
use chasqui_cluster_tests::infra::unused_name;
use chasqui_domain::{LogId, Offset, Partition};
use chasqui_log::{Append, Log, Partitions, Topic};
use chasqui_log_kafka::{KafkaLog, Options, topics};
use chasqui_runtime::Runtime;
use serde_json::{Value, json};

use crate::times::Times;

/// What doesn't count yet: connections are made, and Java compiles.
const WARM_UP: Duration = Duration::from_secs(2);

/// More than a record.
const READ_BYTES_MAX: usize = 1024 * 1024;

const SPEC: topics::Spec = topics::Spec {
    partitions: Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN },
    replication: 1,
    min_insync_replicas: 1,
    retention: Duration::from_secs(3600),
    gateways: 1,
};

/// Does it for a while.
pub(crate) async fn run(bootstrap: &str, bytes: usize, time: Duration) -> anyhow::Result<Value> {
    let mut options = Options::new(bootstrap);
    options.prefix = unused_name("ping");
    let plan = topics::plan(&options, &SPEC, LogId(Runtime::real().random())).await?;
    topics::apply(&options, &SPEC, &plan, |_| {}).await?;
    let log = KafkaLog::open(options, Runtime::real()).await?;
    let at = Topic::Commands.partition(Partition(0));
    let mut reader = log.reader(&at, Offset(0)).await?;
    let record = Append { to: at, key: Bytes::new(), value: vec![b'x'; bytes].into(), headers: Vec::new() };

    let (mut confirmed, mut back) = (Times::default(), Times::default());
    let begin = Instant::now() + WARM_UP;
    while Instant::now() < begin + time {
        let since = Instant::now();
        let append = async { log.append_one(record.clone()).await.map(|appended| (appended.offset, since.elapsed())) };
        let ((offset, answered), records) = tokio::try_join!(append, reader.next(READ_BYTES_MAX))?;
        let took = since.elapsed();
        ensure!(records.len() == 1 && records[0].offset == offset, "somebody else writes there");
        if since >= begin {
            confirmed.note(answered);
            back.note(took);
        }
    }
    Ok(json!({ "record_bytes": bytes, "confirmed_after": confirmed.summary(), "ping": back.summary() }))
}
