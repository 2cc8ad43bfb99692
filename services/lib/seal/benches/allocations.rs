//! How often it allocates to seal a body and to open it, and how much.

#![allow(clippy::unwrap_used, reason = "what a bench can't make ends it")]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod operations;

use allocation_counter::measure;

fn main() {
    println!("{:32}{:>12}{:>8}", "operation", "allocations", "bytes");
    for (name, run) in operations::all() {
        run();
        let counted = measure(run);
        println!("{:32}{:>12}{:>8}", name, counted.count_total, counted.bytes_total);
    }
}
