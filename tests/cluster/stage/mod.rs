//! One process of each role, and more where a test wants them, each with a way to the store of its own on which its
//! statements are counted; and two people who talk.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    num::NonZeroU32,
    time::Duration,
};

use anyhow::{Context, ensure};
use chasqui_cluster_tests::{cut::Way, infra, keyspace::Keyspace};
use chasqui_domain::{LogId, Offset, Partition};
use chasqui_log::{Log, Partitions, Topic};
use chasqui_log_kafka::{KafkaLog, Options, topics};
use chasqui_runtime::Runtime;
use chasqui_store::{LogPartition, Store};
use chasqui_store_cql::CqlStore;
use chasqui_tests::{
    process::{Role, Server, Setup},
    town::Town,
    wait::within,
};

const PARTITIONS: Partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN };

/// So long a former owner doesn't learn that it is one.
const LEARNS_AFTER: Duration = Duration::from_secs(8);

/// The batches of the first message: that it is sent, and that it is there.
pub(crate) const BATCHES_BEFORE: u32 = 2;

/// How often it is looked whether something is so.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The tables that a sequencer writes.
const TABLES: &[&str] = &["events", "members", "snapshots", "chats_of", "offsets"];

/// A cell of `checkpoints` begins with the number of its save, which every term counts anew.
const SAVE_BYTES: usize = 8;

/// A row of `checkpoints`.
#[derive(Debug)]
pub(crate) struct CheckpointRow {
    pub(crate) term: i64,
    /// How far the router has come, and its state.
    pub(crate) value: Vec<u8>,
}

pub(crate) struct Stage {
    keyspace: Keyspace,
    kafka: Options,
    log: std::sync::Arc<KafkaLog>,
    pub(crate) store: std::sync::Arc<CqlStore>,
    folder: tempfile::TempDir,
    servers: Vec<(Server, Way)>,
    town: Option<Town>,
}

impl Stage {
    /// Topics and tables, and no process yet.
    pub(crate) async fn set() -> Self {
        let keyspace = Keyspace::empty().await;
        let mut kafka = Options::new(infra::kafka_bootstrap());
        kafka.prefix = infra::unused_name("stage");
        let spec = topics::Spec {
            partitions: PARTITIONS,
            replication: 1,
            min_insync_replicas: 1,
            retention: Duration::from_secs(3600),
            gateways: 1,
        };
        let plan = topics::plan(&kafka, &spec, LogId(Runtime::real().random())).await.unwrap();
        topics::apply(&kafka, &spec, &plan, |_| {}).await.unwrap();
        let log = KafkaLog::open(kafka.clone(), Runtime::real()).await.unwrap();
        let store = keyspace.open().await;
        let folder = tempfile::tempdir().unwrap();
        Self { keyspace, kafka, log, store, folder, servers: Vec::new(), town: None }
    }

    /// Starts a process, which may stand still at a failpoint; gives its number.
    pub(crate) fn start(&mut self, role: Role, stop_at: Option<&str>) -> anyhow::Result<usize> {
        let way = futures::executor::block_on(Way::open());
        let mut setup = Setup::new(self.folder.path(), &[]);
        (setup.role, setup.stop_at) = (role, stop_at.map(str::to_owned));
        // Who wakes late may learn at once what it has lost, and then it would do nothing late.
        let asleep = LEARNS_AFTER.as_millis();
        // It commits what it does late, before it sees that there is more. Nor does it go on behind the batch with which it stood still: what it writes then makes good what it wrote late.
        setup.failpoints = stop_at.map(|_| {
            let commit = "sequencer::commits_each=return;router::saves_each=return";
            format!(
                "{commit};cluster::lost=sleep({asleep});sequencer::after_commit={BATCHES_BEFORE}*off->sleep({asleep})"
            )
        });
        setup.log = self.folder.path().join(format!("{}-{}.log", role.command(), self.servers.len()));
        setup.options = vec![
            format!("kafka.bootstrap={}", self.kafka.bootstrap),
            format!("kafka.prefix={}", self.kafka.prefix),
            format!("cql.contact_points={}", way.address()),
            format!("cql.keyspace={}", self.keyspace.name()),
        ];
        self.servers.push((Server::start(&setup, None)?, way));
        Ok(self.servers.len() - 1)
    }

    pub(crate) async fn ready(&mut self, numbers: &[usize]) -> anyhow::Result<()> {
        for &number in numbers {
            self.servers[number].0.ready().await?;
        }
        Ok(())
    }

    pub(crate) fn server(&self, number: usize) -> &Server {
        &self.servers[number].0
    }

    /// Starts a gateway, and two people at it; gives its number.
    pub(crate) async fn open_town(&mut self) -> anyhow::Result<usize> {
        let number = self.start(Role::Gateway, None)?;
        let address: SocketAddr = self.servers[number].0.ready().await?.parse()?;
        let mut town = Town::new(&[("alice", "phone"), ("bob", "phone")], &[("alice", "bob")]).await?;
        town.begin(address).await?;
        self.town = Some(town);
        Ok(number)
    }

