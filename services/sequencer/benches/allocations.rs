//! How often the sequencer allocates for a batch, and how much; with what log and store in memory keep of it.

#![allow(clippy::unwrap_used, reason = "what a bench can't make ends it")]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

mod world;

use allocation_counter::measure;
use tokio::runtime::Builder;

use crate::world::World;

/// Over so many batches what grows now and then is shared out.
const BATCHES: u64 = 100;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    println!("{:32}{:>12}{:>8}", "messages over 50 chats", "allocations", "bytes");
    for messages in [1, 50] {
        let mut world = runtime.block_on(World::new());
        let (mut count, mut bytes) = (0, 0);
        for _ in 0..BATCHES {
            runtime.block_on(world.append(messages));
            let counted = measure(|| _ = runtime.block_on(world.sequence()));
            count += counted.count_total;
            bytes += counted.bytes_total;
        }
        let name = format!("batch of {messages}, each message");
        println!("{name:32}{:>12}{:>8}", count / (BATCHES * messages), bytes / (BATCHES * messages));
    }
}
