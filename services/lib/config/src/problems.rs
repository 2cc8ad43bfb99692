//! What options must hold together, and what to do when they don't.

mod cluster;

use std::{fmt, path::Path};

use chasqui_auth::Address;
use chasqui_domain::GatewayId;
use chasqui_seal::MasterKey;

use crate::{Options, Secret, environment::variable};

/// The shortest secret for HS256: as long as its hash (RFC 7518, 3.2).
pub const SECRET_BYTES_LEAST: usize = 32;

/// What a `send` frame may have beside its body: ids, mentions, the names of its fields.
const FRAME_OVERHEAD_BYTES: usize = 16 * 1024;

/// The most that `limits.body_bytes_max` may be.
pub const BODY_BYTES_LIMIT: usize = 262_144;

/// The most that `limits.edit_within_s` and `limits.delete_within_s` may be: 30 days.
const ACT_WITHIN_S_LIMIT: u32 = 2_592_000;
/// The most that `limits.group_members_max` may be.
const GROUP_MEMBERS_LIMIT: usize = 1_024;

const SEGMENT_BYTES_LEAST: u64 = 1 << 20;
const PARTITIONS_MAX: u32 = 1_024;

/// What is wrong with one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The option.
    pub key: &'static str,
    /// What to do about it.
    pub advice: String,
}

/// All that is wrong. Shows no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Invalid(
    /// At least one.
    pub Vec<Problem>,
);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|problem| format!("{}: {}", problem.key, problem.advice)).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// What options are to be enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// All roles in one process, on the embedded log and store.
    Serve,
    /// A gateway on Kafka and CQL.
    Gateway,
    /// A sequencer or a router on Kafka and CQL, which need no key and no secret of users.
    Worker,
    /// Making and checking topics.
    Topics,
    /// Making the tables.
    Schema,
    /// Registering the schemas of what is in topics.
    Schemas,
}

impl Options {
    /// Checks that the options make a server with all roles.
    ///
    /// # Errors
    /// As [`Options::validate_for`].
    pub fn validate(&self) -> Result<(), Invalid> {
        self.validate_for(Purpose::Serve)
    }

    /// Checks that the options are enough for something, and that those that it looks at fit together.
    ///
    /// # Errors
    /// With everything that is wrong, and what to do about it.
    pub fn validate_for(&self, purpose: Purpose) -> Result<(), Invalid> {
        let mut problems = Problems(Vec::new());
        let serves = !matches!(purpose, Purpose::Topics | Purpose::Schema | Purpose::Schemas);
        if serves {
            self.check_places(&mut problems);
            self.check_admin(&mut problems);
        }
        if matches!(purpose, Purpose::Serve | Purpose::Gateway) {
            self.check_secrets(&mut problems);
            self.check_policy(&mut problems);
        }
        if purpose == Purpose::Gateway {
            self.check_gateway_id(&mut problems);
        }
        self.check_log(&mut problems);
        if serves {
            self.check_gateway(&mut problems);
        }
        if matches!(purpose, Purpose::Gateway | Purpose::Worker | Purpose::Topics | Purpose::Schemas) {
            self.check_kafka(&mut problems);
        }
        if matches!(purpose, Purpose::Gateway | Purpose::Worker | Purpose::Schema) {
            self.check_cql(&mut problems);
        }
        if purpose == Purpose::Schemas {
            self.check_registry(&mut problems);
        }
        if problems.0.is_empty() { Ok(()) } else { Err(Invalid(problems.0)) }
    }

    fn check_places(&self, problems: &mut Problems) {
        let port =
            self.listen.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        problems.unless(matches!(port, Some(Ok(_))), "listen", "write an address and a port, like 127.0.0.1:7600");
        problems.unless(self.data != Path::new(""), "data", "name a folder, like ./data");
    }

    fn check_admin(&self, problems: &mut Problems) {
        if let Some(token) = &self.admin.token {
            problems.long_enough("admin.token", token);
        }
    }

