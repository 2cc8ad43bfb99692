//! What the commands share that make what roles work on: topics, tables, schemas.

use std::io::Write;

use anyhow::Context;
use serde_json::Value;

/// What each of them is told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Say what would be done, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print a JSON object a line.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// What stands before the word for what is done.
    pub(crate) fn would(&self) -> &'static str {
        if self.dry_run { "would be " } else { "" }
    }

    /// Prints a line, as text or as an object.
    pub(crate) fn tell(&self, line: impl FnOnce() -> String, object: impl FnOnce() -> Value) -> anyhow::Result<()> {
        let text = if self.json { object().to_string() } else { line() };
        writeln!(std::io::stdout(), "{text}").context("the output could not be written")
    }
}

/// The first thing that went wrong with telling. What was done is done, whether or not anybody could be told.
#[derive(Debug, Default)]
pub(crate) struct Told(Option<anyhow::Error>);

impl Told {
    pub(crate) fn note(&mut self, told: anyhow::Result<()>) {
        if let Err(error) = told {
            self.0.get_or_insert(error);
        }
    }

    pub(crate) fn result(self) -> anyhow::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Does what a command is for.
pub(crate) fn wait(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(work)
}
