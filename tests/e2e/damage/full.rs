//! Disks that are full. Nothing is called sent that is not kept, and the same process goes on once there is room.

use anyhow::{Context, ensure};
use chasqui_testkit::CrashDisk;
use chasqui_tests::{
    in_process::{InProcess, options},
    journal::View,
    process::{Server, Setup},
    rest::probe,
    town::Town,
    wait::within,
};
use reqwest::StatusCode;
use tokio::{sync::watch, task::yield_now, try_join};

const CHATS: &[(&str, &str)] = &[("alice", "bob"), ("bob", "carol"), ("alice", "carol")];
const DEVICES: &[(&str, &str)] = &[("alice", "phone"), ("bob", "phone"), ("bob", "web"), ("carol", "phone")];
/// How many messages a device has on their way at most.
const AHEAD: usize = 8;

/// What `/ready` answers, once it is this status.
async fn ready(server: &str, wanted: StatusCode) -> anyhow::Result<String> {
    let ready = async {
        loop {
            let (status, text) = probe(server, "/ready").await?;
            if status == wanted {
                break anyhow::Ok(text);
            }
            yield_now().await;
        }
    };
    within(&format!("/ready gives {wanted}"), ready).await?
}

/// People write until there is no room in a folder, and go on; then there is.
async fn fills_up(
    town: &Town,
    server: &str,
    folder: &str,
    make_room: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let story = async {
        let why = ready(server, StatusCode::SERVICE_UNAVAILABLE).await?;
        ensure!(why.contains(&format!("the disk is full: make room for the {folder}")), "{why}");
        ensure!(probe(server, "/health").await?.0 == StatusCode::OK, "it is not even healthy");
        town.until("clients are told", || {
            let is_connected = town.journals().any(|journal| journal.view(|view| view.is_connected));
            let is_told = |view: &View| view.delays > 0 || view.retries.contains("disk_full");
            !is_connected || town.journals().any(|journal| journal.view(is_told))
        })
        .await?;
        make_room()?;
        ready(server, StatusCode::OK).await?;
        // What is under way must still come to its end. To judge while they go on writing would take ever longer.
        stop.send_replace(true);
        anyhow::Ok(())
    };
    try_join!(story, town.chatter(AHEAD, &stopped))?;
    town.end(server).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_files_may_not_grow_waits_and_goes_on() -> anyhow::Result<()> {
    // The database grows in steps, and is full at the end of one. Heartbeats are in the log alone, so with enough of them
    // it is the first that is full, a little above a step.
    for (full, blocks, heartbeats) in [("store", 2_048, "heartbeat_ms=2000"), ("log", 4_600, "heartbeat_ms=2")] {
        let folder = tempfile::tempdir()?;
        // As fast as it fills.
        let options = ["limits.sends_per_second=0", heartbeats];
        let setup = Setup { file_blocks_max: Some(blocks), ..Setup::new(folder.path(), &options) };
        let mut server = Server::start(&setup, None)?;
        let address = server.ready().await?;
        let mut town = Town::new(DEVICES, CHATS).await?;
        town.begin(address.parse()?).await?;
        let filled = fills_up(&town, &address, full, || server.lift_limit()).await;
        filled.map_err(|error| town.explain(error)).with_context(|| format!("full: {full}"))?;
        server.stop_complaining().await?;
        let stderr = setup.stderr()?;
        ensure!(!stderr.contains("panicked"), "{stderr}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_waits_and_goes_on() -> anyhow::Result<()> {
    for room in [16, 64, 256] {
        let disk = CrashDisk::new();
        let mut server = InProcess::start(disk.mount(), options()).await?;
        server.ready().await?;
        let mut town = Town::new(DEVICES, CHATS).await?;
        town.begin(server.address()).await?;
        disk.set_room(disk.used_bytes() + room * 1024);
        let make_room = || {
            disk.set_room(u64::MAX);
            Ok(())
        };
        let filled = fills_up(&town, &server.address().to_string(), "", make_room).await;
        filled.map_err(|error| town.explain(error)).with_context(|| format!("{room} KiB of room"))?;
        server.stop().await?;
    }
    Ok(())
}
