//! `chasqui serve`: the server until a signal.

use std::{
    io::{IsTerminal, Write},
    sync::Arc,
};

use anyhow::Context;
use chasqui_config::Options;
use chasqui_disk::RealDisk;
use chasqui_runtime::Runtime;
use chasqui_telemetry::Format;
use tokio::{
    select,
    signal::unix::{Signal, SignalKind, signal},
};

use crate::{
    folder::FolderLock,
    open_files,
    server::{Part, Phase, Server},
};

/// What `chasqui serve` is told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Die like a machine without power the COUNT-th time that the failpoint is passed.
    #[cfg(feature = "failpoints")]
    #[arg(long, value_name = "POINT=COUNT[+PAUSE_MS]", hide = true)]
    kill_at: Option<crate::failpoints::KillAt>,
    /// Stand still, as by SIGSTOP, the COUNT-th time that the failpoint is passed.
    #[cfg(feature = "failpoints")]
    #[arg(long, value_name = "POINT=COUNT", hide = true)]
    stop_at: Option<crate::failpoints::KillAt>,
}

/// What a shell makes of a process that SIGINT ended.
const EXIT_INTERRUPTED: i32 = 130;

/// Serves until SIGTERM, SIGINT or SIGHUP.
///
/// # Errors
/// When the server can't start, or ends by itself.
pub fn run(args: &Args, part: Part, mut options: Options) -> anyhow::Result<()> {
    let is_terminal = std::io::stderr().is_terminal();
    chasqui_telemetry::init(if is_terminal { Format::Pretty } else { Format::Json }, "")?;
    // What the variable FAILPOINTS asks for, in the form of the library.
    #[cfg(feature = "failpoints")]
    let _failpoints = fail::FailScenario::setup();
    #[cfg(feature = "failpoints")]
    if let Some(kill_at) = &args.kill_at {
        kill_at.arm()?;
    }
    #[cfg(feature = "failpoints")]
    if let Some(stop_at) = &args.stop_at {
        stop_at.arm_to_stop()?;
    }
    #[cfg(not(feature = "failpoints"))]
    let Args {} = args;
    options.validate_for(part.purpose()).context("the options don't allow a start")?;
    open_files::raise(&mut options.gateway)?;
    // Held until the end of the process.
    let _lock = if part == Part::All { Some(FolderLock::take(&options.data)?) } else { None };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(part, options));
    if part != Part::All {
        // Questions to brokers that are away may block for a while yet, and nobody wants their answers.
        runtime.shutdown_background();
    }
    served
}

async fn serve(part: Part, options: Options) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let uses_dev_keys = options.uses_dev_keys();
    let mut server = Server::start_part(part, Arc::new(RealDisk), options, Runtime::real()).await?;
    let address = server.address();
    if uses_dev_keys && part.has_gateway() && !address.ip().is_loopback() {
        tracing::warn!(%address, "the built-in keys are known to everybody, and others can reach this address: \
            anybody can be any user here");
    }
    let mut phase = server.phase();
    // It may serve already.
    phase.mark_changed();
    let mut has_served = false;
    loop {
        select! {
            error = server.ended() => return Err(error).context("the server has ended"),
            changed = phase.changed() => {
                if changed.is_ok() && *phase.borrow_and_update() == Phase::Serving {
                    announce(&server, uses_dev_keys && part.has_gateway() && !has_served);
                    has_served = true;
                }
            }
            () = signals.next() => break,
        }
    }
    tracing::info!("stopping");
    select! {
        stopped = server.stop() => stopped.context("the server has ended")?,
        () = signals.next() => {
            tracing::warn!("ended at once by a second signal");
            // Waits for nothing, not even for a disk that hangs.
            std::process::exit(EXIT_INTERRUPTED);
        }
    }
    Ok(())
}

/// The signals that end a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

fn announce(server: &Server, with_advice: bool) {
    let url = format!("http://{}", server.address());
    tracing::info!(%url, "ready");
    let mut text = format!("ready on {url}\n");
    if with_advice {
        let program = std::env::args().next().unwrap_or_else(|| "chasqui".to_owned());
        let place = if url == "http://127.0.0.1:7600" { String::new() } else { format!(" --url {url}") };
        text += &format!(
            "\nBuilt-in keys are in use: fine for trying it out, and for nothing else.\n\
             Now let two people talk, each in a terminal of their own:\n\n\
             \x20   {program} chat --as alice --with bob{place}\n\
             \x20   {program} chat --as bob --with alice{place}\n\n\
             Who writes a client of their own begins at {url}/docs.\n\n"
        );
    }
    // When standard output is closed nobody wants to know.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
