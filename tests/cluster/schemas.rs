//! Records on Kafka as any consumer sees them, and the schemas in a real registry.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program: helpers fail the test by panicking")]

use std::{fs, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use chasqui_cluster_tests::infra;
use chasqui_domain::{LogId, Offset, Partition};
use chasqui_log::{Append, Error, Log, Partitions, Topic, TopicPartition};
use chasqui_log_kafka::{KafkaLog, OpenError, Options, Registered, schemas, topics};
use chasqui_runtime::Runtime;
use chasqui_schema_registry::{COMPATIBILITY, Error as Refused, Known, Registry, Schema};
use chasqui_tests::wait::within;
use chasqui_wire::schemas::on_topics;
use rdkafka::{
    ClientConfig, Message, Offset as RawOffset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};

const SINGLE_OBJECT: [u8; 2] = [0xC3, 0x01];

/// No registry gives so many.
const NOBODYS_ID: u32 = 0x7FFF_FFFF;

fn commands() -> TopicPartition {
    Topic::Commands.partition(Partition(0))
}

/// New topics.
async fn topics() -> Options {
    let mut options = Options::new(infra::kafka_bootstrap());
    options.prefix = infra::unused_name("schemas");
    let spec = topics::Spec {
        partitions: Partitions { chats: NonZeroU32::MIN, users: NonZeroU32::MIN },
        replication: 1,
        min_insync_replicas: 1,
        retention: Duration::from_secs(3600),
        gateways: 1,
    };
    let plan = topics::plan(&options, &spec, LogId([1; 16])).await.unwrap();
    topics::apply(&options, &spec, &plan, |_| {}).await.unwrap();
    options
}

async fn open(options: &Options) -> Arc<KafkaLog> {
    KafkaLog::open(options.clone(), Runtime::real()).await.unwrap()
}

fn registry() -> Registry {
    Registry::new(reqwest::Client::new(), &chasqui_tests::infra::registry().unwrap(), None).unwrap()
}

/// Registers the schemas of all records that are in topics.
async fn register() -> Vec<Registered> {
    let registry = registry();
    let mut all = Vec::new();
    for schema in on_topics().unwrap() {
        let (subject, fingerprint) = (schema.name, schema.fingerprint);
        let id = registry.register(&Schema { subject: subject.clone(), text: schema.text }).await.unwrap();
        all.push(Registered { subject, id, fingerprint });
    }
    all
}

/// Every kept sample of a record that is in a topic, to go where such records go.
fn samples() -> Vec<Append> {
    let mut samples = Vec::new();
    for file in fs::read_dir(infra::root().join("services/lib/wire/tests/samples")).unwrap() {
        let path = file.unwrap().path();
        let topic = match path.file_stem().unwrap().to_str().unwrap().split('_').next().unwrap() {
            "command" => Topic::Commands,
            "event" => Topic::Events,
            "inbox" => Topic::Inbox,
            "presence" => Topic::Presence,
            "heartbeat" => Topic::Heartbeats,
            "revocation" => Topic::Revocations,
            "gateway" => Topic::Gateway("gateway-0".parse().unwrap()),
            _ => continue,
        };
        let key = Bytes::from(path.file_stem().unwrap().to_str().unwrap().to_owned());
        let digits: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
        let value =
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
        samples.push(Append { to: topic.partition(Partition(0)), key, value, headers: Vec::new() });
    }
    assert!(samples.len() > 15, "every kind of record has a sample");
    samples
}

/// The value at an offset as a plain consumer gets it.
fn raw(options: &Options, at: &TopicPartition, offset: Offset) -> Vec<u8> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &options.bootstrap)
        .set("group.id", "plain")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    let offset = RawOffset::Offset(i64::try_from(offset.0).unwrap());
    list.add_partition_offset(&format!("{}.{}", options.prefix, at.topic), 0, offset).unwrap();
    consumer.assign(&list).unwrap();
    let message = consumer.poll(Duration::from_secs(30)).expect("a record").unwrap();
    message.payload().unwrap_or_default().to_vec()
}

