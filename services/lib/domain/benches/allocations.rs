//! How often it allocates to decide a command, to apply what was decided, and to fold a chat, and how much.

#![allow(clippy::unwrap_used, reason = "what a bench can't make ends it")]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod operations;

use allocation_counter::measure;

fn main() {
    println!("{:32}{:>12}{:>8}", "operation", "allocations", "bytes");
    for operation in operations::all() {
        let mut chat = operation.before.clone();
        let counted = measure(|| (operation.run)(&mut chat));
        println!("{:32}{:>12}{:>8}", operation.name, counted.count_total, counted.bytes_total);
    }
}
