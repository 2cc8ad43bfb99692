//! What must be in the data folder, and what may go.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use chasqui::server::{Error, Server};
use chasqui_client::Draft;
use chasqui_config::{Options, Secret};
use chasqui_disk::Disk;
use chasqui_domain::UserId;
use chasqui_runtime::Runtime;
use chasqui_testkit::CrashDisk;
use tokio::time::timeout;

use crate::bench::{PATIENCE, after_a_message, client, options, sent_of, serving, update};

/// The first segment of a log.
const FIRST: &str = "00000000000000000000.segment";

/// The files of a folder, with what they hold.
fn files(disk: &dyn Disk, folder: &str) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for name in disk.list(Path::new(folder))? {
        let path = Path::new(folder).join(name);
        let file = disk.open(&path, false)?;
        let mut bytes = vec![0; usize::try_from(file.size()?)?];
        file.read_exact_at(&mut bytes, 0)?;
        files.push((path, bytes));
    }
    Ok(files)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_from_before_the_store_ends_the_server() -> Result<()> {
    let disk = CrashDisk::new();
    serving(disk.mount(), options()).await?.stop().await?;
    let old_log = files(&*disk.mount(), "/data/log")?;
    let server = serving(disk.mount(), options()).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    alice.send(Draft::text(UserId::new("bob")?, "in a log that is lost")).await?;
    update(&mut to_alice, sent_of).await?;
    server.stop().await?;

    let mount = disk.mount();
    for (path, bytes) in old_log {
        let file = mount.open(&path, true)?;
        file.set_len(0)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
    }
    let mut server = Server::start(mount, options(), Runtime::real()).await?;
    let error = timeout(PATIENCE, server.ended()).await.context("it serves, or waits for ever")?;
    ensure!(matches!(error, Error::LogLost { .. }), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_without_work_does_not_hold_the_log_back() -> Result<()> {
    let disk = CrashDisk::new();
    let mut options = options();
    (options.log.segment_bytes, options.log.bytes_max) = (1 << 20, Some(2 << 20));
    options.store.flush_interval_ms = 20;
    let server = serving(disk.mount(), options).await?;
    let (alice, mut to_alice) = client(&server, "alice").await?;
    // One message in each of some chats, so that every partition has something to release, and many in one.
    for peer in 0..16 {
        alice.send(Draft::text(UserId::new(format!("peer-{peer}"))?, "once")).await?;
        update(&mut to_alice, sent_of).await?;
    }
    for _ in 0..80 {
        alice.send(Draft::text(UserId::new("bob")?, "x".repeat(32 * 1024))).await?;
        update(&mut to_alice, sent_of).await?;
    }
    let first_is_gone = async {
        while disk.mount().list(Path::new("/data/log")).is_ok_and(|names| names.iter().any(|name| name == FIRST)) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, first_is_gone).await.context("the first segment is kept")?;
    server.stop().await?;
    Ok(())
}

/// A server has been at work on the disk.
async fn used() -> Result<CrashDisk> {
    let disk = CrashDisk::new();
    let (server, ..) = after_a_message(&disk).await?;
    server.stop().await?;
    Ok(disk)
}

/// Why a server ends that is started here.
async fn refusal(disk: &CrashDisk, options: Options) -> Result<Error> {
    let mut server = Server::start(disk.mount(), options, Runtime::real()).await?;
    timeout(PATIENCE, server.ended()).await.context("it serves, or waits for ever")
}

fn remove_all(disk: &dyn Disk, folder: &str) -> Result<()> {
    for (path, _) in files(disk, folder)? {
        disk.remove(&path)?;
    }
    disk.sync_folder(Path::new(folder))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_lost_is_not_begun_anew() -> Result<()> {
    let disk = used().await?;
    remove_all(&*disk.mount(), "/data/store")?;
    let error = refusal(&disk, options()).await?;
    ensure!(matches!(error, Error::StoreLost { .. }), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_is_not_begun_anew() -> Result<()> {
    let disk = used().await?;
    remove_all(&*disk.mount(), "/data/log")?;
    let error = refusal(&disk, options()).await?;
    ensure!(matches!(error, Error::OtherLog { .. }), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_is_noticed_at_the_start() -> Result<()> {
    let disk = used().await?;
    let mut options = options();
    options.seal.master_key = Some(Secret::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    let error = refusal(&disk, options).await?;
    ensure!(matches!(error, Error::OtherMasterKey), "{error}");
    Ok(())
}
