//! Makes the topics, and checks that they are as they were made.
//!
//! | topic | partitions | what is kept |
//! |---|---|---|
//! | `commands`, `inbox` | by chat; by user | all, until its owner releases it and the retention is over |
//! | `events` | by chat | for the retention |
//! | `presence` | by user | the newest of each session, for an hour: sessions say every minute that they live |
//! | `heartbeats`, `revocations` | one | for an hour: they speak to those who listen now |
//! | `gateway.gateway-N` | one | for an hour: a gateway that is further behind repairs its sessions from their inboxes |
//! | `life` | one | the newest of each key: log id and partition counts; the ids of registered schemas |
//!
//! All of them have the broker stamp the time of the append, so that no client's clock decides anything.

use std::{collections::BTreeMap, fmt, time::Duration};

use chasqui_domain::{GatewayId, LogId};
use chasqui_log::{Partitions, Topic};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, Consumer},
    types::RDKafkaErrorCode,
};

use crate::{
    Life, OpenError, Options, PATIENCE, REASON_PATIENCE, SettingsError, context::Context, life, names::Names, recorded,
    settings::BATCH_BYTES_MAX,
};

/// How long what speaks only to those who live now is kept.
const SHORT_RETENTION: Duration = Duration::from_secs(60 * 60);

/// The size of segments of topics with short retention: only closed ones go.
const SHORT_SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// How long making all topics may take.
const MAKE_PATIENCE: Duration = Duration::from_secs(60);

/// How often a topic that has just been made is asked for until its brokers know it.
const SETTLE_EVERY: Duration = Duration::from_millis(100);

/// How the topics are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// How many partitions they have; fixed for a life.
    pub partitions: Partitions,
    /// On how many brokers each partition lies.
    pub replication: u32,
    /// On how many of them a record must be before it counts as written.
    pub min_insync_replicas: u32,
    /// How long events are kept.
    pub retention: Duration,
    /// For how many gateways there is a topic: `gateway-0` and so on.
    pub gateways: u32,
}

/// What is to be done, or was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A topic is as it must be.
    Stands {
        /// Its name.
        topic: String,
    },
    /// A topic is to be made, or was.
    Make {
        /// Its name.
        topic: String,
        /// How many partitions it gets.
        partitions: u32,
        /// Its settings.
        settings: BTreeMap<&'static str, String>,
    },
    /// The life is to be recorded, or was.
    Record(Life),
    /// The life was recorded before.
    Recorded(Life),
}

/// Something that is not as it must be. Nothing is changed about it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The topic.
    pub topic: String,
    /// What it is about.
    pub what: String,
    /// How it is.
    pub found: String,
    /// How it must be.
    pub expected: String,
    /// What to do.
    pub advice: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, what, found, expected, advice } = self;
        write!(f, "topic {topic}: {what} is {found}, and must be {expected}: {advice}")
    }
}

/// A topic as it must be.
struct Wanted {
    name: String,
    partitions: u32,
    /// Whether offsets of it are kept elsewhere.
    holds_places: bool,
    settings: BTreeMap<&'static str, String>,
}

/// A topic as it is.
struct Found {
    partitions: usize,
    replicas: usize,
}

/// Says what [`apply`] would do.
///
/// # Errors
/// [`OpenError`]; [`OpenError::Mismatch`] names everything that doesn't fit.
pub async fn plan(options: &Options, spec: &Spec, log: LogId) -> Result<Vec<Step>, OpenError> {
    let names = Names::new(&options.prefix)?;
    let recorded = Life::find(&recorded::read(options).await?)?;
    let life = recorded.clone().unwrap_or_else(|| Life::new(log, spec.partitions));
    let mut mismatches = counts(&names, &life, spec.partitions);
    let found = found(options).await?;
    let mut steps = Vec::new();
    let mut standing = Vec::new();
    for wanted in wanted(&names, spec) {
        match found.get(&wanted.name) {
            Some(found) => {
                mismatches.extend(wanted.differs(found, spec));
                standing.push(wanted.name.clone());
                steps.push(Step::Stands { topic: wanted.name });
            }
            // Made again it would begin at 0, and who is behind that would pass over what comes now.
            None if recorded.is_some() && wanted.holds_places => {
                mismatches.push(wrong_count(wanted.name, 0, wanted.partitions));
            }
            None => {
                let Wanted { name: topic, partitions, settings, .. } = wanted;
                steps.push(Step::Make { topic, partitions, settings });
            }
        }
    }
    mismatches.extend(settings_differ(options, &names, spec, &standing).await?);
    if !mismatches.is_empty() {
        return Err(OpenError::Mismatch(mismatches));
    }
    // Last, so that whoever finds the record finds the topics.
    steps.push(recorded.map_or_else(|| Step::Record(life), Step::Recorded));
    Ok(steps)
}

