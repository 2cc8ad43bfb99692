//! How long the operations of a message take; those of records as apache-avro does them, too.

#![allow(clippy::unwrap_used, reason = "what a bench can't make ends it")]

mod operations;

use std::time::Duration;

use chasqui_wire::reference::by_apache_avro;
use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .without_plots()
        .configure_from_args();
    for operation in operations::all() {
        let run = &operation.run;
        criterion.bench_function(&operation.name, |bencher| bencher.iter(run));
        if operation.is_of_record {
            let name = format!("{}, by apache-avro", operation.name);
            criterion.bench_function(&name, |bencher| by_apache_avro(|| bencher.iter(run)));
        }
    }
    criterion.final_summary();
}