    /// From now on they find another gateway where the one was.
    pub(crate) async fn move_town(&mut self, to: usize) -> anyhow::Result<()> {
        let address: SocketAddr = self.servers[to].0.ready().await?.parse()?;
        self.town.as_ref().context("a town")?.gate.lead_to(Some(address));
        Ok(())
    }

    /// One of them writes, whatever comes of it.
    pub(crate) async fn write(&self, text: &str) -> anyhow::Result<()> {
        let town = self.town.as_ref().context("a town")?;
        town.devices[0].send("bob", text.to_owned()).await
    }

    /// Waits until both have everything, and all of it is done.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        self.town.as_ref().context("a town")?.settled().await?;
        self.quiet().await
    }

    /// Both write, and have what the other wrote.
    pub(crate) async fn talk(&self, text: &str) -> anyhow::Result<()> {
        self.town.as_ref().context("a town")?.say(text).await
    }

    /// Waits until all that there is was decided and placed, as the store has it.
    pub(crate) async fn quiet(&self) -> anyhow::Result<()> {
        let of = LogPartition { log: self.log.id(), partition: Partition(0) };
        let end = async |topic: Topic| self.log.bounds(&topic.partition(Partition(0))).await.unwrap().end;
        let all_done = async {
            loop {
                let decided = self.store.committed(of).await.unwrap();
                let placed = self.store.checkpoint(of).await.unwrap().map_or(Offset(0), |it| it.inbox);
                if decided == Some(end(Topic::Commands).await) && placed == end(Topic::Inbox).await {
                    return;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        within("all is decided and placed", all_done).await
    }

    /// How often the store has answered each statement of a process.
    pub(crate) fn statements(&self, number: usize) -> BTreeMap<String, u64> {
        self.servers[number].1.by_statement()
    }

    /// Waits until the store has answered all of these of a process again since.
    pub(crate) async fn until_statements(
        &self,
        number: usize,
        since: &BTreeMap<String, u64>,
        wanted: &[&str],
    ) -> anyhow::Result<()> {
        let all_answered = async {
            let count = |of: &BTreeMap<String, u64>, name: &str| of.get(name).copied().unwrap_or_default();
            while !wanted.iter().all(|name| count(&self.statements(number), name) > count(since, name)) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        within("the late statements are answered", all_answered).await
    }

    /// All rows of the tables that a sequencer writes, as text.
    pub(crate) async fn dump(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut all = BTreeMap::new();
        for table in TABLES {
            all.insert((*table).to_owned(), self.rows("*", table).await);
        }
        all
    }

    /// All rows of checkpoints, of whatever term.
    pub(crate) async fn checkpoints(&self) -> Vec<CheckpointRow> {
        let cql = format!("SELECT term, cell FROM {}.checkpoints", self.keyspace.name());
        let answer = self.keyspace.session().query_unpaged(cql, ()).await.unwrap().into_rows_result().unwrap();
        let row = |(term, cell): (i64, Vec<u8>)| CheckpointRow { term, value: cell[SAVE_BYTES..].to_vec() };
        answer.rows().unwrap().map(|columns| row(columns.unwrap())).collect()
    }

    async fn rows(&self, columns: &str, table: &str) -> BTreeSet<String> {
        let cql = format!("SELECT JSON {columns} FROM {}.{table}", self.keyspace.name());
        let answer = self.keyspace.session().query_unpaged(cql, ()).await.unwrap().into_rows_result().unwrap();
        answer.rows::<(String,)>().unwrap().map(|row| row.unwrap().0).collect()
    }

    /// Waits until a gateway has ended because another has its id.
    pub(crate) async fn superseded(&mut self, number: usize) -> anyhow::Result<()> {
        let (server, _) = &mut self.servers[number];
        server.refused().await?;
        let said = server.complaints().expect_err("it says why").to_string();
        ensure!(said.contains("has taken over this gateway's id"), "{said}");
        self.servers.remove(number);
        Ok(())
    }

    /// All is served as promised, and everybody goes.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        let mut servers = self.servers;
        let mut address = String::new();
        for (server, _) in &mut servers {
            // Only gateways serve users; the others say 404.
            let at = server.ready().await?;
            if reqwest::get(format!("http://{at}/docs")).await?.status().is_success()
                && reqwest::get(format!("http://{at}/v1/chats")).await?.status() == 401
            {
                address = at;
            }
        }
        let town = self.town.context("a town")?;
        town.end(&address).await.map_err(|error| town.explain(error))?;
        for (mut server, _) in servers {
            server.stop_complaining().await?;
        }
        Ok(())
    }
}
