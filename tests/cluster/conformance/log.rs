//! The log's contract, on Apache Kafka.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program: helpers fail the test by panicking")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chasqui_cluster_tests::infra;
use chasqui_domain::{LogId, Partition};
use chasqui_log::{
    Log, Topic,
    suite::{Factory, PARTITIONS, Retention, Subject},
};
use chasqui_log_kafka::{KafkaLog, Options, topics};
use chasqui_runtime::Runtime;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};

/// Topics of their own for every property.
fn options(retention: Retention) -> Options {
    let mut options = Options::new(infra::kafka_bootstrap());
    options.prefix = infra::unused_name("suite");
    options.queue_bytes_max = 4 * 1024 * 1024;
    if retention == Retention::None {
        options.retention = Duration::ZERO;
    }
    options
}

fn spec() -> topics::Spec {
    topics::Spec {
        partitions: PARTITIONS,
        replication: 1,
        min_insync_replicas: 1,
        retention: Duration::from_secs(3600),
        gateways: 4,
    }
}

struct Kafka;

#[async_trait]
impl Factory for Kafka {
    async fn create(&self, retention: Retention) -> Box<dyn Subject> {
        let options = options(retention);
        let plan = topics::plan(&options, &spec(), LogId([1; 16])).await.unwrap();
        topics::apply(&options, &spec(), &plan, |_| {}).await.unwrap();
        let log = Some(KafkaLog::open(options.clone(), Runtime::real()).await.unwrap());
        Box::new(KafkaSubject { options, log })
    }
}

struct KafkaSubject {
    options: Options,
    log: Option<Arc<KafkaLog>>,
}

#[async_trait]
impl Subject for KafkaSubject {
    fn log(&self) -> Arc<dyn Log> {
        self.log.clone().unwrap()
    }

    async fn expire(&mut self) -> bool {
        let log = self.log.as_ref().unwrap();
        log.trim().await.unwrap();
        // What goes by the broker's own retention, which waits for segments to be closed.
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.options.bootstrap).create().unwrap();
        let mut list = TopicPartitionList::new();
        for n in 0..spec().gateways {
            let topic = Topic::Gateway(format!("gateway-{n}").parse().unwrap());
            let at = topic.clone().partition(Partition(0));
            if log.bounds(&at).await.unwrap().end.0 > 0 {
                list.add_partition_offset(&format!("{}.{topic}", self.options.prefix), 0, Offset::End).unwrap();
            }
        }
        if list.count() > 0 {
            admin.delete_records(&list, &AdminOptions::new()).await.unwrap();
        }
        true
    }

    async fn reopen(&mut self) -> bool {
        self.log = None;
        self.log = Some(KafkaLog::open(self.options.clone(), Runtime::real()).await.unwrap());
        true
    }
}

impl Drop for KafkaSubject {
    fn drop(&mut self) {
        // The topics stay: deleting costs as much as making, and the broker's folder goes with it.
        self.log = None;
    }
}

mod kafka {
    chasqui_log::conformance!(super::Kafka);
}
