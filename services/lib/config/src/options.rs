//! The options.

use std::path::PathBuf;

use crate::{Secret, table::options};

/// The secret that `--dev` signs tokens with. It is public: whoever reads this can be any user.
pub const DEV_AUTH_SECRET: &str = "chasqui-dev-secret-known-to-everybody";

/// The master key of `--dev`. It is public: it protects nothing.
pub const DEV_SEAL_MASTER_KEY: &str = "Y2hhc3F1aS1kZXYta2V5LWtub3duLXRvLWV2ZXJ5MSE=";

/// The token that `--dev` takes for an operator's. It is public, too.
pub const DEV_ADMIN_TOKEN: &str = "chasqui-dev-admin-token-known-to-everybody";

options! {
    /// All options of the binary.
    Options {
        /// The address and port that the gateway listens on.
        listen: String = "127.0.0.1:7600",
        /// The folder of the embedded log and store, for `chasqui serve`.
        data: PathBuf = "./data",
        /// How long a gateway counts as alive after its last heartbeat, in milliseconds.
        lease_ms: u64 = 10_000,
        /// How often a gateway says that it is alive, in milliseconds; less than half of `lease_ms`.
        heartbeat_ms: u64 = 2_000,
    }

    /// The log: the embedded one, and where it is said, the one on Kafka as well.
    log: Log {
        /// The size at which a segment is closed and the next one begun (64 MiB).
        segment_bytes: u64 = 67_108_864,
        /// How long records are kept, in milliseconds (7 days); on Kafka as well.
        retention_ms: u64 = 604_800_000,
        /// How big the log may become before old segments go early; without it only time counts. At least two segments.
        bytes_max: Option<u64> = None,
        /// The partitions of topics by chat. Fixed when the data folder is created, or the topics. Without it 4 in Kafka; in a
        /// data folder what it has, and 1 in a new one: one process does the same work in fewer and larger batches then, and
        /// more pay only where there are processors to spare.
        partitions_chats: Option<u32> = None,
        /// The partitions of topics by user, likewise.
        partitions_users: Option<u32> = None,
    }

    /// The embedded store.
    store: Store {
        /// The memory for its cache (64 MiB).
        cache_bytes: usize = 67_108_864,
        /// How often it is flushed to disk, in milliseconds.
        flush_interval_ms: u64 = 1_000,
        /// How long inbox rows are kept, in days; in CQL as well. In CQL rows go by the number that held when they were
        /// written: raise it a few days after the processes that write, or cursors lead to rows that are gone.
        inbox_retention_days: u32 = 30,
    }

    /// Apache Kafka, for roles in processes of their own.
    kafka: Kafka {
        /// Some of the brokers, as `host:port,host:port`.
        bootstrap: Option<String> = None,
        /// What the names of all topics and groups begin with.
        prefix: String = "chasqui",
        /// What this process is called in the brokers' logs; where members share partitions, its name in the group, which
        /// is its own and stays. Without it the name of the role and the host's.
        client_id: Option<String> = None,
        /// A file with settings of librdkafka for TLS, SASL, sockets and compression, one `key=value` a line.
        properties_file: Option<PathBuf> = None,
        /// How partitions are shared: `consumer` by the brokers (KIP-848, from Kafka 4.0 on) or, where that is switched
        /// off, by the members; `classic` by the members, for older brokers.
        group_protocol: String = "consumer",
        /// How many bytes of records may wait to be written (32 MiB).
        queue_bytes_max: usize = 33_554_432,
        /// For `chasqui topics apply`: on how many brokers each partition lies.
        replication: u32 = 3,
        /// On how many of them a record must be before it counts as written.
        min_insync_replicas: u32 = 2,
        /// For how many gateways there is a topic: those with the ids `gateway-0` and so on.
        gateways: u32 = 16,
    }

    /// The schema registry that `chasqui schemas register` makes known what is in topics on Kafka. No server asks it.
    registry: Registry {
        /// The address of its REST API, which is Confluent's: `http://localhost:8081`, or with Apicurio
        /// `http://localhost:8080/apis/ccompat/v7`. With a password https, or http on this machine.
        url: Option<String> = None,
        /// The user to log in as, if it wants one.
        user: Option<String> = None,
        /// Their password.
        password: Option<Secret> = None,
    }

    /// The store in CQL (ScyllaDB, Apache Cassandra), for roles in processes of their own.
    cql: Cql {
        /// Some of the nodes, as `host:port,host:port`.
        contact_points: Option<String> = None,
        /// The keyspace.
        keyspace: String = "chasqui",
        /// The data centre whose nodes are asked; without it the one of the node that answers first.
        datacenter: Option<String> = None,
        /// The user to log in as, if the nodes want one.
        user: Option<String> = None,
        /// Their password.
        password: Option<Secret> = None,
        /// A file with certificates (PEM) that the nodes' must come from; without it there is no TLS.
        ca_file: Option<PathBuf> = None,
        /// How long a statement may take, in milliseconds.
        timeout_ms: u64 = 5_000,
        /// How many statements may be under way; beyond it those that follow wait.
        concurrency_max: usize = 256,
        /// For `chasqui schema migrate`: on how many nodes each row lies.
        replication: u32 = 3,
    }

    /// Who may connect.
    auth: Auth {
        /// The secret that tokens are signed with (HS256), of 32 bytes or more.
        secret: Option<Secret> = None,
        /// A file with the identity provider's public keys (a JWK set), for tokens signed with EdDSA, RS256 or ES256.
        jwks_file: Option<PathBuf> = None,
        /// Where the provider serves them instead: https, or http on this machine.
        jwks_url: Option<String> = None,
        /// How long the keys are used until they are read again, in milliseconds; so long a removed key still counts.
        jwks_refresh_ms: u64 = 300_000,
        /// How often they are read at most when a token names a key that is not among them, in milliseconds.
        jwks_refresh_least_ms: u64 = 10_000,
        /// What a token's `iss` must be; without it any.
        issuer: Option<String> = None,
        /// What a token's `aud` must hold; without it any.
        audience: Option<String> = None,
        /// How far clocks may differ when a token's times are judged, in milliseconds.
        leeway_ms: u64 = 5_000,
    }

    /// Who may write to whom.
    policy: Policy {
        /// `open`: everybody to everybody; `token`: the sender's token says to whom; `hook`: your server says.
        mode: Option<String> = None,
        /// With `token`: the claim that lists the users to whom the sender may write, or is `"*"`.
        claim: String = "write_to",
        /// With `hook`: where to ask: https, or http on this machine.
        hook_url: Option<String> = None,
        /// A bearer token that the hook is asked with.
        hook_token: Option<Secret> = None,
        /// How long the hook may take, in milliseconds; a message waits for it, and is not taken without it.
        hook_timeout_ms: u64 = 2_000,
        /// How long its answer counts, in milliseconds.
        hook_cache_ms: u64 = 60_000,
    }

    /// What is asked of others: the provider's keys, the hook, and the schema registry.
    outbound: Outbound {
        /// A file with certificates (PEM) that are trusted beside those of the system.
        ca_file: Option<PathBuf> = None,
    }

    /// For operators.
    admin: Admin {
        /// The bearer token of the admin API and of the metrics, of 32 bytes or more; without it both are off.
        token: Option<Secret> = None,
    }

    /// The sealing of what users write.
    seal: Seal {
        /// The key that wraps data keys: 32 bytes as base64. `openssl rand -base64 32` makes one. What is sealed under
        /// a lost key stays closed.
        master_key: Option<Secret> = None,
    }

    /// The gateway and its limits.
    gateway: Gateway {
        /// The gateway's id: stable over restarts, and its own.
        id: String = "gateway-0",
        /// The most sessions at a time.
        sessions_max: usize = 50_000,
        /// The most connections that are no sessions, because they have not said hello or ask over HTTP; beyond it the one
        /// that was idle longest gives way.
        unauthenticated_max: usize = 1_024,
        /// The most connections from one address; 0 is no limit.
        connections_per_address_max: usize = 0,
        /// The header in which a proxy in front names the client's address, such as `x-forwarded-for`; the last one in it
        /// counts. Without it the address is that of the connection.
        address_header: Option<String> = None,
        /// The most devices of one user that have sessions.
        sessions_per_user_max: usize = 20,
        /// The longest frame that a client may send, in bytes.
        frame_bytes_max: usize = 131_072,
        /// The longest body of a request over HTTP, in bytes.
        request_bytes_max: usize = 16_384,
        /// The most frames that wait for a slow session; beyond it the session is repaired from its inbox.
        queue_frames_max: usize = 256,
        /// The most entries that a session may leave unacknowledged.
        unacked_max: usize = 1_024,
        /// The most commands of a session that may wait for their outcome.
        outstanding_max: usize = 64,
        /// How long a session may be silent before it is closed, in milliseconds.
        idle_ms: u64 = 60_000,
        /// How often a silent session is pinged, in milliseconds; less than `gateway.idle_ms`.
        ping_ms: u64 = 25_000,
        /// How long a new connection may take to say who it is, in milliseconds.
        hello_ms: u64 = 10_000,
        /// How long sessions may take to go when the gateway stops, in milliseconds.
        drain_ms: u64 = 5_000,
        /// Clients that are sent away come back after a time of their own, up to so many milliseconds.
        reconnect_ms: u64 = 2_000,
    }

    /// What users may do. Each gateway counts for itself; 0 is no limit where nothing else is said.
    limits: Limits {
        /// The longest body, in bytes; at most 262,144.
        body_bytes_max: usize = 65_536,
        /// The most members of a group; at least 2 and at most 1,024. Of a group that has more already, nobody goes.
        group_members_max: usize = 1_024,
        /// For how many seconds whoever wrote a message can edit it; at most 2,592,000, and 0 is never.
        edit_within_s: u32 = 900,
        /// For how many seconds whoever wrote a message can delete it for everybody; at most 2,592,000, and 0 is never.
        delete_within_s: u32 = 172_800,
        /// The most frames of a session in a second; it may be ten times as many at once.
        frames_per_second: u32 = 500,
        /// The most messages of a user in a second; it may be ten times as many at once.
        sends_per_second: u32 = 100,
        /// The most requests over HTTP and new sessions of a user in a second; it may be ten times as many at once.
        requests_per_second: u32 = 50,
        /// The most chats that a user may open at once, and then in an hour.
        chats_opened_per_hour: u32 = 500,
        /// The most log-ins of all users in a second; it may be as many at once. Those beyond are told when to come back,
        /// one behind the other and 120 s later at most. A log-in takes about 0.3 ms of a core in all roles together, and the
        /// reading of what was missed on top: 500 leave most of a core to the sessions that are there, and let all of
        /// `gateway.sessions_max` back in within 100 s. Less suits a store that is slow.
        logins_per_second: u32 = 500,
    }
}

