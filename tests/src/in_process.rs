//! A server inside the test's process, that can be killed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use chasqui::server::{Phase, Server};
use chasqui_config::Options;
use chasqui_disk::Disk;
use tokio::{runtime::Runtime, select, time::timeout};

use crate::wait::PATIENCE;

/// A server on a runtime of its own, so that all that it does can be ended at once. Dropping it ends it wherever it is:
/// no task of it runs any more, and its sockets are closed. Its threads that write files may go on; whoever wants it dead
/// in that sense takes the disk from it first.
pub struct InProcess {
    /// None once it was stopped.
    server: Option<Server>,
    address: SocketAddr,
    // Dropped last.
    runtime: OwnRuntime,
}

/// A runtime that may be dropped anywhere, also with a start that nobody waits for any more.
struct OwnRuntime(Option<Runtime>);

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl OwnRuntime {
    fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    async fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> anyhow::Result<T> {
        let runtime = self.0.as_ref().context("a runtime that wasn't dropped")?;
        Ok(runtime.spawn(future).await?)
    }
}

impl InProcess {
    /// Starts a server on a disk, and returns before it serves.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn start(disk: Arc<dyn Disk>, options: Options) -> anyhow::Result<Self> {
        Self::start_on(chasqui_runtime::Runtime::real(), disk, options).await
    }

    /// The same with clocks of the test's.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn start_on(
        clocks: chasqui_runtime::Runtime,
        disk: Arc<dyn Disk>,
        options: Options,
    ) -> anyhow::Result<Self> {
        let runtime = OwnRuntime::new()?;
        let start = Server::start(disk, options, clocks);
        let server = runtime.run(start).await?.context("a server")?;
        let address = server.address();
        Ok(Self { server: Some(server), address, runtime })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it serves.
    ///
    /// # Errors
    /// Why it has ended instead.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        self.reach(|phase| *phase == Phase::Serving).await
    }

    /// Waits until it does something.
    ///
    /// # Errors
    /// Why it has ended instead.
    pub async fn reach(&mut self, wanted: impl FnMut(&Phase) -> bool) -> anyhow::Result<()> {
        let server = self.server.as_mut().context("a server that wasn't stopped")?;
        let mut phase = server.phase();
        let reached = timeout(PATIENCE, async {
            select! {
                reached = phase.wait_for(wanted) => reached.map(drop).context("a phase"),
                error = server.ended() => Err(anyhow::Error::from(error).context("the server has ended")),
            }
        });
        match reached.await {
            Ok(reached) => reached,
            Err(_) => bail!("the server is still at {:?}", *server.phase().borrow()),
        }
    }

    /// Ends it as an operator does.
    ///
    /// # Errors
    /// What goes wrong at the end.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let server = self.server.take().context("a server that wasn't stopped")?;
        self.runtime.run(server.stop()).await?.context("a clean stop")
    }
}

/// Options for tests: the built-in keys, any free port, and no long waits.
#[must_use]
pub fn options() -> Options {
    let mut options = Options::default().dev();
    options.listen = "127.0.0.1:0".to_owned();
    options.data = "/data".into();
    // More than it has by itself: so that what goes on side by side is tested.
    (options.log.partitions_chats, options.log.partitions_users) = (Some(4), Some(4));
    options.gateway.drain_ms = Duration::from_millis(500).as_millis() as u64;
    options
}
