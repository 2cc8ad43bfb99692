//! Making topics, and refusing those that are not as they must be.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program: helpers fail the test by panicking")]

use std::{num::NonZeroU32, time::Duration};

use chasqui_cluster_tests::infra;
use chasqui_domain::LogId;
use chasqui_log::{Log, Partitions};
use chasqui_log_kafka::{
    KafkaLog, OpenError, Options,
    topics::{self, Mismatch, Spec, Step},
};
use chasqui_runtime::Runtime;
use chasqui_tests::wait::within;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
};

const LOG: LogId = LogId([7; 16]);

fn options() -> Options {
    let mut options = Options::new(infra::kafka_bootstrap());
    options.prefix = infra::unused_name("topics");
    options
}

fn spec() -> Spec {
    let count = |n| NonZeroU32::new(n).unwrap();
    Spec {
        partitions: Partitions { chats: count(2), users: count(3) },
        replication: 1,
        min_insync_replicas: 1,
        retention: Duration::from_secs(3600),
        gateways: 1,
    }
}

async fn made(options: &Options) {
    let plan = topics::plan(options, &spec(), LOG).await.unwrap();
    topics::apply(options, &spec(), &plan, |_| {}).await.unwrap();
}

fn admin(options: &Options) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", &options.bootstrap).create().unwrap()
}

async fn mismatches(options: &Options, spec: &Spec) -> Vec<Mismatch> {
    match topics::plan(options, spec, LOG).await {
        Err(OpenError::Mismatch(mismatches)) => mismatches,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_plan_changes_nothing_and_what_was_made_stands() {
    let options = options();
    let plan = topics::plan(&options, &spec(), LOG).await.unwrap();
    assert!(plan[..plan.len() - 1].iter().all(|step| matches!(step, Step::Make { .. })));
    assert!(matches!(plan.last(), Some(Step::Record(life)) if life.log == LOG));
    assert!(matches!(KafkaLog::open(options.clone(), Runtime::real()).await, Err(OpenError::NoTopics { .. })));
    assert_eq!(topics::plan(&options, &spec(), LOG).await.unwrap(), plan, "the plan made topics");

    topics::apply(&options, &spec(), &plan, |_| {}).await.unwrap();
    let again = topics::plan(&options, &spec(), LogId([8; 16])).await.unwrap();
    assert!(again[..again.len() - 1].iter().all(|step| matches!(step, Step::Stands { .. })));
    assert!(matches!(again.last(), Some(Step::Recorded(life)) if life.log == LOG), "the log id stays");
    let log = KafkaLog::open(options, Runtime::real()).await.unwrap();
    assert_eq!((log.id(), log.partitions()), (LOG, spec().partitions));
}

#[tokio::test]
async fn more_gateways_get_topics_later() {
    let options = options();
    made(&options).await;
    let more = Spec { gateways: 2, ..spec() };
    let plan = topics::plan(&options, &more, LOG).await.unwrap();
    let name = format!("{}.gateway.gateway-1", options.prefix);
    let new: Vec<_> = plan.iter().filter(|step| matches!(step, Step::Make { .. })).collect();
    assert!(matches!(new[..], [Step::Make { topic, .. }] if *topic == name), "{new:?}");
}

#[tokio::test]
async fn other_counts_are_refused_with_what_to_do() {
    let options = options();
    made(&options).await;
    let partitions = Partitions { chats: NonZeroU32::new(4).unwrap(), ..spec().partitions };
    let found = mismatches(&options, &Spec { partitions, ..spec() }).await;
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(texts.iter().any(|text| text.contains("set log.partitions_chats to 2")), "{texts:?}");
    let of = |name: &str| texts.iter().any(|text| text.contains(&format!("{}.{name}", options.prefix)));
    assert!(of("commands") && of("events") && !of("inbox"), "{texts:?}");

    let found = mismatches(&options, &Spec { replication: 3, ..spec() }).await;
    assert!(found.iter().all(|mismatch| mismatch.advice.contains("kafka-reassign-partitions.sh")), "{found:?}");
}

#[tokio::test]
async fn other_settings_are_refused_with_the_command_that_mends_them() {
    let options = options();
    made(&options).await;
    let topic = format!("{}.commands", options.prefix);
    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("retention.ms", "1000");
    admin(&options).alter_configs([&change], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    let found = mismatches(&options, &spec()).await;
    let of_retention = found.iter().find(|mismatch| mismatch.what == "retention.ms").unwrap();
    assert_eq!((&*of_retention.topic, &*of_retention.found, &*of_retention.expected), (&*topic, "1000", "-1"));
    assert!(of_retention.advice.contains(&format!("--alter --topic {topic} --add-config retention.ms=[-1]")));
}

#[tokio::test]
async fn a_topic_that_is_gone_keeps_roles_from_starting() {
    let options = options();
    made(&options).await;
    let topic = format!("{}.inbox", options.prefix);
    admin(&options).delete_topics(&[&topic], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    let refused = async || KafkaLog::open(options.clone(), Runtime::real()).await.err();
    let forgotten = async {
        loop {
            // The brokers forget it a moment later.
            if let Some(error) = refused().await {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let error = within("a topic that was deleted is missed", forgotten).await.unwrap();
    assert!(error.to_string().contains(&topic) && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn brokers_that_are_away_are_named() {
    let mut options = options();
    options.bootstrap = "127.0.0.1:1".to_owned();
    let error = KafkaLog::open(options, Runtime::real()).await.err().unwrap();
    assert!(error.to_string().contains("127.0.0.1:1") && error.is_retryable(), "{error}");
}