async fn read(log: &KafkaLog, at: &TopicPartition, offset: Offset) -> Bytes {
    let mut reader = log.reader(at, offset).await.unwrap();
    within("a record", reader.next(1)).await.unwrap().unwrap().remove(0).value
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_in_the_wire_format_of_consumers_once_their_schemas_are_registered() {
    let options = topics().await;
    let (before, samples) = (open(&options).await, samples());
    let mut written = Vec::new();
    for sample in &samples {
        written.push((sample, before.append_one(sample.clone()).await.unwrap().offset, None));
    }
    let registered = register().await;
    schemas::record(&options, &registered).await.unwrap();
    let after = open(&options).await;
    for sample in &samples {
        let schema = registered.iter().find(|schema| sample.value[2..10] == schema.fingerprint);
        let id = schema.expect("a schema that is registered").id;
        written.push((sample, after.append_one(sample.clone()).await.unwrap().offset, Some(id)));
    }
    for (sample, offset, id) in written {
        let (raw, body) = (raw(&options, &sample.to, offset), &sample.value[10..]);
        let expected = match id {
            None => sample.value.to_vec(),
            Some(id) => [&[0], &id.to_be_bytes()[..], body].concat(),
        };
        assert_eq!(raw, expected, "{} at {offset}", sample.to);
        // Heartbeats from before a process began say nothing to it.
        if sample.to.topic != Topic::Heartbeats {
            assert_eq!(read(&after, &sample.to, offset).await, sample.value, "{} at {offset}", sample.to);
            // Began before there were ids, and reads them anew.
            assert_eq!(read(&before, &sample.to, offset).await, sample.value, "{} at {offset}", sample.to);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_record_passes_as_it_is() {
    let options = topics().await;
    schemas::record(&options, &register().await).await.unwrap();
    let log = open(&options).await;
    for value in [&b""[..], b"text", b"\0", &[&SINGLE_OBJECT, &b"no such schema"[..]].concat()] {
        let append =
            Append { to: commands(), key: Bytes::new(), value: Bytes::copy_from_slice(value), headers: vec![] };
        let offset = log.append_one(append).await.unwrap().offset;
        assert_eq!(raw(&options, &commands(), offset), value);
        assert_eq!(read(&log, &commands(), offset).await, value);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_is_reported_and_not_skipped_and_learned_once_it_is_recorded() {
    let options = topics().await;
    let log = open(&options).await;
    let first = samples().into_iter().find(|sample| sample.to == commands()).unwrap();
    log.append_one(first.clone()).await.unwrap();
    let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", &options.bootstrap).create().unwrap();
    let topic = format!("{}.commands", options.prefix);
    let value = [&[0], &NOBODYS_ID.to_be_bytes()[..], b"body"].concat();
    let record = FutureRecord::<[u8], _>::to(&topic).partition(0).payload(&value);
    producer.send(record, Duration::from_secs(30)).await.unwrap();

    let mut reader = log.reader(&commands(), Offset(0)).await.unwrap();
    assert_eq!(reader.next(1024).await.unwrap()[0].value, first.value);
    for _ in 0..2 {
        let error = reader.next(1024).await.unwrap_err();
        let is_it = matches!(&error, Error::UnknownSchema { offset: Offset(1), id: NOBODYS_ID, .. });
        assert!(is_it && !error.is_retryable(), "{error}");
        assert!(error.to_string().contains("upgrade this process"), "{error}");
    }

    let later = Registered { subject: "chasqui.Command".to_owned(), id: NOBODYS_ID, fingerprint: *b"tomorrow" };
    schemas::record(&options, &[later]).await.unwrap();
    let records = reader.next(1024).await.unwrap();
    assert_eq!(records[0].offset, Offset(1));
    assert_eq!(records[0].value, [&SINGLE_OBJECT, &b"tomorrowbody"[..]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_again_changes_nothing() {
    let options = topics().await;
    let registered = register().await;
    assert_eq!(schemas::record(&options, &registered).await.unwrap(), registered);
    let log = open(&options).await;
    assert_eq!(register().await, registered);
    assert_eq!(schemas::record(&options, &registered).await.unwrap(), []);
    assert_eq!(schemas::recorded(&options).await.unwrap(), registered);
    assert_eq!(open(&options).await.life(), log.life());
    for schema in on_topics().unwrap() {
        let id = registered.iter().find(|known| known.subject == schema.name).unwrap().id;
        let known = registry().look_up(&Schema { subject: schema.name, text: schema.text }).await.unwrap();
        assert_eq!(known, Known { compatibility: Some(COMPATIBILITY.to_owned()), id: Some(id) });
    }
    // The ids of another registry would make records unreadable.
    let others = Registered { id: registered[0].id, ..registered[1].clone() };
    assert!(matches!(schemas::record(&options, &[others]).await, Err(OpenError::OtherRegistry { .. })));
    let nowhere = Options { prefix: infra::unused_name("schemas"), ..options };
    assert!(matches!(schemas::record(&nowhere, &registered).await, Err(OpenError::NoTopics { .. })));
}

/// The schema of events with a field more.
fn grown(field: Value) -> String {
    let event = on_topics().unwrap().into_iter().find(|schema| schema.name == "chasqui.Event").unwrap();
    let mut schema: Value = serde_json::from_str(&event.text).unwrap();
    schema["fields"].as_array_mut().unwrap().push(field);
    schema.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_cant_read_all_earlier_ones_is_refused() {
    let (registry, subject) = (registry(), format!("{}.Event", infra::unused_name("schemas")));
    let version = |text| Schema { subject: subject.clone(), text };
    let event = on_topics().unwrap().into_iter().find(|schema| schema.name == "chasqui.Event").unwrap();
    let first = version(event.text);
    assert_eq!(registry.look_up(&first).await.unwrap(), Known { compatibility: None, id: None });
    registry.check(&first).await.unwrap();
    let id = registry.register(&first).await.unwrap();
    let second = version(grown(json!({ "name": "mood", "type": ["null", "string"], "default": null })));
    registry.check(&second).await.unwrap();
    assert_ne!(registry.register(&second).await.unwrap(), id);
    // It reads the second version, and not the first.
    let third = version(grown(json!({ "name": "mood", "type": ["null", "string", "long"] })));
    for refused in [registry.check(&third).await.map(|()| 0), registry.register(&third).await] {
        let error = refused.unwrap_err();
        assert!(matches!(&error, Refused::Incompatible { .. }), "{error}");
        assert!(error.to_string().contains(&subject) && error.to_string().contains("default"), "{error}");
    }
    let error = registry.register(&third).await.unwrap_err().to_string();
    assert!(error.contains("mood"), "what the registry says is passed on: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_registry_is_named() {
    let schema = Schema { subject: infra::unused_name("schemas"), text: r#""string""#.to_owned() };
    let of = |url: &str| Registry::new(reqwest::Client::new(), url, None).unwrap();
    let away = of("http://127.0.0.1:1").look_up(&schema).await.unwrap_err();
    assert!(matches!(&away, Refused::Away { url, .. } if url == "http://127.0.0.1:1/"), "{away}");
    // The same server, without the path of the API.
    let url = chasqui_tests::infra::registry().unwrap();
    let root = url.split("/apis").next().unwrap();
    let other = of(root).look_up(&schema).await.unwrap_err();
    assert!(matches!(other, Refused::NoRegistry { .. }), "{other}");
    let broken = Schema { text: r#"{"type":"nothing"}"#.to_owned(), ..schema };
    let refused = registry().register(&broken).await.unwrap_err();
    assert!(matches!(refused, Refused::Refused { .. }), "{refused}");
}