impl Options {
    /// Fills in the built-in secret and master key where none are set, so that Chasqui can be tried without any. Where
    /// there is a provider the built-in secret stays out: with it anybody could be any of the provider's users.
    #[must_use]
    pub fn dev(mut self) -> Self {
        if self.auth.jwks_file.is_none() && self.auth.jwks_url.is_none() {
            self.auth.secret.get_or_insert_with(|| Secret::new(DEV_AUTH_SECRET));
        }
        self.seal.master_key.get_or_insert_with(|| Secret::new(DEV_SEAL_MASTER_KEY));
        self.admin.token.get_or_insert_with(|| Secret::new(DEV_ADMIN_TOKEN));
        self.policy.mode.get_or_insert_with(|| "open".to_owned());
        self
    }

    /// Whether a built-in secret or key is in use, from wherever it came: worth a warning at the start.
    #[must_use]
    pub fn uses_dev_keys(&self) -> bool {
        let is = |secret: &Option<Secret>, built_in| secret.as_ref().is_some_and(|it| it.expose() == built_in);
        is(&self.auth.secret, DEV_AUTH_SECRET)
            || is(&self.seal.master_key, DEV_SEAL_MASTER_KEY)
            || is(&self.admin.token, DEV_ADMIN_TOKEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_in_the_table_is_the_one_of_the_structs() {
        for entry in TABLE {
            let text = entry.default.unwrap_or(crate::kind::NOT_SET).trim_matches('"').replace('_', "");
            assert_eq!((entry.shown)(&Options::default()).replace('_', ""), text, "{}", entry.key);
        }
    }

    #[test]
    fn dev_fills_only_what_is_missing() {
        let mut options = Options::default();
        options.auth.secret = Some(Secret::new("mine"));
        let options = options.dev();
        assert_eq!(options.auth.secret, Some(Secret::new("mine")));
        assert_eq!(options.seal.master_key, Some(Secret::new(DEV_SEAL_MASTER_KEY)));
        assert!(options.uses_dev_keys());
        assert!(!Options::default().uses_dev_keys());
        let mut options = Options::default();
        options.auth.jwks_url = Some("https://idp.example/jwks".to_owned());
        assert_eq!(options.dev().auth.secret, None);
    }
}
