//! How the clients are set up. What promises depend on can't be set from outside; where the brokers are and how they are
//! spoken to can.

use std::{collections::BTreeMap, fmt, time::Duration};

use chasqui_log::{HEADER_BYTES_LEAST, RECORD_BYTES_MAX};
use rdkafka::{ClientConfig, config::RDKafkaLogLevel};

use crate::names::Names;

/// How much larger a batch on the wire may be than the largest record: its own header, and what keys and headers cost
/// beside their bytes.
pub(crate) const BATCH_OVERHEAD_BYTES: usize = 64 * 1024;

// Otherwise the broker would refuse what the log takes.
const _: () = assert!(BATCH_OVERHEAD_BYTES > 16 * HEADER_BYTES_LEAST);

/// The largest batch on the wire.
pub(crate) const BATCH_BYTES_MAX: usize = RECORD_BYTES_MAX + BATCH_OVERHEAD_BYTES;

/// What a reader of a partition holds ready at most, in KiB; a larger batch alone is held as well.
const READ_AHEAD_KIB: &str = "2048";

/// What may be set from outside begins with one of these.
const PASSED_THROUGH: [&str; 14] = [
    "security.",
    "sasl.",
    "ssl.",
    "enable.ssl.",
    "enable.sasl.",
    "socket.",
    "broker.address.",
    "client.rack",
    "metadata.max.age.ms",
    "metadata.recovery.",
    "reconnect.backoff.",
    "compression.",
    "linger.ms",
    "statistics.interval.ms",
];

/// How the members of a group share partitions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GroupProtocol {
    /// The brokers assign them (KIP-848), from Kafka 4.0 on. Where that is switched off, as with
    /// [`GroupProtocol::Classic`]; older brokers never answer.
    #[default]
    Consumer,
    /// The members assign them among each other, cooperatively, for brokers before Kafka 4.0.
    Classic,
}

/// Where the brokers are, and what the topics are called.
#[derive(Clone)]
pub struct Options {
    /// Some of the brokers, as `host:port,host:port`.
    pub bootstrap: String,
    /// What the names of all topics and groups begin with.
    pub prefix: String,
    /// What this process is called in the logs and metrics of the brokers.
    pub client_id: String,
    /// Its name as a static member of a group where members share partitions: stable over restarts, and its own. Without it
    /// whoever begins again is another member.
    pub member_name: Option<String>,
    /// Settings of the client library (librdkafka) for TLS, SASL, sockets and compression. See [`Options::check`].
    pub properties: BTreeMap<String, String>,
    /// How long what is released of `commands` and `inbox` is kept all the same.
    pub retention: Duration,
    /// How many bytes of records may wait to be written.
    pub queue_bytes_max: usize,
    /// How groups share partitions.
    pub group_protocol: GroupProtocol,
}

