//! Line by line: for scripts, and for terminals that can't do more.

mod input;
mod missed;
mod script;
mod written;

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use anyhow::Context;
use chasqui_client::Error;
use chasqui_domain::UserId;
use jiff::tz::TimeZone;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    limits::FAREWELL,
    opening::{Opened, patiently},
    session::{Happened, Session},
    signals::Signals,
    text::clean_line,
};
use input::Read;
use script::{Effect, Script};

/// Sends the lines of the input and prints what happens, until the input has ended and everything has its outcome.
pub(super) async fn run(
    session: Session,
    me: UserId,
    opened: Opened,
    zone: TimeZone,
    wait: Duration,
) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let mut lines = input::lines(io::stdin)?;
    let Opened { to, new } = opened;
    let script = Script::new(me, to, session.client().device().clone(), zone);
    if let Some(title) = new {
        print(&format!("✓ group {} {}", script.chat(), clean_line(&title)))?;
    }
    let mut run = Run { session, script, held: None, is_cut: false, deadline: None, wait };
    run.opened();
    let ended = tokio::select! {
        ended = run.turn(&mut lines) => ended,
        () = signals.next() => Err(anyhow::anyhow!("told to end")),
    };
    run.finish(ended, lines).await
}

struct Run {
    session: Session,
    script: Script,
    /// A line that was not taken yet.
    held: Option<String>,
    /// The client has ended, and took no more.
    is_cut: bool,
    /// Outcomes are awaited until here.
    deadline: Option<Instant>,
    wait: Duration,
}

impl Run {
    async fn turn(&mut self, lines: &mut mpsc::Receiver<Read>) -> anyhow::Result<()> {
        let mut is_open = true;
        loop {
            if !self.is_cut
                && let Some(line) = self.held.take()
            {
                self.line(line).await?;
            }
            if let Some(over) = self.script.over().cloned() {
                if !over.is_wanted && self.is_back().await {
                    self.script.comes_back();
                    continue;
                }
                anyhow::ensure!(over.is_wanted, over.why);
                say(format_args!("{}", over.why));
                return Ok(());
            }
            let may_read = is_open && self.held.is_none() && !self.script.is_leaving();
            if !is_open && self.held.is_none() && self.script.is_done() {
                return Ok(());
            }
            self.deadline = if may_read { None } else { self.deadline.or_else(|| Some(Instant::now() + self.wait)) };
            let deadline = self.deadline;
            tokio::select! {
                happened = self.session.next() => match happened {
                    Happened::Update(update) => {
                        for effect in self.script.update(*update) {
                            self.perform(effect).await?;
                        }
                    }
                    Happened::Over(why) => anyhow::bail!(why),
                },
                read = lines.recv(), if may_read => match read {
                    Some(Read::Line(line)) => self.line(line).await?,
                    Some(Read::TooLong { line, bytes_max }) => {
                        self.script.refuse();
                        say(format_args!("line {line} is not sent: it has more than {bytes_max} bytes"));
                    }
                    Some(Read::Failed(error)) => return Err(error).context("the input can't be read"),
                    None => is_open = false,
                },
                () = until(deadline) => anyhow::bail!(
                    "nothing came from the server for {}",
                    humantime::format_duration(self.wait)
                ),
            }
        }
    }

    /// There is a client, with what waits in its state.
    fn opened(&mut self) {
        for asked in self.session.client().unsent() {
            self.script.waits(asked);
        }
    }

    /// What the inbox tells may be old news: who was removed may have been added since.
    async fn is_back(&self) -> bool {
        patiently(|| self.session.rest().chat(self.script.chat())).await.is_ok_and(|item| item.is_some())
    }

    async fn perform(&mut self, effect: Effect) -> anyhow::Result<()> {
        match effect {
            Effect::Print(line) => print(&line)?,
            Effect::Say(line) => say(format_args!("{line}")),
            Effect::Progress => self.deadline = None,
            Effect::Read(seq) => match self.session.client().read(self.script.chat(), seq).await {
                // The next message's receipt counts for this one.
                Ok(()) | Err(Error::Full | Error::Closed) => {}
                Err(error) => say(format_args!("not marked as read: {error}")),
            },
            Effect::ReadMissed => self.read_missed().await?,
        }
        Ok(())
    }

    async fn finish(self, ended: anyhow::Result<()>, mut lines: mpsc::Receiver<Read>) -> anyhow::Result<()> {
        let Self { session, script, held, .. } = self;
        let state = session.state().display().to_string();
        if let Err(error) = session.close(FAREWELL).await {
            say(format_args!("{error:#}"));
        }
        let mut problems = Vec::new();
        if let Err(error) = ended {
            problems.push(format!("{error:#}"));
        }
        if script.unsent() > 0 {
            problems.push(format!("not sent yet: {}; kept in {state} and sent by the next chat", script.unsent()));
        }
        if script.refused() > 0 {
            problems.push(format!("refused: {}", script.refused()));
        }
        // More may be in the input.
        let untaken = usize::from(held.is_some()) + std::iter::from_fn(|| lines.try_recv().ok()).count();
        if untaken > 0 {
            problems.push(format!("not taken from the input and not kept: {untaken} lines and what follows them"));
        }
        anyhow::ensure!(problems.is_empty(), problems.join("; "));
        Ok(())
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("the output can't be written")
}

/// Says something that is no output.
fn say(line: fmt::Arguments<'_>) {
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{line}");
}
