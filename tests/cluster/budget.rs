//! What one lone message costs, from being sent to being read: records in the topics and statements to the store. The
//! table in ARCHITECTURE.md explains each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program: helpers fail the test by panicking")]

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use chasqui_cluster_tests::{cut::Way, infra, keyspace::Keyspace};
use chasqui_domain::{LogId, Offset, Partition, UserId, partition::of_user};
use chasqui_log::{Log, Partitions, Topic, TopicPartition};
use chasqui_log_kafka::{KafkaLog, Options, topics};
use chasqui_runtime::Runtime;
use chasqui_store::{LogPartition, Store};
use chasqui_store_cql::CqlStore;
use chasqui_tests::{
    process::{Role, Server, Setup},
    town::Town,
    wait::within,
};

const PARTITIONS: Partitions = Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::new(2).unwrap() };

/// Their inboxes are in two partitions, as those of most pairs.
const PAIR: [&str; 2] = ["alice", "bob"];

fn all_of(topic: &Topic) -> Vec<TopicPartition> {
    (0..PARTITIONS.of(topic).get()).map(|partition| topic.clone().partition(Partition(partition))).collect()
}

async fn ends(log: &KafkaLog) -> BTreeMap<String, u64> {
    let mut ends = BTreeMap::new();
    let gateway = Topic::Gateway("gateway-0".parse().unwrap());
    for topic in [Topic::Commands, Topic::Events, Topic::Inbox, gateway] {
        for at in all_of(&topic) {
            *ends.entry(topic.to_string()).or_default() += log.bounds(&at).await.unwrap().end.0;
        }
    }
    ends
}

/// Waits until sequencer and router have done all that there is, as the store has it.
async fn quiet(log: &KafkaLog, store: &CqlStore) -> anyhow::Result<()> {
    within("all is decided and placed", all_done(log, store)).await
}

async fn all_done(log: &KafkaLog, store: &CqlStore) {
    let of = |at: &TopicPartition| LogPartition { log: log.id(), partition: at.partition };
    for at in all_of(&Topic::Commands) {
        while store.committed(of(&at)).await.unwrap() != Some(log.bounds(&at).await.unwrap().end) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    for at in all_of(&Topic::Inbox) {
        let done = async || store.checkpoint(of(&at)).await.unwrap().map_or(Offset(0), |it| it.inbox);
        while done().await != log.bounds(&at).await.unwrap().end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn difference(before: BTreeMap<String, u64>, after: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let spent = after.into_iter().map(|(what, count)| {
        let before = before.get(&what).copied().unwrap_or_default();
        (what, count - before)
    });
    spent.filter(|(_, count)| *count > 0).collect()
}

fn costs(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    expected.iter().map(|(what, count)| ((*what).to_owned(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_message_costs_what_the_table_says() -> anyhow::Result<()> {
    let [one, other] = PAIR.map(|name| of_user(&UserId::new(name).unwrap(), PARTITIONS.users));
    assert_ne!(one, other);
    let keyspace = Keyspace::empty().await;
    let mut options = Options::new(infra::kafka_bootstrap());
    options.prefix = infra::unused_name("budget");
    let spec = topics::Spec {
        partitions: PARTITIONS,
        replication: 1,
        min_insync_replicas: 1,
        retention: Duration::from_secs(3600),
        gateways: 1,
    };
    let plan = topics::plan(&options, &spec, LogId(Runtime::real().random())).await?;
    topics::apply(&options, &spec, &plan, |_| {}).await?;

    let folder = tempfile::tempdir()?;
    let mut ways = BTreeMap::new();
    let mut servers = Vec::new();
    for role in [Role::Sequencer, Role::Router, Role::Gateway] {
        let way = Way::open().await;
        let mut setup = Setup::new(folder.path(), &[]);
        setup.role = role;
        setup.options = vec![
            format!("kafka.bootstrap={}", options.bootstrap),
            format!("kafka.prefix={}", options.prefix),
            format!("cql.contact_points={}", way.address()),
            format!("cql.keyspace={}", keyspace.options().keyspace),
        ];
        servers.push(Server::start(&setup, None)?);
        ways.insert(role.command(), way);
    }
    let mut address = String::new();
    for server in &mut servers {
        address = server.ready().await?;
    }
    let mut town = Town::new(&[("alice", "phone"), ("bob", "phone")], &[("alice", "bob")]).await?;
    town.begin(address.parse()?).await?;
    let log = KafkaLog::open(options, Runtime::real()).await?;
    let store = CqlStore::open(keyspace.options()).await?;
    // The first message of a chat costs more, once.
    exchange(&town, "the first", 1).await?;
    quiet(&log, &store).await?;

    let statements = |way: &Way| way.by_statement();
    let before: BTreeMap<_, _> = ways.iter().map(|(role, way)| (*role, statements(way))).collect();
    let records = ends(&log).await;
    exchange(&town, "lone", 2).await?;
    quiet(&log, &store).await?;
    let records = difference(records, ends(&log).await);
    let mut spent: BTreeMap<_, _> =
        before.into_iter().map(|(role, before)| (role, difference(before, statements(&ways[role])))).collect();
    for by_name in spent.values_mut() {
        // Whether the store answers is asked all the time.
        by_name.remove("offset");
    }

    for server in servers {
        server.stop().await?;
    }
    assert_eq!(records, costs(&[("commands", 3), ("events", 3), ("inbox", 6), ("gateway.gateway-0", 6)]));
    assert_eq!(spent["gateway"], costs(&[]), "statements of the gateway");
    let of_sequencer = [("put_event", 3), ("put_member", 3), ("put_offset", 3)];
    assert_eq!(spent["sequencer"], costs(&of_sequencer), "statements of the sequencer");
    assert_eq!(spent["router"], costs(&[("put_entry", 2), ("put_checkpoint", 6)]), "statements of the router");
    Ok(())
}

/// Alice writes, bob has it, and then bob reads it. Each step is seen before the next, so that nothing shares a batch.
async fn exchange(town: &Town, text: &str, seq: u64) -> anyhow::Result<()> {
    let [alice, bob] = &town.devices[..] else { anyhow::bail!("two devices") };
    alice.send("bob", text.to_owned()).await?;
    let chat = alice.chat_with("bob")?;
    let marks = || alice.journal().view(|view| view.watermarks.get(&(chat.clone(), "bob".to_owned())).copied());
    town.until("it is delivered", || marks().is_some_and(|(delivered, _)| delivered == seq)).await?;
    bob.read(&chat, seq).await?;
    town.until("it is read", || marks() == Some((seq, seq))).await?;
    town.settled().await
}
