//! `chasqui-ceilings`: what the servers of a cluster do for a client that does nothing else, through the clients that the roles
//! have. The measurements in tests/load hold the roles' figures beside these.

mod inserts;
mod ping;
mod times;

use std::{
    io::{Write, stdout},
    time::Duration,
};

use clap::{Parser, Subcommand};
use serde_json::Value;

/// Asks Kafka or CQL for one thing, again and again, and prints what came of it as a JSON object.
#[derive(Parser)]
#[command(
    after_help = "Examples:\n  chasqui-ceilings ping --bootstrap 127.0.0.1:9092\n  chasqui-ceilings inserts --contact-points 127.0.0.1:9042 \
                  --keyspace chasqui --concurrency 64"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One record at a time is appended to a topic, until it is confirmed and was read back: the least that a step from role to
    /// role can take. Makes topics of its own.
    Ping {
        /// Some of the brokers, as host:port,host:port.
        #[arg(long)]
        bootstrap: String,
        /// Bytes of a record.
        #[arg(long, default_value_t = 250)]
        bytes: usize,
        /// How long it is done.
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        seconds: u64,
    },
    /// Rows are inserted into the table of events, prepared, as large as those that are there. They are of chats of their own.
    Inserts {
        /// Some of the nodes, as host:port,host:port.
        #[arg(long)]
        contact_points: String,
        /// Which keyspace; its tables must be made.
        #[arg(long)]
        keyspace: String,
        /// How many statements are under way at a time.
        #[arg(long, default_value_t = 1)]
        concurrency: usize,
        /// How long it is done.
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        seconds: u64,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let found: Value = match Arguments::parse().command {
        Command::Ping { bootstrap, bytes, seconds } => {
            ping::run(&bootstrap, bytes, Duration::from_secs(seconds)).await?
        }
        Command::Inserts { contact_points, keyspace, concurrency, seconds } => {
            inserts::run(&contact_points, &keyspace, concurrency, Duration::from_secs(seconds)).await?
        }
    };
    writeln!(stdout(), "{found:#}")?;
    Ok(())
}