    fn check_secrets(&self, problems: &mut Problems) {
        let has_jwks = self.auth.jwks_file.is_some() || self.auth.jwks_url.is_some();
        match &self.auth.secret {
            None if has_jwks => {}
            None => problems.missing("auth.secret", "auth.secret, or auth.jwks_url or auth.jwks_file,"),
            Some(secret) => problems.long_enough("auth.secret", secret),
        }
        problems.unless(
            self.auth.jwks_file.is_none() || self.auth.jwks_url.is_none(),
            "auth.jwks_url",
            "set one of auth.jwks_url and auth.jwks_file",
        );
        problems.address("auth.jwks_url", self.auth.jwks_url.as_deref());
        for (key, value) in [("auth.issuer", &self.auth.issuer), ("auth.audience", &self.auth.audience)] {
            // A provider signs for others, too, with the same keys.
            problems.unless(!has_jwks || value.is_some(), key, format!("set {key}: it is needed with a JWK set"));
        }
        problems.at_least_one("auth.jwks_refresh_ms", self.auth.jwks_refresh_ms);
        problems.at_least_one("auth.jwks_refresh_least_ms", self.auth.jwks_refresh_least_ms);
        match self.seal.master_key.as_ref().map(Secret::expose).map(MasterKey::from_base64) {
            None => problems.missing("seal.master_key", "seal.master_key to 32 random bytes in base64"),
            Some(Err(error)) => problems.add("seal.master_key", error.to_string()),
            Some(Ok(_)) => {}
        }
    }

    fn check_policy(&self, problems: &mut Problems) {
        let policy = &self.policy;
        match policy.mode.as_deref() {
            None => problems.missing("policy.mode", "policy.mode to open, token or hook"),
            Some("open" | "token") => {}
            Some("hook") => {
                problems.unless(policy.hook_url.is_some(), "policy.hook_url", "set it: policy.mode is hook");
                problems.address("policy.hook_url", policy.hook_url.as_deref());
                problems.at_least_one("policy.hook_timeout_ms", policy.hook_timeout_ms);
            }
            Some(_) => problems.add("policy.mode", "use open, token or hook"),
        }
        problems.unless(!policy.claim.is_empty(), "policy.claim", "name a claim, like write_to");
    }

    fn check_log(&self, problems: &mut Problems) {
        let log = &self.log;
        problems.unless(
            log.segment_bytes >= SEGMENT_BYTES_LEAST,
            "log.segment_bytes",
            format!("use at least {SEGMENT_BYTES_LEAST} (1 MiB)"),
        );
        problems.at_least_one("log.retention_ms", log.retention_ms);
        problems.unless(
            log.bytes_max.is_none_or(|bytes| bytes / 2 >= log.segment_bytes),
            "log.bytes_max",
            "use at least twice log.segment_bytes, or leave it out",
        );
        for (key, count) in
            [("log.partitions_chats", log.partitions_chats), ("log.partitions_users", log.partitions_users)]
        {
            let fits = count.is_none_or(|count| (1..=PARTITIONS_MAX).contains(&count));
            problems.unless(fits, key, format!("use a number from 1 to {PARTITIONS_MAX}"));
        }
        problems.at_least_one("store.flush_interval_ms", self.store.flush_interval_ms);
        problems.at_least_one("store.inbox_retention_days", u64::from(self.store.inbox_retention_days));
    }

