//! One of three brokers and nodes dies, which senders hardly notice. Or Kafka, or the store, is away as a whole for a
//! while: senders see that their messages are late, readiness says what is missing, memory stays bounded, and when it is
//! back everything goes on by itself.

#![allow(clippy::print_stderr, reason = "what it measures is for people")]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use chasqui_oracle::{Evidence, Served, judge};
use chasqui_tests::{
    device::{Device, Ending},
    folder::Folder,
    infra::{Kind, Own},
    journal::Journal,
    missing::missing,
    process::{self, Role, Server},
    rest::{Refused, Rest},
    servers::{OF_EACH, Place, Servers},
    wait::{Pulse, within},
};
use reqwest::StatusCode;
use serde_json::Value;

/// How many messages each of the two writes meanwhile.
const MESSAGES: u64 = 40;

/// How much more memory a process may have taken by the end: its queues are bounded by far less.
const GROWTH_BYTES_MAX: u64 = 96 * 1024 * 1024;

/// How often readiness is asked for.
const ASK_EVERY: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_delays_messages_and_loses_none() -> anyhow::Result<()> {
    outage(Kind::Kafka, "Kafka").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_delays_messages_and_loses_none() -> anyhow::Result<()> {
    outage(Kind::Cassandra, "the CQL store").await
}

/// With three of each and replicas on all, one that dies is hardly noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_three_brokers_and_nodes_may_die() -> anyhow::Result<()> {
    let folder = Folder::new("three")?;
    let kept = format!("the files are kept in {}", folder.path().display());
    let own = Own::none();
    let options = own.three_of_each()?;
    let mut servers = Servers::new(Place::Cluster, folder.path(), &options)?;
    let addresses = servers.start(None).await?;
    let mut pair = Pair::begin(&folder, &addresses).await?;
    let ran = lose_one_of_three(&own, &mut servers, &mut pair).await.context(kept);
    let stopped = servers.stop_complaining().await;
    ran?;
    stopped?;
    drop(own);
    folder.remove()
}

async fn lose_one_of_three(own: &Own, servers: &mut Servers, pair: &mut Pair) -> anyhow::Result<()> {
    pair.say(0..4).await?;
    pair.settled().await?;
    for (number, kind) in (1..).zip([Kind::Kafka, Kind::Cassandra]) {
        own.kill(kind)?;
        let killed = Instant::now();
        pair.say(number * MESSAGES..(number + 1) * MESSAGES).await?;
        pair.settled().await?;
        eprintln!("one of three dead: {kind:?}, {MESSAGES} messages each way in {} ms", killed.elapsed().as_millis());
    }
    // The others ask a dead node for a while before they take it for dead.
    all_ready(servers).await?;
    pair.end().await
}

async fn outage(kind: Kind, name: &str) -> anyhow::Result<()> {
    let folder = Folder::new("outage")?;
    let kept = format!("the files are kept in {}", folder.path().display());
    let own = Own::none();
    own.start(kind)?;
    let option = match kind {
        Kind::Kafka => format!("kafka.bootstrap={}", own.address(kind)?),
        Kind::Cassandra => format!("cql.contact_points={}", own.address(kind)?),
    };
    let mut servers = Servers::new(Place::Cluster, folder.path(), &[option])?;
    let addresses = servers.start(None).await?;
    let mut pair = Pair::begin(&folder, &addresses).await?;
    let ran = run(kind, name, &own, &mut servers, &mut pair).await.context(kept);
    // They have complained, and must.
    let stopped = servers.stop_complaining().await;
    ran?;
    stopped?;
    drop(own);
    folder.remove()
}

async fn run(kind: Kind, name: &str, own: &Own, servers: &mut Servers, pair: &mut Pair) -> anyhow::Result<()> {
    pair.say(0..4).await?;
    pair.settled().await?;
    let memory = all(servers, Server::memory_bytes)?;

    own.kill(kind)?;
    let (killed, accepted) = (Instant::now(), pair.accepted());
    pair.say(4..4 + MESSAGES).await?;
    pair.until("a message is late", |pair| pair.journals.iter().any(|(_, it)| it.view(|view| view.delays > 0))).await?;
    for role in [Role::Gateway, Role::Sequencer, Role::Router] {
        for number in 0..OF_EACH {
            within("readiness says so", ready(servers, role, number, Some(name))).await??;
        }
    }
    ensure!(pair.accepted() == accepted, "messages were accepted without {name}");

    own.start(kind)?;
    let back = Instant::now();
    pair.until("a message is accepted again", |pair| pair.accepted() > accepted).await?;
    let (pause, recovery) = (killed.elapsed(), back.elapsed());
    pair.settled().await?;
    all_ready(servers).await?;
    let grown =
        memory.into_iter().zip(all(servers, Server::memory_bytes)?).map(|(before, now)| now.saturating_sub(before));
    let grown = grown.max().unwrap_or_default();
    eprintln!(
        "{name} away: {} ms between two messages, {} ms of them after it was back, {grown} bytes more",
        pause.as_millis(),
        recovery.as_millis()
    );
    ensure!(grown < GROWTH_BYTES_MAX, "a process has {grown} bytes more");
    pair.end().await
}

