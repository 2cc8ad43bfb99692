//! Sessions over restarts and over weeks: nobody misses anything, or they are told that they did.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use chasqui_client::{Client, Draft, Options, Update, Updates};
use chasqui_config::DEV_ADMIN_TOKEN;
use chasqui_disk::Disk;
use chasqui_domain::{DeviceId, LogId, Offset, TimeMs, UserId};
use chasqui_runtime::Runtime;
use chasqui_store::Store;
use chasqui_store_embedded::EmbeddedStore;
use chasqui_testkit::{Calendar, CrashDisk};
use chasqui_tests::{
    in_process::{InProcess, options},
    process,
    rest::Rest,
    town::Town,
    wait::within,
    witness::{Witness, ask},
};
use chasqui_wire::{
    cursor,
    frames::{Message, NotResumed},
};
use tokio::{sync::watch, try_join};

const DEVICES: &[(&str, &str)] =
    &[("alice", "phone"), ("alice", "laptop"), ("bob", "phone"), ("carol", "phone"), ("carol", "web"), ("dan", "web")];
const CHATS: &[(&str, &str)] = &[("alice", "bob"), ("alice", "carol"), ("bob", "carol"), ("carol", "dan")];
const RESTARTS: usize = 3;
/// How many messages a device has on their way at most.
const AHEAD: usize = 4;
/// Until when clients that are sent away are to be back.
const RECONNECT_MS: u64 = 1_000;
/// How often the server is asked how far it is.
const PACE: Duration = Duration::from_millis(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_town_comes_back_over_restarts_without_a_gap_and_each_at_a_time_of_its_own() -> anyhow::Result<()> {
    let (disk, mut options) = (CrashDisk::new(), options());
    options.gateway.reconnect_ms = RECONNECT_MS;
    let mut town = Town::new(DEVICES, CHATS).await?;
    let mut server = InProcess::start(disk.mount(), options.clone()).await?;
    server.ready().await?;
    town.begin(server.address()).await?;
    let (stop, stopped) = watch::channel(false);
    let restarts = async {
        for restart in 1..=RESTARTS {
            let accepted = accepted(&town);
            town.until("messages are on their way", || self::accepted(&town) > accepted + 10).await?;
            server.stop().await?;
            let all_told = || town.journals().all(|journal| journal.view(|view| view.waits.len() >= restart));
            town.until("everybody was told when to come back", all_told).await?;
            server = InProcess::start(disk.mount(), options.clone()).await?;
            server.ready().await?;
            town.gate.lead_to(Some(server.address()));
            town.until("everybody is back", || town.journals().all(|journal| journal.view(|view| view.is_caught_up)))
                .await?;
        }
        stop.send_replace(true);
        anyhow::Ok(server)
    };
    let told = try_join!(restarts, town.chatter(AHEAD, &stopped));
    let (server, ()) = told.map_err(|error| town.explain(error))?;
    let waits: Vec<u64> = town.journals().flat_map(|journal| journal.view(|view| view.waits.clone())).collect();
    let different: BTreeSet<u64> = waits.iter().copied().collect();
    // By chance 18 of a thousand are 9 different ones or less once in 10^14.
    ensure!(different.len() > DEVICES.len() * RESTARTS / 2, "they come back together: {waits:?}");
    ensure!(waits.iter().all(|wait| *wait < RECONNECT_MS), "they come back too late: {waits:?}");
    town.end(&server.address().to_string()).await.map_err(|error| town.explain(error))?;
    server.stop().await
}

fn accepted(town: &Town) -> u64 {
    town.journals().map(|journal| journal.view(|view| view.accepted)).sum()
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const START: TimeMs = TimeMs(20_000 * DAY_MS + DAY_MS / 2);

/// A server on a disk, on a day.
struct Days {
    disk: CrashDisk,
    calendar: Calendar,
    server: Option<InProcess>,
    witness: Witness,
}

impl Days {
    /// Goes on so many days after the start.
    async fn begin(&mut self, days: u64) -> anyhow::Result<()> {
        self.stop().await?;
        self.calendar.turn_to(TimeMs(START.0 + days * DAY_MS));
        let mut options = options();
        options.store.flush_interval_ms = 20;
        let runtime = Runtime::new(self.calendar.clone());
        let mut server = InProcess::start_on(runtime, self.disk.mount(), options).await?;
        server.ready().await?;
        self.server = Some(server);
        Ok(())
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    fn address(&self) -> anyhow::Result<String> {
        Ok(self.server.as_ref().context("a server")?.address().to_string())
    }

    async fn client(&self, user: &str, state: &Path) -> anyhow::Result<(Client, Updates)> {
        let (device, state) = (Some(DeviceId::new("phone")?), Some(state.join(user)));
        let options = Options { device, state, ..self.witness.options(&self.address()?, process::token(user)?) };
        Ok(Client::connect(options).await?)
    }

    /// Waits until the store was flushed so often. Rows are let go between the first time and the second.
    async fn flushed(&self, times: u64) -> anyhow::Result<()> {
        let url = format!("http://{}/metrics", self.address()?);
        within("the store is flushed", async {
            loop {
                let (_, body) = ask(reqwest::Client::new().get(&url).bearer_auth(DEV_ADMIN_TOKEN)).await?;
                let series = "chasqui_store_flush_duration_seconds_count ";
                let line = str::from_utf8(&body)?.lines().find_map(|line| line.strip_prefix(series));
                if line.context("the flushes are counted")?.parse::<u64>()? >= times {
                    return Ok(());
                }
                tokio::time::sleep(PACE).await;
            }
        })
        .await?
    }

    /// How many rows there are of a user's inbox.
    async fn rows(&mut self, user: &UserId, log: LogId) -> anyhow::Result<usize> {
        self.stop().await?;
        let mount: Arc<dyn Disk> = self.disk.mount();
        let store =
            EmbeddedStore::open(mount, options().data.join("store"), chasqui_store_embedded::Options::default())?;
        let rows = store.inbox(user, log, Offset(0)..Offset(u64::MAX >> 1), 100).await?;
        store.close().await?;
        Ok(rows.len())
    }
}

async fn next<T>(updates: &mut Updates, pick: impl Fn(Update) -> Option<T>) -> anyhow::Result<T> {
    within("an update", async {
        while let Some(update) = updates.next().await {
            if let Some(picked) = pick(update) {
                return Ok(picked);
            }
        }
        anyhow::bail!("the client has ended")
    })
    .await?
}

fn why(update: Update) -> Option<Option<NotResumed>> {
    if let Update::Connected { not_resumed, .. } = update { Some(not_resumed) } else { None }
}

fn text(update: Update) -> Option<Message> {
    if let Update::Message(message) = update { Some(*message) } else { None }
}

fn is_sent(update: Update) -> Option<()> {
    matches!(update, Update::Sent { .. }).then_some(())
}

/// Alice says something.
async fn say(days: &Days, state: &Path, text: &str) -> anyhow::Result<()> {
    let (alice, mut updates) = days.client("alice", state).await?;
    alice.send(Draft::text(UserId::new("bob")?, text)).await?;
    next(&mut updates, is_sent).await?;
    updates.done();
    alice.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_for_longer_than_entries_are_kept_is_told_and_finds_all_in_the_history() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (state, bob) = (folder.path(), UserId::new("bob")?);
    let (disk, calendar) = (CrashDisk::new(), Calendar::at(START));
    let mut days = Days { disk, calendar, server: None, witness: Witness::default() };
    days.begin(0).await?;
    let (client, mut updates) = days.client("bob", state).await?;
    assert_eq!(next(&mut updates, why).await?, Some(NotResumed::NoCursor));
    next(&mut updates, |update| (update == Update::CaughtUp).then_some(())).await?;
    say(&days, state, "one").await?;
    let first = next(&mut updates, text).await?;
    let log = cursor::decode(&bob, first.cursor.as_deref().context("a cursor")?)?.position.log;
    updates.done();
    client.close().await;
    say(&days, state, "two").await?;

    // To the day for which entries are kept, nothing is missed.
    days.begin(30).await?;
    let (client, mut updates) = days.client("bob", state).await?;
    assert_eq!(next(&mut updates, why).await?, None);
    assert_eq!(next(&mut updates, text).await?.text.as_deref(), Some("two"));
    next(&mut updates, |update| (update == Update::CaughtUp).then_some(())).await?;
    updates.done();
    client.close().await;
    say(&days, state, "three").await?;

    // When they have gone, they have really gone.
    days.begin(61).await?;
    days.flushed(2).await?;
    ensure!(days.rows(&bob, log).await? == 0, "the rows of old days are still there");
    days.begin(61).await?;
    let (client, mut updates) = days.client("bob", state).await?;
    assert_eq!(next(&mut updates, why).await?, Some(NotResumed::TooOld));
    next(&mut updates, |update| (update == Update::CaughtUp).then_some(())).await?;
    say(&days, state, "four").await?;
    assert_eq!(next(&mut updates, text).await?.text.as_deref(), Some("four"), "it goes on at the present");
    let served = Rest::new(&days.address()?, "bob", &process::token("bob")?).everything().await?;
    let history: Vec<&str> = served.chats.iter().flat_map(|chat| &chat.messages).map(|it| it.text.as_str()).collect();
    assert_eq!(history, ["one", "two", "three", "four"]);
    drop(client);
    days.stop().await?;
    days.witness.is_content()
}
