//! How long it takes to decide a command, to apply what was decided, and to fold a chat.

#![allow(clippy::unwrap_used, reason = "what a bench can't make ends it")]

mod operations;

use std::time::Duration;

use criterion::{BatchSize, Criterion};

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .without_plots()
        .configure_from_args();
    for operation in operations::all() {
        criterion.bench_function(operation.name, |bencher| {
            bencher.iter_batched_ref(|| operation.before.clone(), &operation.run, BatchSize::SmallInput);
        });
    }
    criterion.final_summary();
}