async fn all_ready(servers: &mut Servers) -> anyhow::Result<()> {
    for role in [Role::Gateway, Role::Sequencer, Role::Router] {
        for number in 0..OF_EACH {
            within("all are ready again", ready(servers, role, number, None)).await??;
        }
    }
    Ok(())
}

fn all<T>(servers: &mut Servers, of: impl Fn(&Server) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    let roles = [Role::Gateway, Role::Sequencer, Role::Router];
    let each = roles.into_iter().flat_map(|role| (0..OF_EACH).map(move |number| (role, number)));
    each.map(|(role, number)| of(servers.one(role, number)?)).collect()
}

/// Waits until a process is ready, or is not for want of something.
async fn ready(servers: &mut Servers, role: Role, number: usize, without: Option<&str>) -> anyhow::Result<()> {
    let url = format!("http://{}/ready", servers.one(role, number)?.ready().await?);
    loop {
        let answer: Value = reqwest::get(&url).await?.json().await?;
        let is_so = match without {
            None => answer["ready"] == true,
            Some(what) => answer["ready"] == false && answer["waiting"].to_string().contains(what),
        };
        if is_so {
            return Ok(());
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// What a user is served, who comes again when told to.
async fn served_to(user: &str, address: &str) -> anyhow::Result<Served> {
    let token = process::token(user)?;
    loop {
        let answer = Rest::new(address, user, &token).everything().await;
        let comes_again = answer.as_ref().err().and_then(|error| error.downcast_ref::<Refused>());
        if comes_again.is_none_or(|refused| refused.status != StatusCode::SERVICE_UNAVAILABLE) {
            return answer;
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Two who write to each other, at two gateways.
struct Pair {
    devices: Vec<Device>,
    journals: Vec<(String, Arc<Journal>)>,
    addresses: Vec<SocketAddr>,
    pulse: Pulse,
}

impl Pair {
    async fn begin(folder: &Folder, addresses: &[SocketAddr]) -> anyhow::Result<Self> {
        let pulse = Pulse::default();
        let (mut devices, mut journals) = (Vec::new(), Vec::new());
        for (user, address) in ["ana", "ben"].into_iter().zip(addresses) {
            let state = folder.path().join(format!("{user}.json"));
            let (address, token) = (address.to_string(), process::token(user)?);
            let mut device = Device::new(user, "phone", &address, token, state, pulse.clone())?;
            device.begin().await?;
            journals.push((user.to_owned(), device.journal().clone()));
            devices.push(device);
        }
        Ok(Self { devices, journals, addresses: addresses.to_vec(), pulse })
    }

    async fn say(&self, numbers: std::ops::Range<u64>) -> anyhow::Result<()> {
        let [ana, ben] = &self.devices[..] else { anyhow::bail!("two devices") };
        for number in numbers {
            ana.send("ben", format!("{number} from ana")).await?;
            ben.send("ana", format!("{number} from ben")).await?;
        }
        Ok(())
    }

    fn accepted(&self) -> u64 {
        self.journals.iter().map(|(_, journal)| journal.view(|view| view.accepted)).sum()
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) -> anyhow::Result<()> {
        let missing = || if is_so(self) { Vec::new() } else { vec![what.to_owned()] };
        self.pulse.until_nothing_is_missing(missing).await
    }

    async fn settled(&self) -> anyhow::Result<()> {
        self.pulse.until_nothing_is_missing(|| missing(&self.journals)).await
    }

    async fn end(&mut self) -> anyhow::Result<()> {
        let mut served = Vec::new();
        for (user, address) in ["ana", "ben"].into_iter().zip(&self.addresses) {
            served.push(within("all is served", served_to(user, &address.to_string())).await??);
        }
        for device in &mut self.devices {
            device.end(Ending::Close).await?;
        }
        let transcripts = self.journals.iter().map(|(_, journal)| journal.transcript()).collect();
        Ok(judge(&Evidence { transcripts, served, ..Evidence::default() })?)
    }
}