    fn check_gateway(&self, problems: &mut Problems) {
        let gateway = &self.gateway;
        if let Err(error) = GatewayId::new(&gateway.id) {
            problems.add("gateway.id", format!("choose another: {error}"));
        }
        for (key, number) in [
            ("gateway.sessions_max", gateway.sessions_max as u64),
            ("gateway.frame_bytes_max", gateway.frame_bytes_max as u64),
            ("gateway.queue_frames_max", gateway.queue_frames_max as u64),
            ("gateway.unacked_max", gateway.unacked_max as u64),
            ("gateway.outstanding_max", gateway.outstanding_max as u64),
            ("gateway.ping_ms", gateway.ping_ms),
            ("gateway.hello_ms", gateway.hello_ms),
            ("gateway.unauthenticated_max", gateway.unauthenticated_max as u64),
            ("gateway.sessions_per_user_max", gateway.sessions_per_user_max as u64),
            ("gateway.request_bytes_max", gateway.request_bytes_max as u64),
            ("limits.body_bytes_max", self.limits.body_bytes_max as u64),
            ("heartbeat_ms", self.heartbeat_ms),
        ] {
            problems.at_least_one(key, number);
        }
        for (key, milliseconds) in
            [("gateway.idle_ms", gateway.idle_ms), ("gateway.reconnect_ms", gateway.reconnect_ms)]
        {
            problems.unless(u32::try_from(milliseconds).is_ok(), key, "use less than 2^32");
        }
        // A header's name is a token (RFC 9110, 5.6.2); ours are letters, digits and hyphens.
        let is_header =
            |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        problems.unless(
            gateway.address_header.as_ref().is_none_or(is_header),
            "gateway.address_header",
            "name a header, like x-forwarded-for",
        );
        problems.unless(
            gateway.ping_ms < gateway.idle_ms,
            "gateway.ping_ms",
            "use less than gateway.idle_ms, so that a session that answers is not closed",
        );
        problems.unless(
            self.limits.body_bytes_max <= BODY_BYTES_LIMIT,
            "limits.body_bytes_max",
            format!("use at most {BODY_BYTES_LIMIT}"),
        );
        problems.unless(
            (2..=GROUP_MEMBERS_LIMIT).contains(&self.limits.group_members_max),
            "limits.group_members_max",
            format!("use a number from 2 to {GROUP_MEMBERS_LIMIT}"),
        );
        for (key, within_s) in [
            ("limits.edit_within_s", self.limits.edit_within_s),
            ("limits.delete_within_s", self.limits.delete_within_s),
        ] {
            problems.unless(within_s <= ACT_WITHIN_S_LIMIT, key, format!("use at most {ACT_WITHIN_S_LIMIT}"));
        }
        let frame_bytes_least =
            self.limits.body_bytes_max.saturating_mul(4).div_ceil(3).saturating_add(FRAME_OVERHEAD_BYTES);
        problems.unless(
            gateway.frame_bytes_max >= frame_bytes_least,
            "gateway.frame_bytes_max",
            format!("use at least {frame_bytes_least}, so that the largest body fits in base64"),
        );
        problems.unless(
            self.heartbeat_ms < self.lease_ms.div_ceil(2),
            "heartbeat_ms",
            "use less than half of lease_ms, so that one lost heartbeat is not a lapse",
        );
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, key: &'static str, advice: impl Into<String>) {
        self.0.push(Problem { key, advice: advice.into() });
    }

    fn unless(&mut self, holds: bool, key: &'static str, advice: impl Into<String>) {
        if !holds {
            self.add(key, advice);
        }
    }

    fn address(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(Err(error)) = text.map(Address::parse) {
            self.add(key, error.to_string());
        }
    }

    fn at_least_one(&mut self, key: &'static str, number: u64) {
        self.unless(number >= 1, key, "use at least 1");
    }

    fn long_enough(&mut self, key: &'static str, secret: &Secret) {
        let advice =
            format!("use a secret of at least {SECRET_BYTES_LEAST} bytes; `openssl rand -base64 32` makes one");
        self.unless(secret.expose().len() >= SECRET_BYTES_LEAST, key, advice);
    }

    /// One that `--dev` doesn't bring.
    fn set(&mut self, key: &'static str, is_set: bool, what: &str) {
        self.unless(is_set, key, format!("set it to {what} (environment {})", variable(key)));
    }

