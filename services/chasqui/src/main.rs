//! The one binary: the only place where roles meet providers.

use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::Context;
use chasqui::{ban, chat, load, protocol, serve, server::Part, token};
#[cfg(feature = "cluster")]
use chasqui::{schema, schemas, topics};
use chasqui_config::{Loaded, Setting};
use clap::{Parser, Subcommand};

/// Chasqui, an event-sourced messaging platform.
#[derive(Parser)]
#[command(name = "chasqui", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where options come from; the same for every command.
#[derive(clap::Args)]
struct Sources {
    /// Read options from this TOML file (also: the environment variable CHASQUI_CONFIG).
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Set an option, for example `--set listen=0.0.0.0:7600`; may be given more than once.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value, global = true)]
    set: Vec<(String, String)>,
    /// Use built-in keys, to try Chasqui on this machine. Everybody knows them: never use them for real messages.
    #[arg(long)]
    dev: bool,
}

impl Sources {
    fn load(self) -> anyhow::Result<Loaded> {
        let file = self.config.or_else(|| std::env::var_os(chasqui_config::FILE_VARIABLE).map(PathBuf::from));
        let loaded = chasqui_config::load(file.as_deref(), chasqui_config::environment()?, &self.set)?;
        Ok(if self.dev { loaded.dev() } else { loaded })
    }
}

#[derive(Subcommand)]
enum Command {
    /// Serve: all roles in this process, on a log and a store in the data folder.
    #[command(after_help = "\
Examples:
  chasqui serve --dev
  chasqui serve --config chasqui.toml
  CHASQUI_AUTH__SECRET=... CHASQUI_SEAL__MASTER_KEY=... chasqui serve --set listen=0.0.0.0:7600 --set data=/var/lib/chasqui

It stops on SIGTERM, SIGINT and SIGHUP: sessions are told to come back, and everything is flushed. A second signal ends it at
once, which loses nothing that was confirmed. CHASQUI_LOG=debug logs more; see `chasqui config` for all options.")]
    Serve {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: serve::Args,
    },
    /// Take sessions, on Kafka and CQL. Other gateways, sequencers and routers run beside it.
    #[command(after_help = "\
Its id is gateway-0, gateway-1 and so on, below kafka.gateways: its own, and the same after a restart. Topics and tables are
made before, by `chasqui topics apply` and `chasqui schema migrate`.

Examples:
  chasqui gateway --config chasqui.toml --set gateway.id=gateway-1 --set listen=0.0.0.0:7600
  CHASQUI_KAFKA__BOOTSTRAP=kafka-0:9092 CHASQUI_CQL__CONTACT_POINTS=scylla-0:9042 chasqui gateway --dev

It stops on SIGTERM, SIGINT and SIGHUP: sessions are told to come back. A second signal ends it at once.")]
    Gateway {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: serve::Args,
    },
    /// Decide commands, on Kafka and CQL. Several share the partitions.
    #[command(after_help = "\
Needs no secret and no key. Topics and tables are made before, by `chasqui topics apply` and `chasqui schema migrate`.

Examples:
  chasqui sequencer --config chasqui.toml --set listen=0.0.0.0:7611
  CHASQUI_KAFKA__BOOTSTRAP=kafka-0:9092 CHASQUI_CQL__CONTACT_POINTS=scylla-0:9042 chasqui sequencer

It stops on SIGTERM, SIGINT and SIGHUP: others take its partitions over at once. A second signal ends it at once.")]
    Sequencer {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: serve::Args,
    },
    /// Place entries in inboxes and push them to gateways, on Kafka and CQL. Several share the partitions.
    #[command(after_help = "\
Needs no secret and no key. Topics and tables are made before, by `chasqui topics apply` and `chasqui schema migrate`.

Examples:
  chasqui router --config chasqui.toml --set listen=0.0.0.0:7611
  CHASQUI_KAFKA__BOOTSTRAP=kafka-0:9092 CHASQUI_CQL__CONTACT_POINTS=scylla-0:9042 chasqui router

It stops on SIGTERM, SIGINT and SIGHUP: others take its partitions over at once. A second signal ends it at once.")]
    Router {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: serve::Args,
    },
    /// Topics in Kafka.
    #[cfg(feature = "cluster")]
    Topics {
        #[command(flatten)]
        sources: Sources,
        #[command(subcommand)]
        command: topics::Command,
    },
    /// Tables in CQL.
    #[cfg(feature = "cluster")]
    Schema {
        #[command(flatten)]
        sources: Sources,
        #[command(subcommand)]
        command: schema::Command,
    },
    /// Schemas of what is in topics, in a schema registry.
    #[cfg(feature = "cluster")]
    Schemas {
        #[command(flatten)]
        sources: Sources,
        #[command(subcommand)]
        command: schemas::Command,
    },
    /// Print a token for a user, signed with `auth.secret`.
    Token {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: token::Args,
    },
    /// Chat with a user or in a group: in the terminal, or line by line in scripts.
    Chat {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: chat::Args,
    },
    /// Put load on a running server, see that nothing goes wrong, and print what it costs.
    #[command(after_help = load::EXAMPLES)]
    Load {
        #[command(flatten)]
        sources: Sources,
        #[command(subcommand)]
        command: load::Command,
    },
    /// Print a document that clients are written from.
    Protocol(protocol::Args),
    /// Keep a user or one of their devices out.
    Ban {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: ban::BanArgs,
    },
    /// Let a user or a device in again.
    Unban {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: ban::UnbanArgs,
    },
    /// Print who is banned.
    Bans {
        #[command(flatten)]
        sources: Sources,
        #[command(flatten)]
        args: ban::BansArgs,
    },
    /// Print every option, its value and where the value came from; fails when they don't allow a start.
    #[command(after_help = "\
Examples:
  chasqui config --dev
  CHASQUI_LISTEN=0.0.0.0:7600 chasqui config --config chasqui.toml
  chasqui config --for router --config cluster.toml
  chasqui config --dev --json | jq '.[] | select(.origin != \"default\")'")]
    Config {
        #[command(flatten)]
        sources: Sources,
        /// What they are to be enough for.
        #[arg(long = "for", value_enum, default_value = "serve", value_name = "COMMAND")]
        command: Started,
        /// Print a JSON array of objects with `key`, `value` and `origin`.
        #[arg(long)]
        json: bool,
    },
}

