//! Data folders that can't be used, or are in use.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::ensure;
use chasqui_tests::{
    process::{Server, Setup},
    rest::probe,
};

use crate::base::SETTINGS;

/// Ends by itself, with a message that names the folder.
async fn is_refused(data: &Path, says: &str) -> anyhow::Result<()> {
    let log = tempfile::tempdir()?;
    let setup = Setup { data: data.to_owned(), ..Setup::new(log.path(), SETTINGS) };
    let mut server = Server::start(&setup, None)?;
    ensure!(server.ready_or_over().await?.is_none(), "{} is served", data.display());
    server.refused().await?;
    let stderr = setup.stderr()?;
    let last = stderr.lines().last().unwrap_or_default();
    ensure!(!stderr.contains("panicked"), "{stderr}");
    let is_clear = last.contains(&data.display().to_string()) && last.contains(says);
    ensure!(is_clear, "this doesn't name {} and say {says:?}: {last}", data.display());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_the_place_of_a_folder_is_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::write(&data, "a file")?;
    is_refused(&data, "--set data=").await?;
    ensure!(fs::read(&data)? == b"a file");

    for name in ["log", "store"] {
        let data = folder.path().join(format!("data-with-{name}"));
        fs::create_dir(&data)?;
        fs::write(data.join(name), "a file")?;
        is_refused(&data, name).await?;
    }
    Ok(())
}

/// To root every folder is open, so there is another way below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_written_is_refused() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o500))?;
    if fs::write(data.join("try"), "").is_err() {
        is_refused(&data, "--set data=").await?;
    }
    // Nobody makes folders among processes.
    is_refused(Path::new("/proc/chasqui-data"), "--set data=").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_a_folder_is_refused_and_does_no_harm() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let setup = Setup::new(folder.path(), SETTINGS);
    let mut first = Server::start(&setup, None)?;
    let address = first.ready().await?;
    is_refused(&setup.data, "another Chasqui").await?;
    let (status, text) = probe(&address, "/ready").await?;
    ensure!(status.is_success(), "{status}: {text}");
    first.stop().await?;
    // The first one gives it free, also when it ends without saying so.
    let mut next = Server::start(&setup, None)?;
    next.ready().await?;
    next.kill().await?;
    let mut last = Server::start(&setup, None)?;
    last.ready().await?;
    last.stop().await
}
