//! How long it takes to seal a body and to open it.

#![allow(clippy::unwrap_used, reason = "what a bench can't make ends it")]

mod operations;

use std::time::Duration;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .without_plots()
        .configure_from_args();
    for (name, run) in operations::all() {
        criterion.bench_function(name, |bencher| bencher.iter(&run));
    }
    criterion.final_summary();
}
