//! Disks that are full. Nothing is called sent that is not kept, and the same process goes on once there is room.

use anyhow::{Context, ensure};
use chasqui_testkit::CrashDisk;
use chasqui_tests::{
    binary::Binary,
    in_process::{InProcess, options},
    witness::{PATIENCE, Place, Town, judge, was_sent},
};
use reqwest::StatusCode;
use tokio::{sync::watch, task::yield_now, time::timeout, try_join};

const CHATS: &[(&str, &str)] = &[("alice", "bob"), ("bob", "carol"), ("alice", "carol")];
const DEVICES: &[(&str, &str)] = &[("alice", "phone"), ("bob", "phone"), ("bob", "web"), ("carol", "phone")];
/// How many messages a device has on their way at most.
const AHEAD: usize = 8;

/// What `/ready` answers, once it is this status.
async fn ready(place: &Place, wanted: StatusCode) -> anyhow::Result<String> {
    let ready = async {
        loop {
            let (status, text) = place.probe("/ready").await?;
            if status == wanted {
                break anyhow::Ok(text);
            }
            yield_now().await;
        }
    };
    timeout(PATIENCE, ready).await.with_context(|| format!("/ready never gives {wanted}"))?
}

/// People write until there is no room in a folder, and go on; then there is.
async fn fills_up(
    town: &Town,
    place: &Place,
    folder: &str,
    make_room: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (stop, stopped) = watch::channel(false);
    let story = async {
        let why = ready(place, StatusCode::SERVICE_UNAVAILABLE).await?;
        let place_named = why.split("the disk is full: make room in ").nth(1).unwrap_or_default();
        ensure!(place_named.split(',').next().is_some_and(|named| named.ends_with(folder)), "{why}");
        ensure!(place.probe("/health").await?.0 == StatusCode::OK, "it is not even healthy");
        town.until("clients are told", |ledger| {
            let is_cut = ledger.views.values().all(|view| !view.is_connected);
            is_cut || ledger.delays > 0 || ledger.retries.contains("disk_full")
        })
        .await?;
        make_room()?;
        ready(place, StatusCode::OK).await?;
        let sent = town.look(|ledger| ledger.outcomes.clone());
        let histories = town.histories(place).await?;
        town.look(|ledger| was_sent(&sent, ledger, &histories))?;
        stop.send_replace(true);
        anyhow::Ok(())
    };
    try_join!(story, town.chatter(AHEAD, &stopped))?;
    town.settled().await?;
    town.all_read().await?;
    let histories = town.histories(place).await?;
    town.look(|ledger| judge(ledger, &histories))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_files_may_not_grow_waits_and_goes_on() -> anyhow::Result<()> {
    // The database grows in steps, the log as it is written: which of them is first depends on where the limit is.
    for (full, blocks) in [("/store", 2_048), ("/log", 4_600)] {
        let folder = tempfile::tempdir()?;
        let mut binary = Binary::serve_limited(&folder.path().join("data"), &[], blocks)?;
        let place = binary.ready().await?;
        let town = Town::new(&options(), DEVICES, CHATS).await?;
        town.gate.lead_to(Some(place.address()));
        town.caught_up().await?;
        fills_up(&town, &place, full, || binary.lift_limit()).await.with_context(|| format!("full: {full}"))?;
        let ended = binary.stop().await?;
        ensure!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_room_waits_and_goes_on() -> anyhow::Result<()> {
    for room in [16, 64, 256] {
        let disk = CrashDisk::new();
        let mut server = InProcess::start(disk.mount(), options()).await?;
        server.ready().await?;
        let place = server.place().clone();
        let town = Town::new(&options(), DEVICES, CHATS).await?;
        town.gate.lead_to(Some(place.address()));
        town.caught_up().await?;
        disk.set_room(disk.used_bytes() + room * 1024);
        let make_room = || {
            disk.set_room(u64::MAX);
            Ok(())
        };
        fills_up(&town, &place, "", make_room).await.with_context(|| format!("{room} KiB of room"))?;
        server.stop().await?;
    }
    Ok(())
}
