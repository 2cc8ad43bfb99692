//! What it costs to hand records from role to role through the log, and to make them durable, on a real disk.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by a panic")]

use std::{
    num::NonZeroU32,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use chasqui_disk::RealDisk;
use chasqui_domain::{Offset, Partition};
use chasqui_log::{Append, Log, Partitions, Topic, TopicPartition};
use chasqui_log_embedded::{EmbeddedLog, Options};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

const KEY_BYTES: usize = 24;
const RECORD_BYTES: usize = 250;
const READ_BYTES_MAX: usize = 256 * 1024;

struct Bench {
    log: Arc<EmbeddedLog>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(runtime: &Runtime) -> Self {
        let _inside = runtime.enter();
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let one = NonZeroU32::MIN;
        let options = Options::new(Partitions { chats: one, users: one });
        let path = PathBuf::from(folder.path());
        let log = EmbeddedLog::open(Arc::new(RealDisk), path, options, chasqui_runtime::Runtime::real()).unwrap();
        Self { log, _folder: folder }
    }

    fn at() -> TopicPartition {
        Topic::Commands.partition(Partition(0))
    }

    fn batch(records: u64) -> Vec<Append> {
        let append = |_| Append {
            to: Self::at(),
            key: Bytes::from_static(&[1; KEY_BYTES]),
            value: Bytes::from_static(&[2; RECORD_BYTES - KEY_BYTES]),
            headers: Vec::new(),
        };
        (0..records).map(append).collect()
    }

    /// As one role hands it to the next in one process: nobody waits for the disk.
    async fn hand_on(&self, batches: u64, records: u64) -> Duration {
        let end = self.log.bounds(&Self::at()).await.unwrap().end;
        let mut reader = self.log.reader_ahead(&Self::at(), end).await.unwrap();
        let mut next = end;
        let began = Instant::now();
        for _ in 0..batches {
            self.log.append_ahead(Self::batch(records)).await.unwrap();
            let wanted = Offset(next.0 + records);
            while next < wanted {
                next = reader.next(READ_BYTES_MAX).await.unwrap().last().unwrap().offset.next();
            }
        }
        let took = began.elapsed();
        self.log.settle().await.unwrap();
        took
    }

    async fn make_durable(&self, batches: u64, records: u64) -> Duration {
        let began = Instant::now();
        for _ in 0..batches {
            self.log.append(Self::batch(records)).await.unwrap();
        }
        began.elapsed()
    }
}

fn records(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("records of 250 bytes");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for records in [1, 50] {
        group.throughput(Throughput::Elements(records));
        let bench = Bench::new(&runtime);
        group.bench_function(format!("{records}, appended and read ahead"), |bencher| {
            bencher.iter_custom(|count| runtime.block_on(bench.hand_on(count, records)));
        });
        let bench = Bench::new(&runtime);
        group.bench_function(format!("{records}, appended durably"), |bencher| {
            bencher.iter_custom(|count| runtime.block_on(bench.make_durable(count, records)));
        });
    }
    group.finish();
}

criterion_group!(benches, records);
criterion_main!(benches);
