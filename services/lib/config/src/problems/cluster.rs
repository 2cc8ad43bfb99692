//! What is checked of Kafka, CQL and the registry.

use chasqui_auth::{Address, AddressError};

use super::Problems;
use crate::Options;

const GATEWAYS_MAX: u32 = 4_096;

/// A gateway's topic has the longest name behind it, and Kafka takes up to 249.
const PREFIX_BYTES_MAX: usize = 128;

/// The longest name that Cassandra takes.
const KEYSPACE_BYTES_MAX: usize = 48;

impl Options {
    pub(super) fn check_kafka(&self, problems: &mut Problems) {
        let kafka = &self.kafka;
        problems.set("kafka.bootstrap", kafka.bootstrap.is_some(), "some of the brokers, like localhost:9092");
        problems.unless(
            matches!(&*kafka.group_protocol, "consumer" | "classic"),
            "kafka.group_protocol",
            "use consumer, or classic for brokers before Kafka 4.0",
        );
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        problems.unless(
            (1..=PREFIX_BYTES_MAX).contains(&kafka.prefix.len()) && kafka.prefix.chars().all(fits),
            "kafka.prefix",
            format!("use up to {PREFIX_BYTES_MAX} of A-Z, a-z, 0-9, '.', '_' and '-'"),
        );
        problems.unless(
            kafka.group_protocol != "classic" || kafka.client_id.is_some(),
            "kafka.client_id",
            "set it, for each process its own: with the classic protocol it is its name in the group",
        );
        problems.at_least_one("kafka.queue_bytes_max", kafka.queue_bytes_max as u64);
        problems.at_least_one("kafka.replication", u64::from(kafka.replication));
        problems.unless(
            (1..=kafka.replication).contains(&kafka.min_insync_replicas),
            "kafka.min_insync_replicas",
            "use a number from 1 to kafka.replication",
        );
        problems.unless(
            (1..=GATEWAYS_MAX).contains(&kafka.gateways),
            "kafka.gateways",
            format!("use a number from 1 to {GATEWAYS_MAX}"),
        );
    }

    /// Only these have a topic.
    pub(super) fn check_gateway_id(&self, problems: &mut Problems) {
        let number = self.gateway.id.strip_prefix("gateway-").filter(|number| !number.starts_with('+'));
        let number = number.and_then(|number| number.parse::<u32>().ok().filter(|it| it.to_string() == number));
        problems.unless(
            number.is_some_and(|number| number < self.kafka.gateways),
            "gateway.id",
            "use gateway-0, gateway-1 and so on, below kafka.gateways, each for one gateway",
        );
    }

    pub(super) fn check_registry(&self, problems: &mut Problems) {
        let registry = &self.registry;
        problems.set(
            "registry.url",
            registry.url.is_some(),
            "the schema registry's address, like http://localhost:8081",
        );
        problems.unless(
            registry.user.is_some() == registry.password.is_some(),
            "registry.password",
            "set registry.user and registry.password together, or neither",
        );
        let Some(url) = &registry.url else { return };
        // Schemas are no secret, so that only a password needs a way that nobody else can read.
        let is_plain = url.starts_with("http://") && registry.password.is_none();
        match Address::parse(url) {
            Ok(_) => {}
            Err(AddressError::Plain) if is_plain => {}
            Err(AddressError::Plain) => {
                problems.add("registry.url", "use https; http is for this machine, or without registry.password");
            }
            Err(AddressError::Unreadable) => {
                problems.add("registry.url", "write an address, like http://localhost:8081");
            }
        }
        problems.unless(
            !url.contains('@'),
            "registry.url",
            "leave out user and password: set registry.user and registry.password",
        );
    }

    pub(super) fn check_cql(&self, problems: &mut Problems) {
        let cql = &self.cql;
        problems.set("cql.contact_points", cql.contact_points.is_some(), "some of the nodes, like localhost:9042");
        let is_name = |name: &str| {
            let mut letters = name.bytes();
            letters.next().is_some_and(|first| first.is_ascii_lowercase())
                && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        problems.unless(
            is_name(&cql.keyspace) && cql.keyspace.len() <= KEYSPACE_BYTES_MAX,
            "cql.keyspace",
            format!("use up to {KEYSPACE_BYTES_MAX} of a-z, 0-9 and _, beginning with a letter"),
        );
        problems.unless(
            cql.user.is_some() == cql.password.is_some(),
            "cql.password",
            "set cql.user and cql.password together, or neither",
        );
        problems.at_least_one("cql.timeout_ms", cql.timeout_ms);
        problems.at_least_one("cql.concurrency_max", cql.concurrency_max as u64);
        problems.at_least_one("cql.replication", u64::from(cql.replication));
    }
}

#[cfg(test)]
mod tests {
    use crate::{Options, Purpose, Secret};

    #[test]
    fn each_purpose_looks_at_what_it_needs() {
        let keys = |options: &Options, purpose| -> Vec<&'static str> {
            let problems = options.validate_for(purpose).err().map_or_else(Vec::new, |invalid| invalid.0);
            problems.iter().map(|problem| problem.key).collect()
        };
        let mut options = Options::default();
        assert_eq!(keys(&options, Purpose::Topics), ["kafka.bootstrap"]);
        assert_eq!(keys(&options, Purpose::Schema), ["cql.contact_points"]);
        assert_eq!(keys(&options, Purpose::Worker), ["kafka.bootstrap", "cql.contact_points"]);
        options.kafka.bootstrap = Some("localhost:9092".to_owned());
        options.cql.contact_points = Some("localhost:9042".to_owned());
        assert_eq!(keys(&options, Purpose::Worker), [""; 0]);
        assert_eq!(keys(&options, Purpose::Gateway), ["auth.secret", "seal.master_key", "policy.mode"]);
        assert_eq!(keys(&options.clone().dev(), Purpose::Gateway), [""; 0]);
        for (id, fits) in [("gateway-15", true), ("gateway-16", false), ("gateway-01", false), ("eu-1", false)] {
            let mut options = options.clone().dev();
            options.gateway.id = id.to_owned();
            assert_eq!(keys(&options, Purpose::Gateway).is_empty(), fits, "{id}");
            assert_eq!(keys(&options, Purpose::Worker), [""; 0]);
        }
        assert_eq!(keys(&options, Purpose::Schemas), ["registry.url"]);
        let registry = |url: &str, user: Option<&str>, password: Option<&str>| {
            let mut options = options.clone();
            options.registry.url = Some(url.to_owned());
            options.registry.user = user.map(str::to_owned);
            options.registry.password = password.map(Secret::new);
            keys(&options, Purpose::Schemas)
        };
        assert_eq!(registry("http://registry:8081", None, None), [""; 0]);
        assert_eq!(registry("http://registry:8081", Some("chasqui"), Some("hush")), ["registry.url"]);
        assert_eq!(registry("http://localhost:8081", Some("chasqui"), Some("hush")), [""; 0]);
        assert_eq!(registry("https://registry.example", Some("chasqui"), None), ["registry.password"]);
        for wrong in ["registry:8081", "ftp://registry", "8081", "https://chasqui:hush@registry.example"] {
            assert_eq!(registry(wrong, None, None), ["registry.url"], "{wrong}");
        }
        options.kafka.min_insync_replicas = 4;
        options.cql.keyspace = "Chat".to_owned();
        options.cql.user = Some("chasqui".to_owned());
        let wrong = ["kafka.min_insync_replicas", "cql.keyspace", "cql.password"];
        assert_eq!(keys(&options, Purpose::Worker), wrong);
    }
}