/// Does what a plan says, and tells of each step when it is done. What was done before changes nothing.
///
/// # Errors
/// [`OpenError`]; the plan may then be made and applied again.
pub async fn apply(
    options: &Options,
    spec: &Spec,
    plan: &[Step],
    mut done: impl FnMut(&Step),
) -> Result<(), OpenError> {
    make(options, spec, plan).await?;
    for step in plan {
        if let Step::Record(life) = step {
            recorded::write(options, &[(life::KEY.to_owned(), life)]).await?;
        }
        done(step);
    }
    Ok(())
}

/// Whether the topics are there that a process of this life needs.
pub(crate) async fn check(options: &Options, names: &Names, life: &Life) -> Result<(), OpenError> {
    let found = found(options).await?;
    let partitions = life.partitions();
    let mut mismatches = Vec::new();
    for topic in shared_topics() {
        let (name, expected) = (names.of(&topic), partitions.of(&topic).get());
        let count = found.get(&name).map_or(0, |found| found.partitions);
        if count != expected as usize {
            mismatches.push(wrong_count(name, count, expected));
        }
    }
    if mismatches.is_empty() { Ok(()) } else { Err(OpenError::Mismatch(mismatches)) }
}

/// The topics that are there whatever gateways there are.
fn shared_topics() -> [Topic; 6] {
    [Topic::Commands, Topic::Events, Topic::Inbox, Topic::Presence, Topic::Heartbeats, Topic::Revocations]
}

fn wanted(names: &Names, spec: &Spec) -> Vec<Wanted> {
    // No id is invalid: the number has ten digits at most.
    let gateways = (0..spec.gateways).filter_map(|n| GatewayId::new(format!("gateway-{n}")).ok()).map(Topic::Gateway);
    let topics = shared_topics().into_iter().chain(gateways).map(|topic| Wanted {
        name: names.of(&topic),
        partitions: spec.partitions.of(&topic).get(),
        holds_places: matches!(topic, Topic::Commands | Topic::Inbox | Topic::Presence),
        settings: settings(&topic, spec),
    });
    let mut life = common(spec);
    life.insert("cleanup.policy", "compact".to_owned());
    topics.chain([Wanted { name: names.life(), partitions: 1, holds_places: false, settings: life }]).collect()
}

fn common(spec: &Spec) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("min.insync.replicas", spec.min_insync_replicas.to_string()),
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("max.message.bytes", BATCH_BYTES_MAX.to_string()),
        // A replica that lacks confirmed records must not take over.
        ("unclean.leader.election.enable", "false".to_owned()),
    ])
}

fn settings(topic: &Topic, spec: &Spec) -> BTreeMap<&'static str, String> {
    let mut settings = common(spec);
    let short = SHORT_RETENTION.as_millis().to_string();
    let (policy, retention) = match topic {
        Topic::Commands | Topic::Inbox => ("delete", "-1".to_owned()),
        Topic::Events => ("delete", spec.retention.as_millis().to_string()),
        Topic::Presence => ("compact,delete", short),
        Topic::Heartbeats | Topic::Revocations | Topic::Gateway(_) => ("delete", short),
    };
    if !matches!(topic, Topic::Commands | Topic::Inbox | Topic::Events) {
        settings.insert("segment.ms", (SHORT_RETENTION / 4).as_millis().to_string());
        settings.insert("segment.bytes", SHORT_SEGMENT_BYTES.to_string());
    }
    settings.insert("cleanup.policy", policy.to_owned());
    settings.insert("retention.ms", retention);
    settings.insert("retention.bytes", "-1".to_owned());
    settings
}

