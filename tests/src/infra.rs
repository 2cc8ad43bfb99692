//! Where the real servers are that tests use: those that `make test` has started, or `make infra-up`.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
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

/// Servers of a test's own, which it may kill. They end when this is dropped, and with them all that they held.
#[derive(Debug)]
pub struct Own {
    folder: PathBuf,
}

impl Own {
    /// None yet. They will be where whoever has started this test stops them should it not end by itself.
    #[must_use]
    pub fn none() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("own/{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { folder: run_folder().join(name) }
    }

    /// Starts one, with what it held, and waits until it answers.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn start(&self, kind: Kind) -> anyhow::Result<()> {
        script(kind.name(), &["start".as_ref(), self.folder.as_os_str()])
    }

    /// Starts three brokers and three nodes; gives the options with which each of them has a replica of everything.
    ///
    /// # Errors
    /// When they don't start.
    pub fn three_of_each(&self) -> anyhow::Result<Vec<String>> {
        for (kind, how_many) in [(Kind::Kafka, "--brokers"), (Kind::Cassandra, "--nodes")] {
            let folder = self.folder.as_os_str();
            script(kind.name(), &["start".as_ref(), folder, how_many.as_ref(), "3".as_ref()])?;
        }
        Ok(vec![
            format!("kafka.bootstrap={}", self.address(Kind::Kafka)?),
            "kafka.replication=3".to_owned(),
            "kafka.min_insync_replicas=2".to_owned(),
            format!("cql.contact_points={}", self.address(Kind::Cassandra)?),
            "cql.replication=3".to_owned(),
        ])
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
