//! The real binary as a process.

mod output;

use std::{
    env,
    ffi::OsStr,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

use crate::wait::within;
use output::Output;

/// How often it is looked whether a server stands still.
const STATE_EVERY: std::time::Duration = std::time::Duration::from_millis(20);

const MISSING: &str = "run the tests with `make test`, which builds it with failpoints first";

/// What a process of the binary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// All roles, on the embedded log and store.
    All,
    /// A gateway, on Kafka and CQL.
    Gateway,
    /// A sequencer, likewise.
    Sequencer,
    /// A router, likewise.
    Router,
}

impl Role {
    /// Whether clients talk to it.
    #[must_use]
    pub fn takes_sessions(self) -> bool {
        matches!(self, Self::All | Self::Gateway)
    }

    /// The command that starts it.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::All => "serve",
            Self::Gateway => "gateway",
            Self::Sequencer => "sequencer",
            Self::Router => "router",
        }
    }
}

/// How to start servers on one data folder.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What they are.
    pub role: Role,
    /// The data folder.
    pub data: PathBuf,
    /// Where everything that servers write to standard error goes.
    pub log: PathBuf,
    /// The address to listen on.
    pub listen: String,
    /// Further options, as `KEY=VALUE`.
    pub options: Vec<String>,
    /// Whether built-in keys stand in for those that the options leave out.
    pub dev: bool,
    /// How long files may become, in blocks of 512 bytes, until [`Server::lift_limit`]: to the process its disk is full.
    pub file_blocks_max: Option<u64>,
    /// A failpoint at which servers stand still, and the how many-th time, as `POINT=COUNT`: see [`Server::wake`].
    pub stop_at: Option<String>,
    /// What other failpoints do, in the form of the library `fail`.
    pub failpoints: Option<String>,
    /// How much memory it may write to, in bytes: heap, stacks and buffers. It dies when it wants more.
    pub memory_bytes_max: Option<u64>,
}

impl Setup {
    /// On data in a folder, with the log beside, listening on any free port.
    #[must_use]
    pub fn new(folder: &Path, options: &[&str]) -> Self {
        let (data, log) = (folder.join("data"), folder.join("server.log"));
        let (listen, options) = ("127.0.0.1:0".to_owned(), options.iter().map(|&option| option.to_owned()).collect());
        Self {
            role: Role::All,
            data,
            log,
            listen,
            options,
            dev: true,
            file_blocks_max: None,
            stop_at: None,
            failpoints: None,
            memory_bytes_max: None,
        }
    }

    /// All that servers wrote to standard error.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn stderr(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }
}

/// Where a server is to kill itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KillAt {
    /// The name of the failpoint.
    pub point: &'static str,
    /// The how many-th time.
    pub count: u64,
    /// How long who passes it stands still there before, in milliseconds; everything else goes on meanwhile.
    pub pause_ms: u64,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    output: Output,
}

/// The binary beside the test.
///
/// # Errors
/// When it is not there.
pub fn binary() -> anyhow::Result<PathBuf> {
    let test = env::current_exe()?;
    // The test is in `deps`, the binary beside that folder.
    let path = test.parent().and_then(Path::parent).context("the test is nowhere")?.join("chasqui");
    ensure!(path.is_file(), "{} is not there; {MISSING}", path.display());
    Ok(path)
}

/// The binary with nothing to read, and without the options of ours that are set where the test runs.
fn command(file_blocks_max: Option<u64>) -> anyhow::Result<Command> {
    let mut command = Command::new(binary()?);
    if let Some(blocks) = file_blocks_max {
        // Without the trap the first write beyond the limit would end the process.
        let script = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"");
        command = Command::new("sh");
        command.arg("-c").arg(script).arg(binary()?);
    }
    let inherited = env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("CHASQUI_"));
    command.env_clear().envs(inherited).stdin(Stdio::null());
    Ok(command)
}

