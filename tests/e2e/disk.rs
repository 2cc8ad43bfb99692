//! The whole process on a disk that crashes, with clients that reconnect by themselves.
//!
//! In every round the power goes in the middle of some change of the disk. The server is dropped as it is, and the next
//! one finds what a real disk might have kept. An oracle that knows only what devices saw says whether every promise held.
//! The same oracle must find fault with a server whose disk doesn't sync: else it would find fault with nothing.

use std::sync::Arc;

use anyhow::{Context, ensure};
use chasqui_config::Options;
use chasqui_disk::Disk;
use chasqui_oracle::Broken;
use chasqui_testkit::{CountedDisk, CrashDisk};
use chasqui_tests::{
    dice::{self, Dice},
    in_process::{InProcess, options},
    town::Town,
    wait::within,
};
use tokio::{select, sync::watch, try_join};

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

/// A server that serves, and to which the town's gate leads.
async fn start(town: &Town, mount: Arc<dyn Disk>, options: &Options) -> anyhow::Result<InProcess> {
    let mut server = InProcess::start(mount, options.clone()).await?;
    server.ready().await.map_err(NoStart)?;
    town.gate.lead_to(Some(server.address()));
    Ok(server)
}

impl Lives<'_> {
    /// A server that has what was sent before.
    async fn begin(&self, mount: Arc<dyn Disk>) -> anyhow::Result<InProcess> {
        let server = start(self.town, mount, &self.options).await?;
        self.town.check(&server.address().to_string()).await?;
        Ok(server)
    }

    /// The power goes at some change of the disk, and with it the server.
    async fn crash(&mut self) -> anyhow::Result<()> {
        let mount = self.disk.mount();
        let (at, seed) = (self.dice.below(CHANGES_MAX), self.dice.roll());
        let (trip, mut tripped) = watch::channel(false);
        let disk = self.disk.clone();
        let wired = CountedDisk::new(self.disk.mount(), move |change, _| {
            if change == at {
                disk.crash(seed);
                trip.send_replace(true);
            }
        });
        let is_tripped = tripped.clone();
        select! {
            trip = within("the power goes", tripped.wait_for(|tripped| *tripped)) => drop(trip?.context("a crash")?),
            // Whatever ends a life behind the crash follows from it.
            lived = self.live(Arc::new(wired)) => if !*is_tripped.borrow() { lived? },
        }
        self.town.gate.lead_to(None);
        ensure!(mount.list(&self.options.data).is_err(), "what is left of the server could still reach the disk");
        Ok(())
    }

    async fn live(&self, mount: Arc<dyn Disk>) -> anyhow::Result<()> {
        let _server = self.begin(mount).await?;
        std::future::pending().await
    }

    /// People write. The power goes when it is time, and then at some change of each of so many lives; in the end the
    /// oracle judges.
    async fn tell(mut self, server: InProcess, rounds: u64, is_time: impl Fn(&Town) -> bool) -> anyhow::Result<()> {
        let town = self.town;
        let (stop, stopped) = watch::channel(false);
        let story = async {
            let reached = town.until("it is time for a crash", || is_time(town)).await;
            town.gate.lead_to(None);
            self.disk.crash(self.dice.roll());
            drop(server);
            reached?;
            for _ in 0..rounds {
                self.crash().await?;
            }
            let server = self.begin(self.disk.mount()).await?;
            stop.send_replace(true);
            anyhow::Ok(server)
        };
        let (server, ()) = try_join!(story, town.chatter(AHEAD, &stopped))?;
        town.end(&server.address().to_string()).await?;
        server.stop().await
    }
}

async fn run(
    disk: CrashDisk,
    options: Options,
    seed: u64,
    rounds: u64,
    is_time: impl Fn(&Town) -> bool,
) -> anyhow::Result<()> {
    let mut town = Town::new(DEVICES, CHATS).await?;
    // A device begins with what comes after its first session, so all of them have one before anything is said.
    let server = start(&town, disk.mount(), &options).await?;
    town.begin(server.address()).await?;
    let lives = Lives { disk, town: &town, options, dice: Dice::new(seed) };
    lives.tell(server, rounds, is_time).await.map_err(|error| town.explain(error))
}

fn some_is_sent(town: &Town) -> bool {
    town.journals().map(|journal| journal.view(|view| view.accepted)).sum::<u64>() > 50
}

/// How many seeds there are.
fn seeds() -> u64 {
    if dice::is_soak() { 50 } else { 2 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_survives_every_crash_and_nothing_comes_twice() -> anyhow::Result<()> {
    for seed in 0..seeds() {
        run(CrashDisk::new(), options(), seed, ROUNDS, some_is_sent).await.with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}

/// The log may let go of what it has only when the store has it on its disk. The log is too small for all that is said,
/// and the power goes as soon as it has let go of something.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_has_let_go_of_survives_a_crash() -> anyhow::Result<()> {
    let mut options = options();
    (options.log.partitions_chats, options.log.partitions_users) = (Some(1), Some(1));
    options.log.segment_bytes = 1 << 20;
    options.log.bytes_max = Some(2 << 20);
    options.store.flush_interval_ms = 200;
    let first_segment = options.data.join("log").join(format!("{:020}.segment", 0));
    for seed in 0..seeds() {
        let disk = CrashDisk::new();
        let has_let_go = |_: &Town| disk.open(&first_segment, false).is_err();
        run(disk.clone(), options.clone(), seed, 0, has_let_go).await.with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}

/// The tests above would notice a server that confirms what is not on the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oracle_catches_a_disk_that_does_not_sync() -> anyhow::Result<()> {
    let (mut caught, mut refused) = (0, 0);
    for seed in 0..12 {
        let disk = CrashDisk::new();
        disk.ignore_sync(true);
        let Err(error) = run(disk, options(), seed, 0, some_is_sent).await else { continue };
        // Some of what a crash leaves then is no log or store at all, and the server says so: not the oracle's work.
        if error.is::<NoStart>() {
            refused += 1;
        } else {
            ensure!(error.is::<Broken>(), "seed {seed} failed otherwise: {error:#}");
            caught += 1;
        }
    }
    ensure!(caught > 0, "no seed has lost anything that the oracle would miss; {refused} servers didn't start");
    Ok(())
}
