//! How often the operations of a message allocate, and how much; those of records as apache-avro does them, too.

#![allow(clippy::unwrap_used, reason = "what a bench can't make ends it")]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod operations;

use allocation_counter::{AllocationInfo, measure};
use chasqui_wire::reference::by_apache_avro;

fn main() {
    println!("{:32}{:>12}{:>8}{:>20}{:>8}", "operation", "allocations", "bytes", "by apache-avro", "bytes");
    for operation in operations::all() {
        let ours = settled(&operation.run);
        print!("{:32}{:>12}{:>8}", operation.name, ours.count_total, ours.bytes_total);
        if operation.is_of_record {
            let other = by_apache_avro(|| settled(&operation.run));
            print!("{:>20}{:>8}", other.count_total, other.bytes_total);
        }
        println!();
    }
}

/// What it allocates when it is not the first of its kind.
fn settled(run: &dyn Fn()) -> AllocationInfo {
    run();
    measure(run)
}