impl Wanted {
    fn differs(&self, found: &Found, spec: &Spec) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        if found.partitions != self.partitions as usize {
            mismatches.push(wrong_count(self.name.clone(), found.partitions, self.partitions));
        }
        if found.replicas != spec.replication as usize {
            mismatches.push(Mismatch {
                topic: self.name.clone(),
                what: "the number of replicas".to_owned(),
                found: found.replicas.to_string(),
                expected: spec.replication.to_string(),
                advice: "move it with kafka-reassign-partitions.sh, or set kafka.replication to what it is".to_owned(),
            });
        }
        mismatches
    }
}

fn wrong_count(topic: String, found: usize, expected: u32) -> Mismatch {
    let advice = if found == 0 {
        "it isn't there. If it was never made, `chasqui topics apply` makes it; if it was deleted, its records are gone, and a \
         new life has to begin under another kafka.prefix"
    } else {
        "the counts are fixed for a life of the topics, since they decide where chats and users belong: give it back the \
         partitions that it had, or begin a new life under another kafka.prefix"
    };
    Mismatch {
        topic,
        what: "the number of partitions".to_owned(),
        found: found.to_string(),
        expected: expected.to_string(),
        advice: advice.to_owned(),
    }
}

/// What was recorded and what is wanted now.
fn counts(names: &Names, life: &Life, wanted: Partitions) -> Vec<Mismatch> {
    let recorded = life.partitions();
    let differ = |what: &str, option: &str, recorded: u32, wanted: u32| {
        (recorded != wanted).then(|| Mismatch {
            topic: names.life(),
            what: format!("the number of partitions of topics by {what}"),
            found: format!("recorded as {recorded}"),
            expected: format!("{wanted} by {option}"),
            advice: format!("it is fixed for a life of the topics: set {option} to {recorded}"),
        })
    };
    [
        differ("chat", "log.partitions_chats", recorded.chats.get(), wanted.chats.get()),
        differ("user", "log.partitions_users", recorded.users.get(), wanted.users.get()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

async fn found(options: &Options) -> Result<BTreeMap<String, Found>, OpenError> {
    let context = Context::default();
    let consumer: BaseConsumer<Context> =
        BaseConsumer::from_config_and_context(&options.client()?, context.clone()).map_err(SettingsError::from)?;
    let asked = tokio::task::spawn_blocking(move || {
        // Why it failed is told to whoever listens.
        let metadata = consumer.fetch_metadata(None, PATIENCE).inspect_err(|_| drop(consumer.poll(REASON_PATIENCE)))?;
        let found = metadata.topics().iter().map(|topic| {
            let replicas = topic.partitions().iter().map(|partition| partition.replicas().len()).min().unwrap_or(0);
            (topic.name().to_owned(), Found { partitions: topic.partitions().len(), replicas })
        });
        Ok(found.collect())
    });
    match asked.await {
        Ok(found) => found.map_err(|error| OpenError::away(&options.bootstrap, &error, context.failure())),
        Err(error) => Err(OpenError::Away { bootstrap: options.bootstrap.clone(), why: error.to_string() }),
    }
}

/// The settings that differ, of topics that stand.
async fn settings_differ(
    options: &Options,
    names: &Names,
    spec: &Spec,
    standing: &[String],
) -> Result<Vec<Mismatch>, OpenError> {
    if standing.is_empty() {
        return Ok(Vec::new());
    }
    let resources: Vec<_> = standing.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
    let admin = admin(options)?;
    let described = admin.describe_configs(&resources, &AdminOptions::new().request_timeout(Some(PATIENCE))).await;
    let described = described.map_err(|error| OpenError::away(&options.bootstrap, &error, None))?;
    let wanted: BTreeMap<_, _> = wanted(names, spec).into_iter().map(|wanted| (wanted.name.clone(), wanted)).collect();
    let mut mismatches = Vec::new();
    for (name, resource) in standing.iter().zip(described) {
        let refused = |code: RDKafkaErrorCode| OpenError::Away {
            bootstrap: options.bootstrap.clone(),
            why: format!("the settings of {name} can't be read: {code}"),
        };
        let resource = resource.map_err(refused)?;
        let Some(wanted) = wanted.get(name) else { continue };
        for (&key, expected) in &wanted.settings {
            let found = resource.get(key).and_then(|entry| entry.value.clone()).unwrap_or_default();
            if !same(&found, expected) {
                mismatches.push(Mismatch {
                    topic: name.clone(),
                    what: key.to_owned(),
                    found,
                    expected: expected.clone(),
                    advice: format!(
                        "kafka-configs.sh --bootstrap-server {} --alter --topic {name} --add-config {key}=[{expected}]",
                        options.bootstrap
                    ),
                });
            }
        }
    }
    Ok(mismatches)
}

/// Lists are the same in any order.
fn same(found: &str, expected: &str) -> bool {
    let parts = |text: &str| {
        let mut parts: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
        parts.sort();
        parts
    };
    parts(found) == parts(expected)
}

fn admin(options: &Options) -> Result<AdminClient<Context>, OpenError> {
    Ok(AdminClient::from_config_and_context(&options.client()?, Context::default()).map_err(SettingsError::from)?)
}

/// Makes all topics that a plan wants made.
async fn make(options: &Options, spec: &Spec, plan: &[Step]) -> Result<(), OpenError> {
    let away = |why: String| OpenError::Away { bootstrap: options.bootstrap.clone(), why };
    let number = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let mut wanted = BTreeMap::new();
    let mut new = Vec::new();
    for step in plan {
        let Step::Make { topic, partitions, settings } = step else { continue };
        let made = NewTopic::new(topic, number(*partitions), TopicReplication::Fixed(number(spec.replication)));
        new.push(settings.iter().fold(made, |made, (key, value)| made.set(key, value)));
        wanted.insert(topic.as_str(), *partitions as usize);
    }
    if new.is_empty() {
        return Ok(());
    }
    let asked = AdminOptions::new().request_timeout(Some(MAKE_PATIENCE)).operation_timeout(Some(MAKE_PATIENCE));
    let results = admin(options)?.create_topics(&new, &asked).await.map_err(|error| away(error.to_string()))?;
    for result in results {
        match result {
            // Somebody else makes them, too.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err(away(format!("the topic {name} can't be made: {code}"))),
        }
    }
    // The controller knows them by now, and the brokers a moment later.
    for _ in 0..MAKE_PATIENCE.as_millis() / SETTLE_EVERY.as_millis() {
        let found = found(options).await?;
        let is_there =
            |(name, partitions): (&&str, &usize)| found.get(*name).is_some_and(|found| found.partitions == *partitions);
        if wanted.iter().all(is_there) {
            return Ok(());
        }
        tokio::time::sleep(SETTLE_EVERY).await;
    }
    Err(away("the topics were made, and the brokers don't know them all yet: try again".to_owned()))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn spec() -> Spec {
        let count = |n| NonZeroU32::new(n).unwrap();
        Spec {
            partitions: Partitions { chats: count(4), users: count(8) },
            replication: 3,
            min_insync_replicas: 2,
            retention: Duration::from_secs(60),
            gateways: 2,
        }
    }

    #[test]
    fn what_owners_release_has_no_retention() {
        for topic in [Topic::Commands, Topic::Inbox] {
            let settings = settings(&topic, &spec());
            assert_eq!((&*settings["retention.ms"], &*settings["cleanup.policy"]), ("-1", "delete"));
        }
        assert_eq!(settings(&Topic::Events, &spec())["retention.ms"], "60000");
    }

    #[test]
    fn all_topics_have_the_broker_stamp_the_time() {
        for wanted in wanted(&Names::new("x").unwrap(), &spec()) {
            assert_eq!(wanted.settings["message.timestamp.type"], "LogAppendTime", "{}", wanted.name);
            assert_eq!(wanted.settings["min.insync.replicas"], "2", "{}", wanted.name);
        }
    }

    #[test]
    fn lists_are_the_same_in_any_order() {
        assert!(same("delete,compact", "compact, delete") && !same("delete", "compact,delete"));
    }
}