/// Runs the binary to its end and gives what it prints.
///
/// # Errors
/// When it fails.
pub fn run(arguments: &[&str]) -> anyhow::Result<String> {
    let output = command(None)?.args(arguments).output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "chasqui {arguments:?} ends with {}: {complaint}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A token of a user, signed with the built-in secret.
///
/// # Errors
/// When the binary gives none.
pub fn token(user: &str) -> anyhow::Result<String> {
    run(&["token", "--dev", "--user", user, "--ttl", "12h"])
}

impl Server {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start(setup: &Setup, kill_at: Option<KillAt>) -> anyhow::Result<Self> {
        let mut command = command(setup.file_blocks_max)?;
        command.args([setup.role.command(), "--set"]).arg(format!("listen={}", setup.listen));
        command.arg("--set").arg([OsStr::new("data="), setup.data.as_os_str()].join(OsStr::new("")));
        if matches!(setup.role, Role::All) {
            // More than it has by itself: so that what goes on side by side is tested.
            command.args(["--set", "log.partitions_chats=4", "--set", "log.partitions_users=4"]);
        }
        for option in &setup.options {
            command.args(["--set", option]);
        }
        if setup.dev {
            command.arg("--dev");
        }
        if let Some(KillAt { point, count, pause_ms }) = kill_at {
            command.arg("--kill-at").arg(format!("{point}={count}+{pause_ms}"));
        }
        if let Some(stop_at) = &setup.stop_at {
            command.args(["--stop-at", stop_at]);
        }
        command.envs(setup.failpoints.iter().map(|failpoints| ("FAILPOINTS", failpoints)));
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.context("the server can't be started")?;
        if setup.memory_bytes_max.is_some() {
            let limit = Rlimit { current: setup.memory_bytes_max, maximum: setup.memory_bytes_max };
            prlimit(Some(Pid::from_child(&child)), Resource::Data, limit)?;
        }
        let output = Output::follow(&mut child, &setup.log)?;
        Ok(Self { child, output })
    }

    /// Waits until it takes sessions; gives its address.
    ///
    /// # Errors
    /// When it ends instead, or hangs.
    pub async fn ready(&mut self) -> anyhow::Result<String> {
        match self.ready_or_over().await? {
            Some(address) => Ok(address),
            None => bail!("the server ended before it was ready: {}\n{}", self.child.wait()?, self.explain()),
        }
    }

    /// Waits until it takes sessions, and gives its address, or until it has ended.
    ///
    /// # Errors
    /// When it hangs.
    pub async fn ready_or_over(&mut self) -> anyhow::Result<Option<String>> {
        within("the server is ready", self.output.ready()).await.with_context(|| self.output.tail())
    }

    /// Waits until it has refused to serve: it has ended with the status 1.
    ///
    /// # Errors
    /// When it ends in another way, or hangs.
    pub async fn refused(&mut self) -> anyhow::Result<()> {
        let status = self.ended("the server refuses to serve").await?;
        ensure!(status.code() == Some(1), "the server ended with {status}\n{}", self.explain());
        Ok(())
    }

    /// Lets files grow again.
    ///
    /// # Errors
    /// When the system doesn't allow it.
    pub fn lift_limit(&self) -> anyhow::Result<()> {
        let now =
            prlimit(Some(Pid::from_child(&self.child)), Resource::Fsize, Rlimit { current: None, maximum: None })?;
        ensure!(now.current.is_some(), "there was no limit");
        Ok(())
    }

    /// Waits until it stands still.
    ///
    /// # Errors
    /// When it hangs elsewhere, or the system doesn't say.
    pub async fn stands_still(&self) -> anyhow::Result<()> {
        let stopped = async {
            loop {
                // Behind the name, which may hold anything.
                let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
                if stat.rsplit(')').next().is_some_and(|state| state.trim_start().starts_with('T')) {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(STATE_EVERY).await;
            }
        };
        within("the server stands still", stopped).await.with_context(|| self.output.tail())?
    }

    /// Has it stand still.
    ///
    /// # Errors
    /// When it has ended.
    pub fn stop_in_place(&self) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::STOP)?)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn wake(&self) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// How much memory it can write to now; the same that `memory_bytes_max` bounds.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn memory_bytes(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmData:")).context("no VmData")?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }

    /// The last lines that it wrote.
    #[must_use]
    pub fn tail(&self) -> String {
        self.output.tail()
    }

    /// Whether it has said that it takes sessions.
    #[must_use]
    pub fn was_ready(&self) -> bool {
        self.output.was_ready()
    }

    /// Waits until it has died by a kill: at its failpoint, or from outside.
    ///
    /// # Errors
    /// When it ends in another way, or hangs.
    pub async fn died(&mut self) -> anyhow::Result<()> {
        let status = self.ended("the server dies at its failpoint").await?;
        ensure!(status.signal() == Some(Signal::KILL.as_raw()), "the server ended with {status}\n{}", self.explain());
        Ok(())
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        ensure!(!self.output.is_over(), "the server had ended by itself\n{}", self.explain());
        self.child.kill()?;
        self.died().await
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// When it doesn't, or complains.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_complaining().await?;
        self.complaints()
    }

    /// The same where it had something to complain of.
    ///
    /// # Errors
    /// When it doesn't stop.
    pub async fn stop_complaining(&mut self) -> anyhow::Result<()> {
        // It is not waited for yet, so its id is no other's.
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let status = self.ended("the server stops").await?;
        ensure!(status.success(), "the server ended with {status}\n{}", self.explain());
        Ok(())
    }

    /// Checks that it has not complained.
    ///
    /// # Errors
    /// With the warnings and errors that it has written.
    pub fn complaints(&self) -> anyhow::Result<()> {
        let complaints = self.output.complaints();
        ensure!(complaints.is_empty(), "the server complained:\n  {}", complaints.join("\n  "));
        Ok(())
    }

    async fn ended(&mut self, what: &str) -> anyhow::Result<ExitStatus> {
        // Its output ends with it, and then there is nothing to wait for.
        within(what, self.output.over()).await.with_context(|| self.output.tail())?;
        Ok(self.child.wait()?)
    }

    fn explain(&self) -> String {
        let tail = self.output.tail();
        if tail.contains("'--kill-at'") { format!("it was built without failpoints; {MISSING}") } else { tail }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
