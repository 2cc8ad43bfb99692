//! Nothing that a user wrote is in any file in the clear, and what is there opens for the right key alone.
//!
//! People write texts, mentions, app data and bytes that carry markers, and call a group so. Then every byte of the data folder is searched
//! for the markers, in all forms in which they could have got there. Things that must be in the clear are searched the
//! same way, and found: so the search works, in every kind of file. What was written must be in the files nevertheless,
//! sealed: a decryptor that shares no code with the server opens it.

#[path = "secrecy/decryptor.rs"]
mod decryptor;
#[path = "secrecy/files.rs"]
mod files;
#[path = "secrecy/opening.rs"]
mod opening;
#[path = "secrecy/search.rs"]
mod search;
#[path = "secrecy/writing.rs"]
mod writing;

use anyhow::ensure;
use chasqui_tests::process::{Server, Setup};

use writing::SETTINGS;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Stopped,
    Killed,
}

async fn writes_and_ends(how: How) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::new(folder.path(), SETTINGS);
    let data = &setup.data;
    let mut server = Server::start(&setup, None)?;
    let written = writing::write(&server.ready().await?).await?;
    match how {
        How::Stopped => server.stop().await?,
        How::Killed => {
            files::until_flushed(data, &written).await?;
            server.kill().await?;
        }
    }
    let stderr = setup.stderr()?;
    ensure!(!stderr.contains("panicked"), "{stderr}");

    let needles = written.markers();
    let found = search::find(stderr.as_bytes(), &needles);
    ensure!(found.is_empty(), "the log lines hold {found:?}");
    for file in files::all(data)? {
        let found = search::find(&file.bytes, &needles);
        ensure!(found.is_empty(), "{} holds {found:?}", file.name);
    }
    files::controls(data, &written)?;
    // Opening the files changes them, so this comes last.
    opening::check(data, &written, how == How::Stopped).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_in_the_clear_after_a_stop() -> anyhow::Result<()> {
    writes_and_ends(How::Stopped).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_in_the_clear_after_a_kill() -> anyhow::Result<()> {
    writes_and_ends(How::Killed).await
}
