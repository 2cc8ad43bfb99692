//! How long the sequencer works at a batch.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench fails by a panic")]

mod world;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Builder;

use crate::world::World;

fn batches(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut group = criterion.benchmark_group("messages over 50 chats");
    group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(1));
    for messages in [1, 50] {
        group.throughput(Throughput::Elements(messages));
        group.bench_function(format!("batch of {messages}"), |bencher| {
            // A world for each measure, since log and store in memory keep everything.
            bencher.iter_custom(|count| {
                runtime.block_on(async {
                    let mut world = World::new().await;
                    let mut took = Duration::ZERO;
                    for _ in 0..count {
                        world.append(messages).await;
                        took += world.sequence().await;
                    }
                    took
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, batches);
criterion_main!(benches);
