//! Sharing the partitions of a topic, by the protocol of the brokers and by that of the members.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program: helpers fail the test by panicking")]

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use chasqui_cluster_tests::infra;
use chasqui_domain::{LogId, Partition};
use chasqui_log::{Partitions, Topic};
use chasqui_log_kafka::{
    Change, GroupProtocol, Membership, Options,
    topics::{self, Spec},
};
use chasqui_tests::infra::{Kind, Own};
use tokio::{select, time::timeout};

const PARTITIONS: u32 = 4;

/// Longer than any group takes to notice that somebody is gone.
const PATIENCE: Duration = Duration::from_secs(60);

async fn options(bootstrap: String, group_protocol: GroupProtocol) -> Options {
    let mut options = Options::new(bootstrap);
    options.prefix = infra::unused_name("members");
    options.group_protocol = group_protocol;
    let spec = Spec {
        partitions: Partitions { chats: NonZeroU32::new(PARTITIONS).unwrap(), users: NonZeroU32::MIN },
        replication: 1,
        min_insync_replicas: 1,
        retention: Duration::from_secs(3600),
        gateways: 1,
    };
    let plan = topics::plan(&options, &spec, LogId([1; 16])).await.unwrap();
    topics::apply(&options, &spec, &plan, |_| {}).await.unwrap();
    options
}

/// A member and what it owns.
struct Owner {
    membership: Membership,
    owns: BTreeSet<Partition>,
}

impl Owner {
    fn join(options: &Options, name: &str) -> Self {
        let member_name = (options.group_protocol == GroupProtocol::Classic).then(|| name.to_owned());
        let options = Options { client_id: name.to_owned(), member_name, ..options.clone() };
        Self { membership: Membership::join(&options, "sequencer", &Topic::Commands).unwrap(), owns: BTreeSet::new() }
    }

    async fn next(&mut self) {
        match self.membership.next().await {
            Change::Gained(partitions) => self.owns.extend(partitions),
            Change::Lost(partitions, released) => {
                self.owns.retain(|partition| !partitions.contains(partition));
                drop(released);
            }
            Change::Failed(why) => panic!("{why}"),
        }
    }

    async fn owns_all(&mut self) {
        while self.owns.len() < PARTITIONS as usize {
            self.next().await;
        }
    }
}

async fn share(bootstrap: String, protocol: GroupProtocol) {
    let options = options(bootstrap, protocol).await;
    let mut one = Owner::join(&options, "one");
    timeout(PATIENCE, one.owns_all()).await.expect("the first has all");

    let mut other = Owner::join(&options, "other");
    let shared = async {
        // Between two assignments some are nobody's.
        while one.owns.len() != other.owns.len() || one.owns.len() + other.owns.len() < PARTITIONS as usize {
            select! {
                () = one.next() => {}
                () = other.next() => {}
            }
            assert!(one.owns.is_disjoint(&other.owns), "{:?} {:?}", one.owns, other.owns);
        }
    };
    timeout(PATIENCE, shared).await.expect("they share");

    other.membership.leave().await;
    timeout(PATIENCE, one.owns_all()).await.expect("the one that is left has all again");
    one.membership.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_share_partitions_among_members() {
    share(infra::kafka_bootstrap(), GroupProtocol::Consumer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_partitions_when_they_are_told_to() {
    share(infra::kafka_bootstrap(), GroupProtocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_partitions_when_brokers_turn_out_not_to() {
    let own = Own::none();
    own.start_with(Kind::Kafka, &["--set", "group.coordinator.rebalance.protocols=classic"]).unwrap();
    share(own.address(Kind::Kafka).unwrap(), GroupProtocol::Consumer).await;
}
