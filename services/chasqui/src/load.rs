//! `chasqui load`: load on a running server, and what it costs.

mod group;
mod table;
mod target;

use std::time::Duration;

use anyhow::ensure;
use chasqui_config::Options;
use chasqui_load::{Chat, Idle, Pace, Storm};

use crate::open_files;
pub use group::OfGroup;
pub use target::Target;

/// What the help shows.
pub const EXAMPLES: &str = "\
The sessions run on this machine, over the public protocol, with users of their own; tokens are signed with auth.secret, or with
the built-in one. All the time it is checked that every message comes once, in order and as it was written, and that every
receipt is true: when something was wrong, or didn't come in time, the command fails behind its report.

The server's limits per user are lower than what a load asks for. Start it without them:

  chasqui serve --dev --set limits.sends_per_second=0 --set limits.frames_per_second=0 --set limits.logins_per_second=0

A storm is about the rate of log-ins, so keep that one, and its writers open very many chats:

  chasqui serve --dev --set limits.sends_per_second=0 --set limits.frames_per_second=0 --set limits.chats_opened_per_hour=0

Examples:
  chasqui load chat
  chasqui load chat --pairs 200 --window 16 --read
  chasqui load rate --per-second 1000 --json
  chasqui load group --members 100 --window 4
  chasqui load group --members 1024 --online none
  chasqui load group --groups 20 --members 50 --online 10 --per-second 100 --receipts read
  chasqui load idle --sessions 5000
  chasqui load storm --sessions 5000
  chasqui load chat --url http://gateway-0:7600 --url http://gateway-1:7600 --process 4711=gateway-0 --process 4712=router
  chasqui load group --url http://gateway-0:7600 --metrics http://sequencer-0:7611 --metrics http://router-0:7612";

/// What load.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Pairs of users exchange messages as fast as they can: each pair sends the next when one is done.
    Chat {
        /// What both exchanges are told.
        #[command(flatten)]
        exchange: Exchange,
        /// Messages that each pair has under way.
        #[arg(long, value_name = "MESSAGES", default_value_t = 1)]
        window: usize,
    },
    /// Pairs of users exchange messages at a fixed rate, however long they take. Times count from when a message should have
    /// been sent.
    Rate {
        /// What both exchanges are told.
        #[command(flatten)]
        exchange: Exchange,
        /// Messages in a second, over all pairs.
        #[arg(long, value_name = "MESSAGES")]
        per_second: f64,
    },
    /// Groups, in each of which one writes to all: what comes to each member, and what a message costs the more of them there
    /// are.
    Group(OfGroup),
    /// Sessions that do nothing: the server's memory and its processor time for a log-in.
    Idle {
        /// Where to, and what to watch.
        #[command(flatten)]
        target: Target,
        /// How many.
        #[arg(long, default_value_t = 1_000)]
        sessions: usize,
        /// How many log in at a time.
        #[arg(long, default_value_t = 64)]
        at_once: usize,
        /// How long they stay before memory is read.
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
        settle: Duration,
        /// How long it is then watched what they cost; a minute shows all that idle sessions do.
        #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
        watch: Duration,
    },
    /// Sessions that all lose their connections at once, miss messages, and come back at once, each as often as the server
    /// says and when it says: how long it takes until all have what they missed, and whether others notice.
    Storm(OfStorm),
}

/// What a storm is told.
#[derive(Debug, clap::Args)]
pub struct OfStorm {
    #[command(flatten)]
    target: Target,
    /// How many lose their connections.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// Users who stay connected and write to the others, each to its share.
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Messages that each session gets before it loses its connection, and as many that it misses.
    #[arg(long, default_value_t = 3)]
    messages: u64,
    /// Messages a second, over all writers, that go on while the others come back, and for a while before.
    #[arg(long, value_name = "MESSAGES", default_value_t = 50.0)]
    per_second: f64,
    /// Bytes of a text, at least 32.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    text_bytes: usize,
    /// How many log in at a time at the beginning. They come back all at once.
    #[arg(long, default_value_t = 64)]
    at_once: usize,
    /// How long it is calm before the storm, and how long behind it until memory is read.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    calm: Duration,
    /// How long it is waited for all who come back, and as long for what is under way then.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    patience: Duration,
}

/// What both exchanges are told.
#[derive(Debug, clap::Args)]
pub struct Exchange {
    #[command(flatten)]
    target: Target,
    /// How many pairs; one of each writes, the other receives.
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    /// The recipients read what they get, and a message is done when its read receipt is back.
    #[arg(long)]
    read: bool,
    #[command(flatten)]
    span: Span,
}

/// What is written, and for how long.
#[derive(Debug, clap::Args)]
pub struct Span {
    /// Bytes of a text, at least 32.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    text_bytes: usize,
    /// How long before anything counts.
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = humantime::parse_duration)]
    warm_up: Duration,
    /// How long it counts.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    time: Duration,
    /// How long it is waited at the end for what is under way.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    patience: Duration,
}

/// Puts load on a server and prints what came of it.
///
/// # Errors
/// When the server can't be used, or something was wrong with what came from it.
pub fn run(command: Command, options: &Options) -> anyhow::Result<()> {
    open_files::raise_limit();
    match command {
        Command::Chat { exchange, window } => exchange.run(Pace::Window(window), options),
        Command::Rate { exchange, per_second } => exchange.run(Pace::PerSecond(per_second), options),
        Command::Idle { target, sessions, at_once, settle, watch } => {
            let asked =
                target.options(options, move |progress| format!("{} of {sessions} sessions", progress.sessions()))?;
            let report = chasqui_load::idle(&asked, &Idle { sessions, at_once, settle, watch })?;
            target.print(&report, || table::of_idle(&report))
        }
        Command::Group(group) => group.run(options),
        Command::Storm(storm) => storm.run(options),
    }
}

impl Exchange {
    fn run(self, pace: Pace, options: &Options) -> anyhow::Result<()> {
        let Self { target, pairs, read, span: Span { text_bytes, warm_up, time, patience } } = self;
        let asked = target.options(options, |progress| format!("{} messages", progress.done()))?;
        let chat = Chat { pairs, pace, text_bytes, reads: read, warm_up, time, patience };
        let report = chasqui_load::chat(&asked, &chat)?;
        target.print(&report, || table::of_chat(&report))?;
        judge(report.faults.any())
    }
}

impl OfStorm {
    fn run(self, options: &Options) -> anyhow::Result<()> {
        let Self { target, sessions, writers, messages, per_second, text_bytes, at_once, calm, patience } = self;
        let asked = target.options(options, |progress| format!("{} log-ins", progress.sessions()))?;
        let storm = Storm { sessions, writers, messages, per_second, text_bytes, at_once, calm, patience };
        let report = chasqui_load::storm(&asked, &storm)?;
        target.print(&report, || table::of_storm(&report))?;
        judge(report.faults.any())
    }
}

fn judge(is_wrong: bool) -> anyhow::Result<()> {
    ensure!(!is_wrong, "something was wrong with what came from the server: see the report");
    Ok(())
}
