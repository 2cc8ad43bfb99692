//! Decides the recorded commands of a data folder from nothing, in a process of its own, and prints what they give:
//! what the chats are, and where rows, events or inboxes are not the same bytes.
//!
//! It needs a folder that no server is at work in, and whose log was never trimmed.

mod commands;
mod differences;
mod files;
mod shown;

use std::{env, io::Write, path::PathBuf};

use anyhow::Context;
use chasqui_tests::folded::Folded;

use commands::Fold;
use files::Files;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let data = env::args_os().nth(1).map(PathBuf::from).context("name the data folder")?;
    let files = Files::open(&data)?;
    let fold = Fold::of(&files).await?;
    let folded = Folded {
        chats: shown::chats(&files, &fold).await?,
        differences: differences::all(&files, &fold).await?,
        commands: fold.commands,
    };
    std::io::stdout().write_all(&serde_json::to_vec(&folded)?)?;
    files.close().await
}
