//! What can be chosen.

use std::{fmt, path::PathBuf, time::Duration};

use chasqui_telemetry::metrics::StoreMetrics;
use zeroize::ZeroizeOnDrop;

use crate::limits::INBOX_RETENTION_DAYS_MAX;

/// A password. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(set)")
    }
}

/// Where the servers are, who asks them, and how much at a time.
#[derive(Debug, Clone)]
pub struct Options {
    /// Some of the nodes, as `host:port`; the others are found through them. Default `127.0.0.1:9042`.
    pub contact_points: Vec<String>,
    /// The keyspace: lower case letters, digits and `_`, at most 48 of them. Default `chasqui`.
    pub keyspace: String,
    /// The datacenter whose nodes are asked, and a quorum of whose replicas answers. Default: the only one that there is.
    ///
    /// All processes of an installation use the same one, or a read would miss what was written through another.
    pub datacenter: Option<String>,
    /// How many replicas the datacenter has of a row, in a keyspace that is made. Default 3.
    pub replication_factor: u8,
    /// Who asks. Default nobody: the servers ask for no password.
    pub user: Option<String>,
    /// Their password.
    pub password: Option<Password>,
    /// Certificates, in PEM, of those who vouch for the servers. With them everything goes over TLS, without them nothing. Each
    /// node's certificate has to name its IP address. Default none.
    pub ca_file: Option<PathBuf>,
    /// How long a statement may take. Default 5 s.
    pub request_timeout: Duration,
    /// How long connecting to a node may take. Default 5 s.
    pub connect_timeout: Duration,
    /// How many statements may be under way at a time; at the bound calls wait. Default 256.
    pub concurrency_max: usize,
    /// For how many days inbox rows are kept at least. Default 30.
    ///
    /// A row goes by the number that held when it was written. All writers use the same one.
    pub inbox_retention_days: u32,
    /// Where statements are counted. Default nowhere that anybody looks.
    pub metrics: StoreMetrics,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            contact_points: vec!["127.0.0.1:9042".to_owned()],
            keyspace: "chasqui".to_owned(),
            datacenter: None,
            replication_factor: 3,
            user: None,
            password: None,
            ca_file: None,
            request_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            concurrency_max: 256,
            inbox_retention_days: 30,
            metrics: StoreMetrics::default(),
        }
    }
}

/// What an option can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Nobody to ask.
    #[error("name at least one contact point")]
    ContactPoints,
    /// It would have to be quoted, or the servers refuse it.
    #[error("{0:?} is no name of a keyspace: it has 1 to 48 of a-z, 0-9 and _, and begins with a letter")]
    Keyspace(String),
    /// There would be no row.
    #[error("the replication factor is at least 1")]
    ReplicationFactor,
    /// One of the two is no use.
    #[error("give both a user and a password, or neither")]
    Credentials,
    /// Nothing could be done.
    #[error("time-outs and the number of statements at a time are more than 0")]
    Zero,
    /// The servers would refuse to write.
    #[error("inbox rows can be kept for 1 to {INBOX_RETENTION_DAYS_MAX} days")]
    Retention,
}

/// The most characters that the servers take.
const KEYSPACE_BYTES_MAX: usize = 48;

impl Options {
    /// Whether they can be used.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub fn check(&self) -> Result<(), OptionsError> {
        if self.contact_points.is_empty() {
            return Err(OptionsError::ContactPoints);
        }
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins = self.keyspace.starts_with(|c: char| c.is_ascii_lowercase());
        if !begins || self.keyspace.len() > KEYSPACE_BYTES_MAX || !self.keyspace.chars().all(fits) {
            return Err(OptionsError::Keyspace(self.keyspace.clone()));
        }
        if self.replication_factor == 0 {
            return Err(OptionsError::ReplicationFactor);
        }
        if self.user.is_some() != self.password.is_some() {
            return Err(OptionsError::Credentials);
        }
        if self.request_timeout.is_zero() || self.connect_timeout.is_zero() || self.concurrency_max == 0 {
            return Err(OptionsError::Zero);
        }
        if !(1..=INBOX_RETENTION_DAYS_MAX).contains(&self.inbox_retention_days) {
            return Err(OptionsError::Retention);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_nonsense_cannot() {
        assert_eq!(Options::default().check(), Ok(()));
        let refused = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.check().unwrap_err()
        };
        assert_eq!(refused(|o| o.contact_points.clear()), OptionsError::ContactPoints);
        for name in ["", "Chasqui", "a-b", "1a", "_a", "x'; DROP", &"a".repeat(49)] {
            let options = Options { keyspace: name.to_owned(), ..Options::default() };
            assert_eq!(options.check(), Err(OptionsError::Keyspace(name.to_owned())));
        }
        assert_eq!(refused(|o| o.replication_factor = 0), OptionsError::ReplicationFactor);
        assert_eq!(refused(|o| o.user = Some("me".into())), OptionsError::Credentials);
        assert_eq!(refused(|o| o.request_timeout = Duration::ZERO), OptionsError::Zero);
        assert_eq!(refused(|o| o.concurrency_max = 0), OptionsError::Zero);
        assert_eq!(refused(|o| o.inbox_retention_days = 0), OptionsError::Retention);
        assert_eq!(refused(|o| o.inbox_retention_days = 3651), OptionsError::Retention);
    }

    #[test]
    fn a_password_is_not_shown() {
        let options = Options { password: Some(Password::new("hush")), ..Options::default() };
        assert!(!format!("{options:?}").contains("hush"));
    }
}
