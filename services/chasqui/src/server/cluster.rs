//! What roles of their own work on: topics in Kafka and tables in CQL; and how they share partitions.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use chasqui_config::Options;
use chasqui_domain::{Offset, Partition};
use chasqui_log::{Log, Topic};
use chasqui_log_kafka::{Change, GroupProtocol, KafkaLog, Membership};
use chasqui_store::LogPartition;
use chasqui_store_cql::{CqlStore, Password};
use futures::FutureExt;
use tokio::{join, select};

use super::{
    Error, Foundation, Part,
    backend::Backend,
    error,
    life::Served,
    roles::{Roles, Stopped},
    status::{Phase, Status},
};

/// How long what was enqueued may take to be written when the process stops.
const FLUSH_PATIENCE: Duration = Duration::from_secs(5);

/// How often it is looked whether brokers and nodes answer, and how long they may take.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBE_PATIENCE: Duration = Duration::from_secs(3);

/// How often the group is told how far its members have come.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long a partition has no owner when that has stopped by an error that waiting doesn't mend.
const OWN_AGAIN: Duration = Duration::from_secs(10);

/// The log and the store, open.
pub(super) struct Cluster {
    pub(super) log: Arc<KafkaLog>,
    pub(super) store: Arc<CqlStore>,
}

impl Cluster {
    pub(super) async fn open(foundation: &Foundation) -> Result<Self, Error> {
        let Foundation { options, part, runtime, metrics, .. } = foundation;
        let log = KafkaLog::open(kafka_options(options, part.name())?, runtime.clone()).await?;
        let cql = chasqui_store_cql::Options { metrics: metrics.store.clone(), ..cql_options(options) };
        let store = CqlStore::open(cql).await?;
        let cluster = Self { log, store };
        cluster.check(foundation).await?;
        Ok(cluster)
    }

    /// Whether topics, tables and master key belong together: whatever is missing would be noticed late, or by nobody.
    async fn check(&self, foundation: &Foundation) -> Result<(), Error> {
        if let Some(judges) = &foundation.judges
            && let Some((chat, epoch, wrapped)) = self.store.any_key().await?
        {
            judges.master.unwrap(&wrapped, &chat, epoch).map_err(|_| Error::OtherMasterKey)?;
        }
        let (keyspace, found) = (|| foundation.options.cql.keyspace.clone(), self.log.id());
        match self.store.recorded_log().await? {
            Some(expected) if expected == found => Ok(()),
            Some(expected) => Err(Error::OtherTopics { keyspace: keyspace(), expected, found }),
            // Recorded before anything is written, so whoever finds commands and no record has lost the keyspace; unless
            // another process began meanwhile.
            None if self.has_commands().await? && self.store.recorded_log().await?.is_none() => {
                Err(Error::KeyspaceLost { keyspace: keyspace() })
            }
            None => Ok(self.store.record_log(found).await?),
        }
    }

