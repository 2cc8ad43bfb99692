//! `chasqui load`: load on a running server, and what it costs.

mod table;

use std::{
    io::{IsTerminal, Write, stderr, stdout},
    str::FromStr,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, ensure};
use chasqui_config::Options;
use chasqui_domain::UserId;
use chasqui_load::{Chat, Idle, Pace, Progress, Server, Storm};
use serde::Serialize;
use tokio::{runtime::Builder, signal};

use crate::{
    open_files,
    token::{self, WriteTo},
};

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
  chasqui load idle --sessions 5000
  chasqui load storm --sessions 5000
  chasqui load chat --url http://gateway-0:7600 --url http://gateway-1:7600 --process 4711=gateway-0 --process 4712=router";

/// How long tokens are valid: longer than any run.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How often it is said how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

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
    /// Bytes of a text, at least 32.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    text_bytes: usize,
    /// The recipients read what they get, and a message is done when its read receipt is back.
    #[arg(long)]
    read: bool,
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

/// Where to, and what to watch.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// The server, or each of its gateways; the two users of a pair are then at different ones.
    #[arg(long = "url", value_name = "URL", default_value = "http://127.0.0.1:7600")]
    urls: Vec<String>,
    /// A process whose costs are counted, and what to call it; without any, those that listen at the URLs, if they are on
    /// this machine.
    #[arg(long = "process", value_name = "PID[=NAME]", value_parser = Process::from_str)]
    processes: Vec<Process>,
    /// What the names of the users begin with, to find them afterwards: NAME-0-writer, NAME-0-reader and so on, or NAME-0 where
    /// nobody writes. A name is for one run; without any, it is made from the time.
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
}

/// A process of the server, as it is named.
#[derive(Debug, Clone)]
struct Process(Server);

impl FromStr for Process {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pid, name) = text.split_once('=').unwrap_or((text, "server"));
        let pid = pid.parse().map_err(|_| format!("{pid:?} is no process id, such as 4711 or 4711=router"))?;
        Ok(Self(Server { pid, name: name.to_owned() }))
    }
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
        Command::Storm(storm) => storm.run(options),
    }
}

impl Exchange {
    fn run(self, pace: Pace, options: &Options) -> anyhow::Result<()> {
        let Self { target, pairs, text_bytes, read, warm_up, time, patience } = self;
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

impl Target {
    fn options(
        &self,
        options: &Options,
        line: impl Fn(&Progress) -> String + Send + 'static,
    ) -> anyhow::Result<chasqui_load::Options> {
        let sockets = self.urls.iter().map(|url| chasqui_client::rest::socket_url(url)).collect::<Result<_, _>>()?;
        let mut servers: Vec<Server> = self.processes.iter().map(|Process(server)| server.clone()).collect();
        if servers.is_empty() {
            servers.extend(self.urls.iter().filter_map(|url| listening(url)));
            servers.dedup();
        }
        let progress = Arc::new(Progress::default());
        show(progress.clone(), line);
        stop_at_a_signal(progress.clone())?;
        let options = options.clone();
        let token = move |user: &str| {
            let user = UserId::new(user).map_err(|error| error.to_string())?;
            token::mint(&options, &user, TOKEN_LIFE, WriteTo::Everybody).map_err(|error| format!("{error:#}"))
        };
        let run = self.run.clone();
        let run = run.unwrap_or_else(|| format!("load-{:x}", jiff::Timestamp::now().as_millisecond()));
        Ok(chasqui_load::Options { sockets, token: Arc::new(token), servers, run, progress })
    }

    fn print(&self, report: &impl Serialize, table: impl FnOnce() -> String) -> anyhow::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(report)? + "\n" } else { table() };
        stdout().write_all(text.as_bytes()).context("the output could not be written")
    }
}

/// The process of this machine that serves a URL.
fn listening(url: &str) -> Option<Server> {
    let url: axum::http::Uri = url.parse().ok()?;
    let is_here = matches!(url.host()?, "127.0.0.1" | "localhost" | "[::1]");
    let pid = is_here.then(|| chasqui_load::listening(url.port_u16().unwrap_or(80))).flatten()?;
    Some(Server { pid, name: "server".to_owned() })
}

/// Says how far it is, where somebody looks.
fn show(progress: Arc<Progress>, line: impl Fn(&Progress) -> String + Send + 'static) {
    if !stderr().is_terminal() {
        return;
    }
    // Ends with the process.
    thread::spawn(move || {
        loop {
            thread::sleep(PROGRESS_EVERY);
            let _ = write!(stderr(), "\r{}\x1b[K\r", line(&progress));
        }
    });
}

/// The first signal ends the sending, and there is a report all the same; a second one ends the process.
fn stop_at_a_signal(progress: Arc<Progress>) -> anyhow::Result<()> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let listen = move || {
        if runtime.block_on(signal::ctrl_c()).is_ok() {
            progress.stop();
            let _ = writeln!(stderr(), "waiting for what is under way; once more ends at once");
        }
        if runtime.block_on(signal::ctrl_c()).is_ok() {
            std::process::exit(130);
        }
    };
    ensure!(thread::Builder::new().name("signals".to_owned()).spawn(listen).is_ok(), "can't start a thread");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_a_name_if_it_is_given_one() {
        let server = |text: &str| Process::from_str(text).map(|Process(server)| (server.pid, server.name));
        assert_eq!(server("12"), Ok((12, "server".to_owned())));
        assert_eq!(server("12=router"), Ok((12, "router".to_owned())));
        assert!(server("router").is_err());
    }
}
