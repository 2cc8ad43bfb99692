//! The binary as a process of its own.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
};

use anyhow::{Context, anyhow, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tokio::{sync::watch, time::timeout};

use crate::witness::{PATIENCE, Place};

/// What the process has written to its standard output.
#[derive(Debug, Default)]
struct Said {
    /// The last URL that it was ready on.
    url: Option<String>,
    is_over: bool,
}

/// A server as a process of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Binary {
    child: Child,
    said: watch::Receiver<Said>,
    complaints: Option<JoinHandle<String>>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Its standard error.
    pub stderr: String,
}

impl Binary {
    /// Starts `chasqui serve --dev` on any free port, with these settings beside.
    ///
    /// # Errors
    /// When there is no binary.
    pub fn serve(data: &Path, settings: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program()?);
        Self::spawn(command.args(arguments(data, settings)))
    }

    /// The same, with no file allowed to become longer than a number of blocks of 512 bytes, until
    /// [`Binary::lift_limit`]: to the process its disk is full.
    ///
    /// # Errors
    /// When there is no binary.
    pub fn serve_limited(data: &Path, settings: &[&str], blocks: u64) -> anyhow::Result<Self> {
        let mut command = Command::new("sh");
        // Without the trap the first write beyond the limit would end the process.
        let script = format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"");
        Self::spawn(command.arg("-c").arg(script).arg(program()?).args(arguments(data, settings)))
    }

    fn spawn(command: &mut Command) -> anyhow::Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = quiet.env_remove("RUST_BACKTRACE").spawn().context("the binary")?;
        let stdout = child.stdout.take().context("standard output")?;
        let mut stderr = child.stderr.take().context("standard error")?;
        let (say, said) = watch::channel(Said::default());
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("ready on ") {
                    say.send_modify(|said| said.url = Some(url.to_owned()));
                }
            }
            say.send_modify(|said| said.is_over = true);
        });
        let complaints = thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before it broke is what there is.
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Ok(Self { child, said, complaints: Some(complaints) })
    }

    /// Waits until it serves, for the first time.
    ///
    /// # Errors
    /// When it has ended instead, with what it said.
    pub async fn ready(&mut self) -> anyhow::Result<Place> {
        let said = timeout(PATIENCE, self.said.wait_for(|said| said.url.is_some() || said.is_over)).await;
        let url = said.context("the binary is neither ready nor at its end")??.url.clone();
        match url {
            Some(url) => {
                let address = url.strip_prefix("http://").with_context(|| format!("{url} is no address"))?;
                Ok(Place::new(address.parse()?))
            }
            None => bail!("the binary has ended: {:?}", self.ended().await?),
        }
    }

    /// Whether it serves; none once it has ended. Waits until either is so.
    ///
    /// # Errors
    /// When neither comes to be.
    pub async fn ready_or_ended(&mut self) -> anyhow::Result<Option<Place>> {
        timeout(PATIENCE, self.said.wait_for(|said| said.url.is_some() || said.is_over))
            .await
            .context("the binary is neither ready nor at its end")??;
        if self.said.borrow().url.is_some() { self.ready().await.map(Some) } else { Ok(None) }
    }

    /// Lets files grow again.
    ///
    /// # Errors
    /// When the system doesn't allow it.
    pub fn lift_limit(&self) -> anyhow::Result<()> {
        let now = prlimit(Some(self.pid()?), Resource::Fsize, Rlimit { current: None, maximum: None })?;
        ensure!(now.current.is_some(), "there was no limit");
        Ok(())
    }

    /// Ends it as an operator does, and waits.
    ///
    /// # Errors
    /// When it doesn't end, or not well.
    pub async fn stop(mut self) -> anyhow::Result<Ended> {
        kill_process(self.pid()?, Signal::TERM)?;
        let ended = self.ended().await?;
        ensure!(ended.status.success(), "a stop ended badly: {ended:?}");
        Ok(ended)
    }

    /// Ends it at once, by a signal that nothing can catch.
    ///
    /// # Errors
    /// When it doesn't end, or had ended before.
    pub async fn kill(mut self) -> anyhow::Result<Ended> {
        kill_process(self.pid()?, Signal::KILL)?;
        let ended = self.ended().await?;
        ensure!(ended.status.signal() == Some(Signal::KILL.as_raw()), "it had ended before: {ended:?}");
        Ok(ended)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it doesn't end.
    pub async fn ended(&mut self) -> anyhow::Result<Ended> {
        timeout(PATIENCE, self.said.wait_for(|said| said.is_over)).await.context("the binary doesn't end")??;
        // Its output is closed, so there is nothing left but the end.
        let status = self.child.wait()?;
        let complaints = self.complaints.take().context("an end that wasn't seen yet")?;
        let stderr = complaints.join().map_err(|_| anyhow!("the reader of standard error panicked"))?;
        Ok(Ended { status, stderr })
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        Pid::from_raw(i32::try_from(self.child.id())?).context("a process id")
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn arguments<'a>(data: &'a Path, settings: &'a [&'a str]) -> Vec<std::ffi::OsString> {
    let mut data_setting = std::ffi::OsString::from("data=");
    data_setting.push(data);
    let mut arguments: Vec<_> = ["serve", "--dev", "--set", "listen=127.0.0.1:0", "--set"].map(Into::into).into();
    arguments.push(data_setting);
    for setting in settings {
        arguments.extend([OsStr::new("--set").to_owned(), OsStr::new(setting).to_owned()]);
    }
    arguments
}

/// The binary lies beside the tests.
fn program() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test.parent().and_then(Path::parent).context("the folder of the binary")?;
    let program = folder.join("chasqui");
    ensure!(program.exists(), "there is no {}: run `cargo build -p chasqui` before these tests", program.display());
    Ok(program)
}