    async fn has_commands(&self) -> Result<bool, Error> {
        for partition in (0..self.log.partitions().chats.get()).map(Partition) {
            if self.log.bounds(&Topic::Commands.partition(partition)).await?.end > Offset(0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Waits until what was enqueued is written.
    pub(super) async fn close(self) -> Result<(), Error> {
        Ok(self.log.flush(FLUSH_PATIENCE).await?)
    }
}

/// Looks from time to time whether brokers and nodes answer, so that readiness can say so.
pub(super) fn watch_over(foundation: &Foundation, backend: &Backend, roles: &mut Roles) {
    let (log, store) = (backend.log.clone(), backend.store.clone());
    let (runtime, status) = (foundation.runtime.clone(), foundation.status.clone());
    let watch = async move {
        let at = Topic::Heartbeats.partition(Partition(0));
        let of = LogPartition { log: log.id(), partition: Partition(0) };
        loop {
            let brokers = runtime.timeout(PROBE_PATIENCE, log.bounds(&at));
            let nodes = runtime.timeout(PROBE_PATIENCE, store.committed(of));
            let (brokers, nodes) = join!(brokers, nodes);
            for (about, answers) in
                [("Kafka", matches!(brokers, Ok(Ok(_)))), ("the CQL store", matches!(nodes, Ok(Ok(_))))]
            {
                match (status.note(about, (!answers).then_some("can't be reached")), answers) {
                    (true, true) => tracing::info!("{about} can be reached again"),
                    (true, false) => tracing::warn!("{about} can't be reached; it is waited for"),
                    (false, _) => {}
                }
            }
            runtime.sleep(PROBE_EVERY).await;
        }
    };
    roles.spawn("the watch over brokers and nodes", watch.boxed());
}

/// Owns the partitions that the group gives to this process, until something fails or the server is told to stop.
pub(super) async fn own_a_share(
    foundation: &Foundation,
    backend: &Backend,
    roles: &mut Roles,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Served {
    let Foundation { part, options, status, .. } = foundation;
    // Presence has as many partitions as the inbox, and who owns one reads the same one of the other.
    let topic = if *part == Part::Router { Topic::Inbox } else { Topic::Commands };
    let joined =
        kafka_options(options, part.name()).and_then(|kafka| Ok(Membership::join(&kafka, part.name(), &topic)?));
    let mut membership = match joined {
        Ok(membership) => membership,
        Err(error) => return Served { failure: Some(error), has_served: false },
    };
    status.serve(None);
    let failure = select! {
        failure = follow(foundation, &mut membership, &topic, roles, stop) => failure,
        error = backend.failed() => Some(error),
    };
    status.set(failure.as_ref().map_or(Phase::Draining, |error| Phase::Waiting(error::chain(error))));
    // In this order: others begin only when nothing of this process is at work any more.
    let all: Vec<Partition> = (0..backend.log.partitions().of(&topic).get()).map(Partition).collect();
    roles.let_go(&topic, &all).await;
    membership.leave().await;
    Served { failure, has_served: true }
}

/// Begins to own what is gained, and lets go of what is lost, until something fails or the server is told to stop. Letting go
/// is not interrupted: the group waits for it.
async fn follow(
    foundation: &Foundation,
    membership: &mut Membership,
    topic: &Topic,
    roles: &mut Roles,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> Option<Error> {
    let Foundation { part, runtime, status, .. } = foundation;
    let role = part.name();
    let gauges = roles.gauges();
    // Partitions whose owner has stopped for good, and when it is tried again: somebody may have mended the cause.
    let mut stopped: BTreeMap<Partition, Duration> = BTreeMap::new();
    loop {
        select! {
            () = &mut *stop => return None,
            change = membership.next() => match change {
                Change::Gained(partitions) => {
                    tracing::info!(role, partitions = %list(&partitions), "partitions gained");
                    partitions.into_iter().for_each(|partition| roles.own(topic, partition));
                }
                Change::Lost(partitions, released) => {
                    #[cfg(feature = "failpoints")]
                    fail::fail_point!("cluster::lost");
                    stopped.retain(|partition, _| !partitions.contains(partition));
                    membership.forget(&partitions);
                    roles.let_go(topic, &partitions).await;
                    tracing::info!(role, partitions = %list(&partitions), "partitions let go");
                    drop(released);
                }
                Change::Failed(why) => return Some(Error::Group { role, why }),
            },
            ended = roles.stopped() => match ended {
                // The other partitions have nothing to do with it, and whoever got this one would stop as well.
                Stopped { owns: Some(at), error } if !matches!(error, Error::Panicked { .. }) => {
                    tracing::error!(%at, error = error::chain(&error), pause = ?OWN_AGAIN, "a partition has no owner");
                    roles.bury(&at);
                    stopped.insert(at.partition, runtime.monotonic() + OWN_AGAIN);
                }
                Stopped { error, .. } => return Some(error),
            },
            () = runtime.sleep(TELL_EVERY) => {
                gauges.done().into_iter().for_each(|(at, next)| membership.reached(at.partition, next));
                note_trouble(status, role, membership.trouble());
                let now = runtime.monotonic();
                let due: Vec<Partition> = stopped.iter().filter(|(_, at)| **at <= now).map(|(&due, _)| due).collect();
                stopped.retain(|_, at| *at > now);
                roles.let_go(topic, &due).await;
                due.into_iter().for_each(|partition| roles.own(topic, partition));
            }
        }
    }
}

fn note_trouble(status: &Status, role: &'static str, trouble: Option<String>) {
    if status.note("the group", trouble.is_some().then_some("can't be worked with; the server's log says why")) {
        match trouble {
            Some(why) => tracing::warn!(role, why, "the group can't be worked with; it is waited for"),
            None => tracing::info!(role, "the group can be worked with again"),
        }
    }
}

fn list(partitions: &[Partition]) -> String {
    partitions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The options of the log.
pub(crate) fn kafka_options(options: &Options, role: &str) -> Result<chasqui_log_kafka::Options, Error> {
    let kafka = &options.kafka;
    let mut log = chasqui_log_kafka::Options::new(kafka.bootstrap.clone().unwrap_or_default());
    log.prefix.clone_from(&kafka.prefix);
    log.member_name.clone_from(&kafka.client_id);
    log.client_id = kafka.client_id.clone().unwrap_or_else(|| format!("{role}-{}", host()));
    if let Some(path) = &kafka.properties_file {
        log.properties = properties(path)?;
    }
    log.retention = Duration::from_millis(options.log.retention_ms);
    log.queue_bytes_max = kafka.queue_bytes_max;
    if kafka.group_protocol == "classic" {
        log.group_protocol = GroupProtocol::Classic;
    }
    log.check().map_err(|error| Error::Settings { key: "kafka", why: error.to_string() })?;
    Ok(log)
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Reads settings, one `key=value` a line; empty lines and those that begin with # say nothing.
fn properties(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let wrong = |why: String| Error::Settings { key: "kafka.properties_file", why };
    let text =
        std::fs::read_to_string(path).map_err(|error| wrong(format!("{} can't be read: {error}", path.display())))?;
    let lines = text.lines().zip(1..).map(|(line, number)| (line.trim(), number));
    let settings = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    settings
        .map(|(line, number)| {
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| wrong(format!("{}, line {number}: write KEY=VALUE", path.display())))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

/// The options of the store.
pub(crate) fn cql_options(options: &Options) -> chasqui_store_cql::Options {
    let cql = &options.cql;
    let points = cql.contact_points.as_deref().unwrap_or_default();
    chasqui_store_cql::Options {
        contact_points: points
            .split(',')
            .map(|point| point.trim().to_owned())
            .filter(|point| !point.is_empty())
            .collect(),
        keyspace: cql.keyspace.clone(),
        datacenter: cql.datacenter.clone(),
        replication_factor: u8::try_from(cql.replication).unwrap_or(u8::MAX),
        user: cql.user.clone(),
        password: cql.password.as_ref().map(|password| Password::new(password.expose())),
        ca_file: cql.ca_file.clone(),
        request_timeout: Duration::from_millis(cql.timeout_ms),
        concurrency_max: cql.concurrency_max,
        inbox_retention_days: options.store.inbox_retention_days,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_lines_and_what_is_wrong_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kafka.properties");
        std::fs::write(&path, "# TLS\n\nsecurity.protocol = SASL_SSL\nsasl.password=a=b\n").unwrap();
        let properties = properties(&path).unwrap();
        assert_eq!(properties["security.protocol"], "SASL_SSL");
        assert_eq!(properties["sasl.password"], "a=b");
        std::fs::write(&path, "security.protocol=SSL\nhush\n").unwrap();
        let error = super::properties(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("hush"), "{error}");
    }

    #[test]
    fn contact_points_are_a_list() {
        let mut options = Options::default();
        options.cql.contact_points = Some("a:9042, b:9042,".to_owned());
        assert_eq!(cql_options(&options).contact_points, ["a:9042", "b:9042"]);
    }
}
