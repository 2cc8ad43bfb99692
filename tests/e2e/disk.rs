//! The whole process on a disk that crashes, with clients that reconnect by themselves.
//!
//! In every round the power goes in the middle of some change of the disk. The server is dropped as it is, and the next
//! one finds what a real disk might have kept. A judge who knows only what clients saw says whether every promise held.
//! The same judge must find fault with a server whose disk doesn't sync: else he would find fault with nothing.

#[path = "disk/tripwire.rs"]
mod tripwire;

use std::sync::Arc;

use anyhow::{Context, ensure};
use chasqui_config::Options;
use chasqui_disk::Disk;
use chasqui_testkit::CrashDisk;
use chasqui_tests::{
    in_process::{InProcess, options},
    witness::{Town, Violation, judge, was_sent},
};
use tokio::{select, sync::watch, try_join};

use tripwire::{Dice, Tripwire};

const ROUNDS: u64 = 10;
/// The most changes of the disk in a round. A start alone makes some dozens.
const CHANGES_MAX: u64 = 600;
/// How many messages a device has on their way at most.
const AHEAD: usize = 4;

const DEVICES: &[(&str, &str)] =
    &[("alice", "phone"), ("alice", "laptop"), ("bob", "phone"), ("carol", "phone"), ("carol", "web"), ("dan", "web")];
const CHATS: &[(&str, &str)] = &[("alice", "bob"), ("alice", "carol"), ("bob", "carol"), ("carol", "dan")];

/// What the crash left can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the server doesn't start after a crash: {0:#}")]
struct NoStart(anyhow::Error);

/// Lives from one crash to the next.
struct Lives<'a> {
    disk: CrashDisk,
    town: &'a Town,
    options: Options,
    dice: Dice,
}

impl Lives<'_> {
    /// A server that serves, or was caught by a crash before; what was sent before must be there.
    async fn begin(&self, mount: Arc<dyn Disk>) -> anyhow::Result<InProcess> {
        let mut server = InProcess::start(mount, self.options.clone()).await?;
        server.ready().await.map_err(NoStart)?;
        self.town.gate.lead_to(Some(server.place().address()));
        Ok(server)
    }

    /// All that clients call sent by now is there. Asked of a server that lives.
    async fn check(&self, server: &InProcess) -> anyhow::Result<()> {
        let sent = self.town.look(|ledger| ledger.outcomes.clone());
        let histories = self.town.histories(server.place()).await?;
        self.town.look(|ledger| was_sent(&sent, ledger, &histories))?;
        Ok(())
    }

    /// The power goes at some change of the disk, and with it the server.
    async fn crash(&mut self) -> anyhow::Result<()> {
        let mount = self.disk.mount();
        let at = 1 + self.dice.below(CHANGES_MAX);
        let (wire, tripped) = Tripwire::new(self.disk.clone(), at, self.dice.next());
        let mut trip = tripped.clone();
        select! {
            trip = trip.wait_for(|tripped| *tripped) => drop(trip.context("a crash")?),
            // Whatever ends a life behind the crash follows from it.
            lived = self.live(wire) => if !*tripped.borrow() { lived? },
        }
        self.town.gate.lead_to(None);
        ensure!(mount.list(&self.options.data).is_err(), "what is left of the server could still reach the disk");
        Ok(())
    }

    async fn live(&self, wire: Tripwire) -> anyhow::Result<()> {
        let _server = {
            let server = self.begin(Arc::new(wire)).await?;
            self.check(&server).await?;
            server
        };
        std::future::pending().await
    }
}

async fn run(seed: u64, rounds: u64, ignore_sync: bool) -> anyhow::Result<()> {
    let town = Town::new(&options(), DEVICES, CHATS).await?;
    let disk = CrashDisk::new();
    disk.ignore_sync(ignore_sync);
    let mut lives = Lives { disk: disk.clone(), town: &town, options: options(), dice: Dice::new(seed) };

    // A device begins with what comes after its first session, so all of them have one before anything is said.
    let server = lives.begin(disk.mount()).await?;
    town.caught_up().await?;
    let (stop, stopped) = watch::channel(false);
    let story = async {
        let reached = town.until("some messages are sent", |ledger| ledger.outcomes.len() > 50).await;
        town.gate.lead_to(None);
        disk.crash(seed);
        drop(server);
        reached?;
        for _ in 0..rounds {
            lives.crash().await?;
        }
        let server = lives.begin(disk.mount()).await?;
        lives.check(&server).await?;
        stop.send_replace(true);
        anyhow::Ok(server)
    };
    let (server, ()) = try_join!(story, town.chatter(AHEAD, &stopped))?;

    town.settled().await?;
    town.all_read().await?;
    let histories = town.histories(server.place()).await?;
    town.look(|ledger| judge(ledger, &histories))?;
    server.stop().await?;
    Ok(())
}

/// How many seeds there are.
fn seeds() -> u64 {
    if std::env::var_os("CHASQUI_SOAK").is_some() { 50 } else { 2 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_survives_every_crash_and_nothing_comes_twice() -> anyhow::Result<()> {
    for seed in 0..seeds() {
        run(seed, ROUNDS, false).await.with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}

/// The log may let go of what it has only when the store has it on its disk. The log is too small for all that is said,
/// and the power goes as soon as it has let go of something.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_has_let_go_of_survives_a_crash() -> anyhow::Result<()> {
    let mut options = options();
    (options.log.partitions_chats, options.log.partitions_users) = (1, 1);
    options.log.segment_bytes = 1 << 20;
    options.log.bytes_max = Some(2 << 20);
    options.store.flush_interval_ms = 200;
    for seed in 0..seeds() {
        let town = Town::new(&options, DEVICES, CHATS).await?;
        let disk = CrashDisk::new();
        let lives = Lives { disk: disk.clone(), town: &town, options: options.clone(), dice: Dice::new(seed) };
        let server = lives.begin(disk.mount()).await?;
        town.caught_up().await?;
        let (stop, stopped) = watch::channel(false);
        let first_segment = options.data.join("log").join(format!("{:020}.segment", 0));
        let story = async {
            town.until("the log lets go of its beginning", |_| disk.open(&first_segment, false).is_err()).await?;
            town.gate.lead_to(None);
            disk.crash(seed);
            drop(server);
            let server = lives.begin(disk.mount()).await?;
            lives.check(&server).await?;
            stop.send_replace(true);
            anyhow::Ok(server)
        };
        let (server, ()) = try_join!(story, town.chatter(AHEAD, &stopped))?;
        town.settled().await?;
        town.all_read().await?;
        let histories = town.histories(server.place()).await?;
        town.look(|ledger| judge(ledger, &histories))?;
        server.stop().await?;
    }
    Ok(())
}

/// The tests above would notice a server that confirms what is not on the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_catches_a_disk_that_does_not_sync() -> anyhow::Result<()> {
    let (mut caught, mut refused) = (0, 0);
    for seed in 0..12 {
        let Err(error) = run(seed, 0, true).await else { continue };
        // Some of what a crash leaves then is no log or store at all, and the server says so: not the judge's work.
        if error.is::<NoStart>() {
            refused += 1;
        } else {
            ensure!(error.is::<Violation>(), "seed {seed} failed otherwise: {error:#}");
            caught += 1;
        }
    }
    ensure!(caught > 0, "no seed has lost anything that the judge would miss; {refused} servers didn't start");
    Ok(())
}