    fn missing(&mut self, key: &'static str, what: &str) {
        let variable = variable(key);
        self.add(key, format!("set {what} (environment {variable}), or use --dev to try Chasqui with a built-in key"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(change: impl FnOnce(&mut Options)) -> Vec<&'static str> {
        let mut options = Options::default().dev();
        change(&mut options);
        options.validate().err().map_or_else(Vec::new, |invalid| invalid.0.iter().map(|problem| problem.key).collect())
    }

    #[test]
    fn the_defaults_lack_only_the_secrets_and_say_how_to_set_them() {
        let text = Options::default().validate().unwrap_err().to_string();
        assert_eq!(
            text,
            "auth.secret: set auth.secret, or auth.jwks_url or auth.jwks_file, (environment CHASQUI_AUTH__SECRET), or use \
             --dev to try Chasqui with a built-in key\nseal.master_key: set seal.master_key to 32 random bytes in base64 (environment \
             CHASQUI_SEAL__MASTER_KEY), or use --dev to try Chasqui with a built-in key\npolicy.mode: set policy.mode to open, \
             token or hook (environment CHASQUI_POLICY__MODE), or use --dev to try Chasqui with a built-in key"
        );
        assert_eq!(keys(|_| {}), [""; 0]);
    }

    #[test]
    fn secrets_that_are_too_weak_are_refused_and_not_repeated() {
        let mut options = Options::default();
        options.auth.secret = Some(Secret::new("hush".repeat(7)));
        options.seal.master_key = Some(Secret::new("hush"));
        let invalid = options.validate().unwrap_err();
        let keys: Vec<_> = invalid.0.iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["auth.secret", "seal.master_key", "policy.mode"]);
        assert!(!format!("{invalid} {invalid:?} {options:?}").contains("hush"));
    }

    #[test]
    fn a_jwk_set_stands_in_for_the_secret_and_needs_issuer_and_audience() {
        let jwks = |change: fn(&mut Options)| {
            keys(move |options| {
                options.auth.secret = None;
                options.auth.jwks_url = Some("https://idp.example/jwks".to_owned());
                change(options);
            })
        };
        assert_eq!(jwks(|_| {}), ["auth.issuer", "auth.audience"]);
        let both = |options: &mut Options| {
            options.auth.issuer = Some("https://idp.example".to_owned());
            options.auth.audience = Some("chat".to_owned());
        };
        assert_eq!(jwks(both), [""; 0]);
        let plain = |options: &mut Options| {
            options.auth.issuer = Some("https://idp.example".to_owned());
            options.auth.audience = Some("chat".to_owned());
            options.auth.jwks_url = Some("http://idp.example/jwks".to_owned());
        };
        assert_eq!(jwks(plain), ["auth.jwks_url"]);
    }

    #[test]
    fn a_policy_is_one_of_three() {
        let mode = |mode: &str| keys(|options| options.policy.mode = Some(mode.to_owned()));
        assert_eq!(mode("token"), [""; 0]);
        assert_eq!(mode("hook"), ["policy.hook_url"]);
        assert_eq!(mode("opne"), ["policy.mode"]);
        let hook = |address: &str| {
            keys(|options| {
                options.policy.mode = Some("hook".to_owned());
                options.policy.hook_url = Some(address.to_owned());
            })
        };
        assert_eq!(hook("http://127.0.0.1:8080/may_write"), [""; 0]);
        assert_eq!(hook("http://chat.example.com/may_write"), ["policy.hook_url"]);
    }

    #[test]
    fn limits_are_held_against_their_neighbours() {
        assert_eq!(keys(|options| options.heartbeat_ms = 5_000), ["heartbeat_ms"]);
        assert_eq!(keys(|options| options.heartbeat_ms = 4_999), [""; 0]);
        assert_eq!(keys(|options| options.lease_ms = 0), ["heartbeat_ms"]);
        assert_eq!(keys(|options| options.gateway.ping_ms = 60_000), ["gateway.ping_ms"]);
        assert_eq!(keys(|options| options.gateway.frame_bytes_max = 103_765), ["gateway.frame_bytes_max"]);
        assert_eq!(keys(|options| options.gateway.frame_bytes_max = 103_766), [""; 0]);
        let body = |bytes: usize| {
            keys(move |options| {
                options.limits.body_bytes_max = bytes;
                options.gateway.frame_bytes_max = usize::MAX;
            })
        };
        assert_eq!(body(262_144), [""; 0]);
        assert_eq!(body(262_145), ["limits.body_bytes_max"]);
        let members = |count: usize| keys(move |options| options.limits.group_members_max = count);
        assert_eq!((members(2), members(1_024)), (vec![], vec![]));
        assert_eq!([members(1), members(1_025)].concat(), ["limits.group_members_max"; 2]);
        assert_eq!(keys(|options| options.limits.edit_within_s = 2_592_001), ["limits.edit_within_s"]);
        assert_eq!(keys(|options| options.limits.delete_within_s = 2_592_001), ["limits.delete_within_s"]);
        assert_eq!(keys(|options| options.log.bytes_max = Some(134_217_727)), ["log.bytes_max"]);
        assert_eq!(keys(|options| options.log.bytes_max = Some(134_217_728)), [""; 0]);
        assert_eq!(keys(|options| options.log.partitions_users = Some(0)), ["log.partitions_users"]);
    }

    #[test]
    fn places_must_be_places() {
        for listen in ["", "7600", ":7600", "localhost", "localhost:99999"] {
            assert_eq!(keys(|options| options.listen = listen.to_owned()), ["listen"], "{listen}");
        }
        for listen in ["localhost:7600", "[::1]:0", "0.0.0.0:7600"] {
            assert_eq!(keys(|options| options.listen = listen.to_owned()), [""; 0], "{listen}");
        }
        assert_eq!(keys(|options| options.gateway.id = "my gateway".to_owned()), ["gateway.id"]);
        let header = |name: &str| keys(|options| options.gateway.address_header = Some(name.to_owned()));
        assert_eq!(header("X-Forwarded-For"), [""; 0]);
        assert_eq!(header("x forwarded"), ["gateway.address_header"]);
    }
}
