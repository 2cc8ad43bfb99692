//! A process with roles: all of them on the embedded log and store, or one of them on Kafka and CQL.
//!
//! The process has *lives*. A life opens log and store, starts a sequencer and a router for each partition, lets them
//! catch up with what was accepted before, and only then takes sessions: whoever saw their message sent finds it in
//! their history. When the store fails or a role stops, the life ends with all its roles, and the next one finds on the
//! disk what a crash would have left. The socket stays open meanwhile and answers that it is not ready, and why.
//!
//! A gateway whose id another process has taken over ends the server: the two would take it from each other without end.
//! The first life that never came to serve and whose error waiting doesn't mend ends the server: somebody has to look.

mod backend;
#[cfg(feature = "cluster")]
pub(crate) mod cluster;
mod counted_log;
mod counted_store;
mod docs;
mod error;
mod files;
mod front;
mod housekeeping;
pub(crate) mod identity;
mod life;
mod part;
mod roles;
mod settled;
mod status;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use chasqui_auth::{Policy, Verifier};
use chasqui_config::Options;
use chasqui_disk::Disk;
use chasqui_runtime::{Backoff, Runtime, Task};
use chasqui_seal::MasterKey;
use chasqui_telemetry::metrics::Metrics;
use tokio::{select, sync::watch};

pub use error::Error;
pub(crate) use front::openapi;
pub use part::Part;
pub use status::Phase;

use life::End;
use status::Status;

/// The longest pause between two lives.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// How long requests that are being answered may take when the server stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// What every life of a server begins with.
struct Foundation {
    part: Part,
    disk: Arc<dyn Disk>,
    options: Options,
    /// None in a process without a gateway, which has nothing to judge and nothing to open.
    judges: Option<Judges>,
    runtime: Runtime,
    status: Arc<Status>,
    metrics: Metrics,
}

/// What a gateway knows beside its topics.
struct Judges {
    master: Arc<MasterKey>,
    /// Kept over lives with the keys that it has read.
    verifier: Arc<Verifier>,
    policy: Arc<Policy>,
}

impl Judges {
    async fn of(options: &Options, runtime: &Runtime) -> Result<Self, Error> {
        let master = options.seal.master_key.as_ref().map_or("", |key| key.expose());
        let master = Arc::new(MasterKey::from_base64(master)?);
        let (verifier, policy) = identity::judges(options, runtime).await?;
        Ok(Self { master, verifier: Arc::new(verifier), policy: Arc::new(policy) })
    }
}

/// A running server. Dropping it ends the roles where they are, as a crash would, and leaves open connections to the
/// runtime: stop it, unless the process or the runtime ends with it.
pub struct Server {
    address: SocketAddr,
    foundation: Arc<Foundation>,
    stop: watch::Sender<bool>,
    lives: Task<Result<(), Error>>,
    front: Task<()>,
}

impl Server {
    /// Listens, and begins the first life with all roles; [`Server::phase`] tells when it serves. `disk` must hold nothing
    /// that another process writes to in the folder `options.data`.
    ///
    /// # Errors
    /// What is wrong with the options, and [`Error::Listen`]. What goes wrong later is told by [`Server::ended`].
    pub async fn start(disk: Arc<dyn Disk>, options: Options, runtime: Runtime) -> Result<Self, Error> {
        Self::start_part(Part::All, disk, options, runtime).await
    }

    /// The same with some of the roles.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_part(
        part: Part,
        disk: Arc<dyn Disk>,
        options: Options,
        runtime: Runtime,
    ) -> Result<Self, Error> {
        options.validate_for(part.purpose())?;
        let judges = if part.has_gateway() { Some(Judges::of(&options, &runtime).await?) } else { None };
        let listen = |source| Error::Listen { address: options.listen.clone(), source };
        let listener = front::listen(&options.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (status, metrics) = (Arc::new(Status::default()), Metrics::new());
        let foundation =
            Arc::new(Foundation { part, disk, options, judges, runtime: runtime.clone(), status, metrics });
        let (stop, stopping) = watch::channel(false);
        let front = runtime.spawn("front", front::serve(listener, foundation.clone(), stop.subscribe()));
        let lives = runtime.spawn("lives", live(foundation.clone(), stopping));
        Ok(Self { address, foundation, stop, lives, front })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it is doing, from now on.
    #[must_use]
    pub fn phase(&self) -> watch::Receiver<Phase> {
        self.foundation.status.phase()
    }

    /// Waits until it ends by itself, and says why. Cancel safe; not to be called again after it was answered.
    pub async fn ended(&mut self) -> Error {
        select! {
            ended = self.lives.join() => match ended {
                Some(Err(error)) => error,
                Some(Ok(())) | None => Error::Panicked { what: "the supervisor" },
            },
            _ = self.front.join() => Error::Panicked { what: "the socket" },
        }
    }

    /// Sends the sessions away, flushes, and gives the files free.
    ///
    /// # Errors
    /// Why it had ended before, or what couldn't be flushed.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.stop.send_replace(true);
        let ended = self.lives.join().await.unwrap_or(Err(Error::Panicked { what: "the supervisor" }));
        if self.foundation.runtime.timeout(FAREWELL, self.front.join()).await.is_err() {
            tracing::warn!("requests were still open at the end");
        }
        ended
    }
}

/// Lives until it is told to stop, or until an error that waiting doesn't mend.
async fn live(foundation: Arc<Foundation>, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
    let mut backoff = Backoff::new(BACKOFF_MAX);
    loop {
        let began = foundation.runtime.monotonic();
        let (error, has_served) = match life::live(&foundation, stop.clone()).await {
            End::Stopped(flushed) => return flushed,
            End::Failed { error, has_served } => (error, has_served),
        };
        if (!has_served && !error.is_retryable()) || error.is_superseded() {
            return Err(error);
        }
        // One that serves and fails at once would otherwise send everybody away, again and again.
        if has_served && foundation.runtime.monotonic() - began > BACKOFF_MAX {
            backoff.reset();
        }
        let pause = backoff.pause();
        tracing::error!(error = error::chain(&error), ?pause, "all roles stopped, and begin again after a pause");
        foundation.status.set(Phase::Waiting(error::chain(&error)));
        select! {
            () = foundation.runtime.sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
        }
    }
}
