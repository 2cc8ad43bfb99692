//! Where the real servers are that tests use: those that `make test` has started, or `make infra-up`.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// Some of the Kafka brokers, as `host:port,host:port`.
///
/// # Errors
/// When there are none.
pub fn bootstrap() -> anyhow::Result<String> {
    address("KAFKA_BOOTSTRAP", "kafka.env")
}

/// Some nodes of the CQL servers, as `host:port,host:port`.
///
/// # Errors
/// When there are none.
pub fn contact_points() -> anyhow::Result<String> {
    address("CQL_CONTACT_POINTS", "cassandra.env")
}

/// The schema registry.
///
/// # Errors
/// When there is none.
pub fn registry() -> anyhow::Result<String> {
    address("REGISTRY_URL", "registry.env")
}

/// What a variable says: in the environment, or else in a file that starting the servers left.
fn address(variable: &str, file: &str) -> anyhow::Result<String> {
    if let Ok(value) = env::var(variable) {
        return Ok(value);
    }
    of_file(&run_folder().join(file), variable)
}

/// Where the servers are that tests use.
fn run_folder() -> PathBuf {
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/infra/run");
    env::var_os("CHASQUI_TEST_INFRA").map_or_else(here, PathBuf::from)
}

fn of_file(path: &Path, variable: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("{}: start the servers with `make infra-up`", path.display()))?;
    match text.lines().find_map(|line| line.strip_prefix(variable)?.strip_prefix('=')) {
        Some(value) => Ok(value.to_owned()),
        None => bail!("{} says nothing of {variable}", path.display()),
    }
}

/// One of the servers that roles work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Kafka broker.
    Kafka,
    /// A node of the CQL servers.
    Cassandra,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Cassandra => "cassandra",
        }
    }

    fn variable(self) -> (&'static str, &'static str) {
        match self {
            Self::Kafka => ("KAFKA_BOOTSTRAP", "kafka.env"),
            Self::Cassandra => ("CQL_CONTACT_POINTS", "cassandra.env"),
        }
    }
}

/// A name that nobody has used before, on servers that outlive the tests and number their processes anew: for topics, a
/// keyspace or a folder.
#[must_use]
pub fn unused_name(kind: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{kind}_{since:x}_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Servers of a test's own, which it may kill. They end when this is dropped, and with them all that they held.
#[derive(Debug)]
pub struct Own {
    folder: PathBuf,
}

impl Own {
    /// None yet. They will be where whoever has started this test stops them should it not end by itself.
    #[must_use]
    pub fn none() -> Self {
        Self { folder: run_folder().join("own").join(unused_name("test")) }
    }

    /// Starts one, with what it held, and waits until it answers.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn start(&self, kind: Kind) -> anyhow::Result<()> {
        self.start_with(kind, &[])
    }

    /// The same, with arguments of the script that starts it.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn start_with(&self, kind: Kind, arguments: &[&str]) -> anyhow::Result<()> {
        let arguments = arguments.iter().map(AsRef::as_ref);
        let all: Vec<&OsStr> = ["start".as_ref(), self.folder.as_os_str()].into_iter().chain(arguments).collect();
        script(kind.name(), &all)
    }

    /// Starts three brokers and three nodes; gives the options with which each of them has a replica of everything.
    ///
    /// # Errors
    /// When they don't start.
    pub fn three_of_each(&self) -> anyhow::Result<Vec<String>> {
        for (kind, how_many) in [(Kind::Kafka, "--brokers"), (Kind::Cassandra, "--nodes")] {
            self.start_with(kind, &[how_many, "3"])?;
        }
        Ok(vec![
            format!("kafka.bootstrap={}", self.address(Kind::Kafka)?),
            "kafka.replication=3".to_owned(),
            "kafka.min_insync_replicas=2".to_owned(),
            format!("cql.contact_points={}", self.address(Kind::Cassandra)?),
            "cql.replication=3".to_owned(),
        ])
    }

    /// Starts a broker that takes those who come by TLS and log in; gives where, and the file that says how, as
    /// `kafka.properties_file` wants it.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn secure_broker(&self) -> anyhow::Result<(String, PathBuf)> {
        self.start_with(Kind::Kafka, &["--secure"])?;
        let address = of_file(&self.folder.join("kafka.env"), "KAFKA_SECURE_BOOTSTRAP")?;
        Ok((address, self.folder.join("client.properties")))
    }

    /// Where it is.
    ///
    /// # Errors
    /// When it was never started.
    pub fn address(&self, kind: Kind) -> anyhow::Result<String> {
        let (variable, file) = kind.variable();
        of_file(&self.folder.join(file), variable)
    }

    /// Kills the first of them.
    ///
    /// # Errors
    /// When it doesn't run.
    pub fn kill(&self, kind: Kind) -> anyhow::Result<()> {
        let path = self.folder.join(format!("{}-1/pid", kind.name()));
        let pid = fs::read_to_string(&path).with_context(|| path.display().to_string())?.trim().parse()?;
        let pid = Pid::from_raw(pid).context("no process")?;
        Ok(kill_process(pid, Signal::KILL)?)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // What goes on running is a process more; a test has nobody to tell.
        let _ = script("down", &[self.folder.as_os_str(), "--wipe".as_ref()]);
    }
}

fn script(name: &str, arguments: &[&OsStr]) -> anyhow::Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/local").join(name);
    let output = Command::new(script).args(arguments).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "infra/local/{name} {arguments:?} ends with {}: {said}", output.status);
    Ok(())
}