/// What options may be for.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Started {
    Serve,
    Gateway,
    Sequencer,
    Router,
}

impl Started {
    fn part(self) -> Part {
        match self {
            Self::Serve => Part::All,
            Self::Gateway => Part::Gateway,
            Self::Sequencer => Part::Sequencer,
            Self::Router => Part::Router,
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| format!("{text:?} is not of the form KEY=VALUE, such as listen=0.0.0.0:7600"))
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // When standard error is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve { sources, args } => serve::run(&args, Part::All, sources.load()?.options),
        Command::Gateway { sources, args } => serve::run(&args, Part::Gateway, sources.load()?.options),
        Command::Sequencer { sources, args } => serve::run(&args, Part::Sequencer, sources.load()?.options),
        Command::Router { sources, args } => serve::run(&args, Part::Router, sources.load()?.options),
        #[cfg(feature = "cluster")]
        Command::Topics { sources, command } => topics::run(&command, &sources.load()?.options),
        #[cfg(feature = "cluster")]
        Command::Schema { sources, command } => schema::run(&command, &sources.load()?.options),
        #[cfg(feature = "cluster")]
        Command::Schemas { sources, command } => schemas::run(&command, &sources.load()?.options),
        Command::Token { sources, args } => token::run(&args, &sources.load()?.options),
        Command::Chat { sources, args } => chat::run(args, &sources.load()?.dev().options),
        Command::Load { sources, command } => load::run(command, &sources.load()?.dev().options),
        Command::Protocol(args) => protocol::run(&args),
        Command::Ban { sources, args } => ban::ban(args, &sources.load()?.options),
        Command::Unban { sources, args } => ban::unban(&args, &sources.load()?.options),
        Command::Bans { sources, args } => ban::bans(&args, &sources.load()?.options),
        Command::Config { sources, command, json } => {
            let loaded = sources.load()?;
            let text = if json { as_json(&loaded)? } else { loaded.to_string() };
            write!(std::io::stdout(), "{text}").context("the output could not be written")?;
            let purpose = command.part().purpose();
            loaded.options.validate_for(purpose).context("the options above don't allow a start")
        }
    }
}

fn as_json(loaded: &Loaded) -> anyhow::Result<String> {
    let setting = |setting: &Setting| serde_json::json!({ "key": setting.key, "value": setting.value, "origin": setting.origin.to_string() });
    let settings: Vec<_> = loaded.sources.iter().map(setting).collect();
    Ok(serde_json::to_string_pretty(&settings)? + "\n")
}
