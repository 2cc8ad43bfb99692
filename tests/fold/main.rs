//! Decides recorded commands from nothing, in a process of its own, and prints what they give: what the chats are, and
//! where rows, events or inboxes are not the same bytes. Its arguments are the options of the servers, as `KEY=VALUE`;
//! passwords and TLS are not among those that it heeds.
//!
//! No server may be at work, and the log must never have been trimmed.

mod commands;
mod differences;
mod recorded;
mod shown;

use std::{env, io::Write};

use anyhow::Context;
use chasqui_tests::folded::Folded;

use commands::Fold;
use recorded::Recorded;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let split = |option: String| {
        let (key, value) = option.split_once('=').with_context(|| format!("write KEY=VALUE, not {option}"))?;
        Ok((key.to_owned(), value.to_owned()))
    };
    let flags = env::args().skip(1).map(split).collect::<anyhow::Result<Vec<_>>>()?;
    let recorded = Recorded::open(&chasqui_config::load(None, [], &flags)?.options).await?;
    let fold = Fold::of(&recorded).await?;
    let folded = Folded {
        chats: shown::chats(&recorded, &fold).await?,
        differences: differences::all(&recorded, &fold).await?,
        commands: fold.commands,
    };
    std::io::stdout().write_all(&serde_json::to_vec(&folded)?)?;
    recorded.close().await
}