impl Options {
    /// Defaults for these brokers.
    #[must_use]
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            prefix: "chasqui".to_owned(),
            client_id: "chasqui".to_owned(),
            member_name: None,
            properties: BTreeMap::new(),
            retention: Duration::from_secs(7 * 24 * 60 * 60),
            queue_bytes_max: 32 * 1024 * 1024,
            group_protocol: GroupProtocol::default(),
        }
    }

    /// Whether all of this can be taken. What the log's promises rest on (`acks`, idempotence, time-outs of delivery,
    /// groups and their offsets) is not among the properties that can be set.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn check(&self) -> Result<(), SettingsError> {
        Names::new(&self.prefix)?;
        for key in self.properties.keys() {
            if !PASSED_THROUGH.iter().any(|prefix| key.starts_with(prefix)) {
                return Err(SettingsError::Property { key: key.clone() });
            }
        }
        Ok(())
    }

    /// What all clients have.
    pub(crate) fn client(&self) -> Result<ClientConfig, SettingsError> {
        self.check()?;
        let mut config = ClientConfig::new();
        // Why a broker hangs up is told on this level.
        config
            .set_log_level(RDKafkaLogLevel::Info)
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", &self.client_id)
            .set("allow.auto.create.topics", "false")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.keepalive.enable", "true")
            .set("message.max.bytes", BATCH_BYTES_MAX.to_string());
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        Ok(config)
    }

    /// What writes. It never gives up on a record: a sequencer would have to end its ownership, and a message that was
    /// taken late is better than one of which nobody knows. A record alone goes at once; while requests are under way
    /// the next batch gathers.
    pub(crate) fn producer(&self) -> Result<ClientConfig, SettingsError> {
        let mut config = self.client()?;
        for (key, value) in [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            // Behind a record that can't be written nothing more is, or the rest of its batch would come before it when it is
            // published again, and be taken for the newest.
            ("enable.gapless.guarantee", "true"),
            ("delivery.timeout.ms", "0"),
            ("retry.backoff.ms", "50"),
            ("retry.backoff.max.ms", "1000"),
            // What waits is bounded in bytes before it gets here.
            ("queue.buffering.max.messages", "0"),
            ("queue.buffering.max.kbytes", "2147483647"),
        ] {
            config.set(key, value);
        }
        for (key, value) in [("linger.ms", "0"), ("compression.codec", "lz4")] {
            let is_chosen = self.properties.contains_key(key) || (key == "compression.codec" && self.compresses());
            if !is_chosen {
                config.set(key, value);
            }
        }
        Ok(config)
    }

    fn compresses(&self) -> bool {
        self.properties.keys().any(|key| key.starts_with("compression."))
    }

    /// What reads partitions that it names itself.
    pub(crate) fn readers(&self) -> Result<ClientConfig, SettingsError> {
        let mut config = self.client()?;
        let group = Names::new(&self.prefix)?.group("readers");
        // The library wants a group's name even of those who never join one.
        config.set("group.id", group);
        for (key, value) in [
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            // An offset that is gone is the reader's to report.
            ("auto.offset.reset", "error"),
            // A partition that is added waits for the fetch that is under way.
            ("fetch.wait.max.ms", "100"),
            ("fetch.error.backoff.ms", "50"),
            ("fetch.queue.backoff.ms", "10"),
            ("queued.min.messages", "1000"),
            ("queued.max.messages.kbytes", READ_AHEAD_KIB),
            ("check.crcs", "true"),
        ] {
            config.set(key, value);
        }
        config.set("fetch.message.max.bytes", BATCH_BYTES_MAX.to_string());
        Ok(config)
    }

    /// What shares the partitions of a topic with others of its group, by a protocol. It reads nothing.
    pub(crate) fn member(&self, role: &str, protocol: GroupProtocol) -> Result<ClientConfig, SettingsError> {
        let mut config = self.client()?;
        config.set("group.id", Names::new(&self.prefix)?.group(role));
        for (key, value) in
            [("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"), ("auto.offset.reset", "latest")]
        {
            config.set(key, value);
        }
        match protocol {
            GroupProtocol::Consumer => {
                config.set("group.protocol", "consumer");
            }
            GroupProtocol::Classic => {
                config.set("group.protocol", "classic");
                config.set("partition.assignment.strategy", "cooperative-sticky");
                if let Some(name) = &self.member_name {
                    config.set("group.instance.id", name);
                }
                config.set("session.timeout.ms", "10000");
                config.set("heartbeat.interval.ms", "1000");
            }
        }
        Ok(config)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Passwords are among the properties.
        f.debug_struct("Options")
            .field("bootstrap", &self.bootstrap)
            .field("prefix", &self.prefix)
            .field("client_id", &self.client_id)
            .field("properties", &self.properties.keys())
            .field("retention", &self.retention)
            .field("queue_bytes_max", &self.queue_bytes_max)
            .field("group_protocol", &self.group_protocol)
            .finish()
    }
}

/// Why options are no settings of a client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The prefix can't be part of a topic's name.
    #[error("{prefix:?} can't be what topics' names begin with: use up to 128 of A-Z, a-z, 0-9, '.', '_' and '-'")]
    Prefix {
        /// What was given.
        prefix: String,
    },
    /// A property that can't be set.
    #[error("the property {key:?} can't be set: those for TLS, SASL, sockets, metadata and compression can")]
    Property {
        /// The property.
        key: String,
    },
    /// The client library doesn't take them.
    #[error("the Kafka client doesn't take its settings: {why}")]
    Client {
        /// What it says.
        why: String,
    },
}

impl From<rdkafka::error::KafkaError> for SettingsError {
    fn from(error: rdkafka::error::KafkaError) -> Self {
        match error {
            // As a whole it would show the value, which may be a password.
            rdkafka::error::KafkaError::ClientConfig(_, why, key, _) => Self::Client { why: format!("{key}: {why}") },
            error => Self::Client { why: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::config::FromClientConfigAndContext;

    use super::*;

    #[test]
    fn what_promises_rest_on_is_not_set_from_outside() {
        let mut options = Options::new("localhost:9092");
        options.properties.insert("sasl.password".to_owned(), "secret".to_owned());
        assert!(options.check().is_ok());
        assert!(!format!("{options:?}").contains("secret\""));
        for key in ["acks", "enable.idempotence", "delivery.timeout.ms", "group.id", "metadata.broker.list"] {
            let mut options = options.clone();
            options.properties.insert(key.to_owned(), "x".to_owned());
            assert!(matches!(options.check(), Err(SettingsError::Property { .. })), "{key}");
        }
    }

    #[test]
    fn a_setting_that_is_not_taken_is_named_and_its_value_is_not() {
        let mut options = Options::new("localhost:9092");
        options.properties.insert("sasl.passwrod".to_owned(), "hush".to_owned());
        let made = rdkafka::consumer::BaseConsumer::<crate::context::Context>::from_config_and_context(
            &options.client().unwrap(),
            crate::context::Context::default(),
        );
        let error = SettingsError::from(made.err().unwrap());
        assert!(
            error.to_string().contains("sasl.passwrod") && !format!("{error} {error:?}").contains("hush"),
            "{error}"
        );
    }

    #[test]
    fn compression_can_be_chosen() {
        let mut options = Options::new("localhost:9092");
        assert_eq!(options.producer().unwrap().get("compression.codec"), Some("lz4"));
        options.properties.insert("compression.type".to_owned(), "gzip".to_owned());
        let config = options.producer().unwrap();
        assert_eq!((config.get("compression.codec"), config.get("compression.type")), (None, Some("gzip")));
    }
}
